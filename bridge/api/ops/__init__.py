"""`/ops`: the page for the person on call, rendered here, without a script."""
