"""How fast it is, measured on a stack of our own: `python -m benchmarks odoo`."""
