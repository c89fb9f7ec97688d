from odoo import models

from ..const import SYNC_KEY, SYNC_TOKEN
from ..sync.contact import KEEPABLE, Contact, is_typed
from .lookups import Lookups


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        self.sudo().with_context(**{SYNC_KEY: SYNC_TOKEN})._manychat_absorb(opportunities.ids)
        return result

    def _manychat_absorb(self, tail_ids):
        """Take over identity, newest values, history and events of the leads merged into this.

        The merge is a person's decision: where the survivor stands is kept as their move, and
        the values that Odoo's own merge writes afterwards count as typed.
        """
        tails = self.browse(tail_ids).filtered("manychat_id")
        if not tails:
            return
        identified = self if self.manychat_id else tails[0]
        head = self.with_company(identified.manychat_company_id)
        settings = head.env["res.config.settings"]._manychat_settings()
        entries = head._manychat_joined(tails, settings.keep_edited)
        head._manychat_take_identity(tails, identified.manychat_id)
        head._manychat_refold(entries, settings)

    def _manychat_joined(self, tails, keep_edited):
        """Return the newest writer of each key; with ``keep_edited`` what was typed here stays."""
        entries = dict(self.manychat_values or {})
        kept = {key for key in KEEPABLE & entries.keys() if keep_edited and is_typed(entries[key])}
        for tail in tails:
            for key, entry in (tail.manychat_values or {}).items():
                newer = key not in entries or entry["clock"] > entries[key]["clock"]
                if newer and key not in kept:
                    entries[key] = entry
        return entries

    def _manychat_take_identity(self, tails, manychat_id):
        """Become the lead of every contact that ``tails`` are; another company's is let go."""
        company = self.env.company
        ids = {tail.manychat_id for tail in tails if tail.manychat_company_id == company}
        # The unique index: the tail lets go before the head takes over.
        tails.write({"manychat_id": False})
        tails.flush_recordset(["manychat_id"])
        for model in ("manychat.stage.history", "manychat.event", "manychat.merged.contact"):
            self.env[model].search([("lead_id", "in", tails.ids)]).lead_id = self
        self.write({"manychat_id": manychat_id, "manychat_company_id": company.id})
        self.env["manychat.merged.contact"]._send_to(self, ids - {manychat_id})

    def _manychat_refold(self, entries, settings):
        """Write what the joined history and values say, and keep the stage as a person's."""
        self._manychat_keep_move(self._manychat_moment(), 0)
        self._manychat_rewrite(entries, settings)

    def _manychat_rewrite(self, entries, settings):
        """Write what the history and ``entries`` say, no move; return contact and look-ups."""
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
        self.env["manychat.stage.history"]._keep([(contact, self)])
        return contact, lookups
