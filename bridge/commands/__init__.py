"""The commands of the person on call, in groups."""
