from odoo import fields, models

from ..const import MAX_ID
from ..sync.clock import naive
from ..sync.contact import Known
from ..sync.text import storable
from .insert_like import create_alike


class ManychatEvent(models.Model):
    _name = "manychat.event"
    _description = "ManyChat Event"
    _order = "id desc"
    _rec_name = "event_id"

    event_id = fields.Char(required=True, readonly=True)
    revision = fields.Integer(readonly=True)
    type = fields.Char("Kind", readonly=True)
    manychat_id = fields.Char("ManyChat ID", readonly=True)
    clock = fields.Char(readonly=True)
    occurred_at = fields.Datetime("Occurred On", readonly=True)
    received_at = fields.Datetime("Received On", readonly=True)
    status = fields.Selection(
        [
            ("created", "Lead created"),
            ("updated", "Lead updated"),
            ("stale", "Older than what is known"),
            ("unchanged", "Nothing new"),
            ("rejected", "Rejected"),
        ],
        required=True,
        readonly=True,
    )
    message = fields.Text(readonly=True)
    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="set null", index=True)
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    values = fields.Json(
        readonly=True,
        groups="base.group_system",
        help="What the event carried; a mended event lets older writers back in from here.",
    )

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_event_event_id_uniq
                   ON manychat_event (event_id)"""
        )
        return result

    def _as_known(self):
        """Return the row as the sync's ``Known``; a rejected one is not final."""
        return Known(self.revision, self.status != "rejected", self.clock or "", self.values or {})

    def _is_foreign(self, event):
        """Return whether the event's id already stands for another contact or company."""
        return self.status != "rejected" and (
            self.manychat_id != event.manychat_id or self.company_id != self.env.company
        )

    def _settles(self, event):
        """Return whether ``event`` changes nothing any more, or is refused as another's."""
        final = self and self.status != "rejected"
        return bool(final) and (self._is_foreign(event) or event.revision <= self.revision)

    def _by_event_id(self, event_ids):
        return {row.event_id: row for row in self.search([("event_id", "in", event_ids)])}

    def _of_leads(self, lead_ids):
        """Return the final events of these leads."""
        return self.search([("lead_id", "in", lead_ids), ("status", "!=", "rejected")])

    def _keep_rejection(self, event_id, raw, message):
        """Remember that an event was refused; what is final already stays as it is."""
        row = self.search([("event_id", "=", event_id)])
        vals = {"status": "rejected", "message": message[:500], "company_id": self.env.company.id}
        if isinstance(raw.get("manychat_id"), str):
            vals["manychat_id"] = storable(raw["manychat_id"])[:MAX_ID]
        if not row:
            self.create({"event_id": event_id, **vals})
        elif row.status == "rejected":
            row.write(vals)

    def _keep(self, pairs, ledger):
        """Write a row for each event that was applied to ``(contact, lead)`` pairs.

        ``ledger`` holds the rows that are there already, by event id.
        """
        new = []
        for contact, lead in pairs:
            for event_id, outcome in contact.applied.items():
                vals = self._from_outcome(outcome, contact.ledger[event_id].entries, lead.id)
                if event_id in ledger:
                    ledger[event_id].write(vals)
                else:
                    new.append({"event_id": event_id, **vals})
        create_alike(self, new)

    def _from_outcome(self, outcome, entries, lead_id):
        event = outcome.event
        return {
            "revision": event.revision,
            "type": event.type,
            "manychat_id": event.manychat_id,
            "clock": event.clock,
            "occurred_at": naive(event.occurred_at),
            "received_at": naive(event.received_at),
            "status": outcome.status,
            "message": "; ".join(event.notes)[:500],
            "lead_id": lead_id,
            "company_id": self.env.company.id,
            "values": entries,
        }
