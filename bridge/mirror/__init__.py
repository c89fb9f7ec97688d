"""The mirror: what the bridge knows, in SQL."""
