import logging

from odoo import models
from psycopg2 import InterfaceError, OperationalError

from ..sync.contact import Contact
from .private_sql import private_sql_errors

_logger = logging.getLogger(__name__)


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_fold_again(self):
        """Fold waiting leads of one company under today's rules; what fails keeps waiting."""
        try:
            with private_sql_errors(), self.env.cr.savepoint():
                self._manychat_end_waiting()
                self.env.flush_all()
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            _logger.debug("Folding %s leads again failed", len(self), exc_info=True)
            if len(self) > 1:
                half = len(self) // 2
                self[:half]._manychat_fold_again()
                self[half:]._manychat_fold_again()
            else:
                _logger.warning("Lead %s was not folded again: %s", self.id, type(error).__name__)

    def _manychat_end_waiting(self):
        """Fold each lead anew; a person's later move stands, and passed dates are filled."""
        settings = self.env["res.config.settings"]._manychat_settings()
        History = self.env["manychat.stage.history"]
        leads = self._manychat_lock(sorted(self.mapped("manychat_id")))
        history = History._by_lead(leads.values())
        for manychat_id, lead in leads.items():
            states, persons = history[lead.id]
            contact = Contact(
                manychat_id,
                self._manychat_ground(lead, settings, states),
                lead_id=lead.id,
                entries=lead.manychat_values,
                states=states,
                persons=persons,
            )
            contact.end_waiting()
            lead.write(self._manychat_picture_vals(contact))
            lead._manychat_follow(contact)
            History._keep(contact, lead.id)
