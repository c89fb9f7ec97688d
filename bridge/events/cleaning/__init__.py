"""Cleaning of single values: pure, total (no JSON value makes them raise), idempotent."""
