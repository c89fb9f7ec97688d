"""The bridge: ManyChat webhooks through a queue and a mirror to Odoo CRM leads."""

__version__ = "0.1.0"
