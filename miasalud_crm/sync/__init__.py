"""The rules of the sync as plain Python: no record, no cursor."""
