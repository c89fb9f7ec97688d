"""Gets, starts, waits for and stops the parts of the road on one machine, for demo and tests."""
