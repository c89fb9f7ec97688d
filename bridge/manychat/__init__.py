"""ManyChat's public API, for what the bridge writes back."""
