"""The HTTP door: authenticate, read, keep, answer. It knows the queue and the inbox only."""
