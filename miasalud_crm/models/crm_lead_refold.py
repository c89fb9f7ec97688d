import logging

from odoo import models

from ..sync.contact import Contact
from .in_parts import in_parts
from .lookups import ADVISORS, Lookups

_logger = logging.getLogger(__name__)


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_do_again(self, kind):
        """Do leads of one company again, by ``rules`` or ``advisors``; what fails keeps waiting."""
        again = {
            "rules": lambda leads: leads._manychat_end_waiting(),
            "advisors": lambda leads: leads._manychat_resolve(),
        }
        for leads, _done, error in in_parts(self.env, self, again[kind]):
            if error:
                _logger.warning("Lead %s was not done again: %s", leads.id, type(error).__name__)

    def _manychat_end_waiting(self):
        """Fold each lead anew; a person's later move stands, and passed dates are filled."""
        settings = self.env["res.config.settings"]._manychat_settings()
        pairs = [(contact, lead) for lead, contact in self._manychat_contacts(settings)]
        before = self._manychat_before()
        for contact, lead in pairs:
            contact.end_waiting()
            lead.write(self._manychat_picture_vals(contact))
        self._manychat_follow([contact for contact, _lead in pairs])
        self.env["manychat.stage.history"]._keep(pairs)
        moved = [(c, lead) for c, lead in pairs if lead.stage_id != before[lead]["stage_id"]]
        self._manychat_trace(before, {lead: lead._manychat_place_text(c) for c, lead in moved})

    def _manychat_resolve(self):
        """Look each lead's advisors up again; a salesperson whom a person chose later stays."""
        settings = self.env["res.config.settings"]._manychat_settings()
        pairs = self._manychat_contacts(settings)
        lookups = Lookups(self.env, settings, [contact for _lead, contact in pairs])
        before = self._manychat_before()
        for lead, contact in pairs:
            vals = {}
            for key in ADVISORS:
                if lead[f"manychat_{key}_ref"]:
                    vals.update(lead._manychat_advisor(contact.value(key), key, lookups))
            if vals.get("manychat_commercial_id"):
                vals.update(lead._manychat_salesperson(contact, lookups, lead.team_id))
            lead.write(vals)
        self._manychat_join_team([lead for lead, _contact in pairs])
        self._manychat_trace(before, {})

    def _manychat_contacts(self, settings):
        """Return ``(lead, Contact)`` of each lead, locked in id order."""
        leads = self._manychat_lock(sorted(self.mapped("manychat_id")))
        history = self.env["manychat.stage.history"]._by_lead(leads.values())
        pairs = []
        for manychat_id, lead in leads.items():
            states, persons = history[lead.id]
            contact = Contact(
                manychat_id,
                self._manychat_ground(lead, settings, states),
                lead_id=lead.id,
                entries=lead.manychat_values,
                states=states,
                persons=persons,
                keep_edited=settings.keep_edited,
            )
            pairs.append((lead, contact))
        return pairs
