from odoo import models

from ..const import SYNC_KEY, SYNC_TOKEN
from ..sync.contact import Contact, is_typed
from .lookups import Lookups


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        self.sudo().with_context(**{SYNC_KEY: SYNC_TOKEN})._manychat_absorb(opportunities.ids)
        return result

    def _manychat_absorb(self, tail_ids):
        """Take over identity, newest values, history and events of the leads merged into this.

        The merge is a person's decision: where the survivor stands is kept as their move.
        """
        tails = self.browse(tail_ids).filtered("manychat_id")
        if not tails:
            return
        settings = self.env["res.config.settings"]._manychat_settings()
        entries = dict(self.manychat_values or {})
        typed = {key for key, entry in entries.items() if is_typed(entry)}
        kept = typed if settings.keep_edited else set()
        for tail in tails:
            for key, entry in (tail.manychat_values or {}).items():
                newer = key not in entries or entry["clock"] > entries[key]["clock"]
                if newer and key not in kept:
                    entries[key] = entry
        head_id = self.manychat_id or tails[0].manychat_id
        company = self.manychat_company_id or tails[0].manychat_company_id
        # The unique index: the tail lets go before the head takes over.
        tails.write({"manychat_id": False})
        tails.flush_recordset(["manychat_id"])
        self.env["manychat.stage.history"].search([("lead_id", "in", tails.ids)]).lead_id = self
        self.env["manychat.event"].search([("lead_id", "in", tails.ids)]).lead_id = self
        self.write({"manychat_id": head_id, "manychat_company_id": company.id})
        self._manychat_refold(entries, settings)

    def _manychat_refold(self, entries, settings):
        """Write what the joined history and values say, and keep the stage as a person's."""
        self._manychat_keep_move(self._manychat_moment(), 0)
        states, persons = self.env["manychat.stage.history"]._by_lead(self)[self.id]
        contact = Contact(
            self.manychat_id,
            self._manychat_ground(self, settings, states),
            lead_id=self.id,
            entries=entries,
            states=states,
            persons=persons,
            keep_edited=settings.keep_edited,
        )
        lookups = Lookups(self.env, settings, [contact])
        self.write(self._manychat_vals(contact, set(entries), lookups))
        self.env["manychat.stage.history"]._keep(contact, self.id)
