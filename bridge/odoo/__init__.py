"""Odoo through JSON-RPC: one adapter, one translator, the lead batch."""
