from contextlib import closing
from functools import partial

from odoo import api, models
from psycopg2 import Error, InterfaceError, OperationalError

from .in_parts import blame


class CrmLead(models.Model):
    """Odoo inserts many leads by one statement; where it is refused, whose row was it?

    Asked here, below all that Odoo computes for a new lead, the answer takes a few statements;
    making ever fewer leads by ``create`` until it stands alone takes as long as a whole batch.
    """

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _create(self, data_list):
        """:raise CulpritFound: the sync makes several leads, and the database refuses one."""
        insert = super()._create
        if not self._manychat_is_sync() or len(data_list) < 2:
            return insert(data_list)
        try:
            # What was computed for rows that go again is dropped with the sync's own savepoint.
            with self.env.cr.savepoint(flush=False):
                return insert(data_list)
        except (OperationalError, InterfaceError):
            raise
        except Error:
            blame(data_list, partial(self._manychat_insert_error, insert))
            raise

    def _manychat_insert_error(self, insert, data_list):
        """Return the database's error on these rows, None if it takes them; none of them stays."""
        try:
            with closing(self.env.cr.savepoint(flush=False)):
                insert(data_list)
        except (OperationalError, InterfaceError):
            raise
        except Error as error:
            return error
        return None
