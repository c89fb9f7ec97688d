"""Keeps what a contact said out of Odoo's log when a query fails."""

import logging
from contextlib import contextmanager
from contextvars import ContextVar

_withheld = ContextVar("miasalud_crm_withheld", default=False)


class _WithheldFilter(logging.Filter):
    """Odoo logs a failed query with its values; those of the sync are personal."""

    def filter(self, record):
        if _withheld.get():
            record.msg, record.args = "A query of the ManyChat sync failed, values withheld", ()
        return True


logging.getLogger("odoo.sql_db").addFilter(_WithheldFilter())


@contextmanager
def private_sql_errors():
    """Withhold the values of queries that fail inside, in this thread alone."""
    token = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(token)
