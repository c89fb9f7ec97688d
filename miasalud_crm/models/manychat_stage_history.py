from collections import defaultdict

from odoo import api, fields, models

from ..sync.clock import naive
from ..sync.history import HistoryRow
from ..sync.text import fold
from .insert_like import create_alike

# Fields of a row that are the first three of the fold's step.
STANDS = ("stage_id", "changed", "unmapped")


class ManychatStageHistory(models.Model):
    _name = "manychat.stage.history"
    _description = "ManyChat Stage History"
    _order = "clock desc, id desc"
    _rec_name = "state"

    lead_id = fields.Many2one("crm.lead", required=True, ondelete="cascade", index=True)
    event_id = fields.Char(help="Empty where a person moved the lead.")
    revision = fields.Integer()
    clock = fields.Char(required=True, help="Orders the history, compared bytewise.")
    occurred_at = fields.Datetime("Date", required=True)
    received_at = fields.Datetime("Received On", required=True)
    kind = fields.Selection([("manychat", "ManyChat"), ("person", "Person")], "By", required=True)
    state = fields.Char()
    state_folded = fields.Char(
        "State as Compared", compute="_compute_state_folded", store=True, readonly=True
    )
    unmapped = fields.Boolean(help="No rule fitted when the lead was last folded.")
    category = fields.Char()
    stage_id = fields.Many2one(
        "crm.stage", ondelete="set null", help="Where the lead stood afterwards."
    )
    lost_change = fields.Selection([("lost", "Lost"), ("restored", "Restored")], "Outcome")
    user_id = fields.Many2one("res.users", ondelete="set null")
    changed = fields.Boolean("Shown", help="A repeated state changes nothing and is not shown.")

    def init(self):
        """One row an event; rows of people have no event."""
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_stage_history_event_uniq
                   ON manychat_stage_history (event_id) WHERE event_id IS NOT NULL"""
        )
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS manychat_stage_history_unmapped_index
                   ON manychat_stage_history (state_folded) WHERE unmapped"""
        )
        return result

    @api.depends("state")
    def _compute_state_folded(self):
        for row in self:
            row.state_folded = fold(row.state)

    def _by_lead(self, leads):
        """Return ``lead id -> (states by event id, rows of people)`` in clock order."""
        found = {lead.id: ({}, []) for lead in leads}
        for row in self.search([("lead_id", "in", list(found))], order="clock, id"):
            states, persons = found[row.lead_id.id]
            if row.kind == "person":
                persons.append(row._as_row())
            else:
                states[row.event_id] = row._as_row()
        return found

    def _as_row(self):
        """Return what the fold reads; only a person's move decides a stage by itself."""
        moved = self.kind == "person" and not self.lost_change
        return HistoryRow(
            clock=self.clock,
            kind=self.kind,
            occurred_at=self.occurred_at,
            state=self.state or None,
            stage_id=self.stage_id.id if moved else None,
            lost_change=self.lost_change if self.kind == "person" else None,
            row_id=self.id,
            waiting=self.unmapped,
        )

    def _keep(self, pairs):
        """Store the rows of what was applied to ``(contact, lead)`` pairs, and how all stand."""
        applied = [event_id for contact, _lead in pairs for event_id in contact.applied]
        self.search([("event_id", "in", applied)]).unlink()
        new, stood = [], defaultdict(self.browse)
        # Read at once: what a failed part had read is forgotten.
        known = self.browse(row.row_id for c, _lead in pairs for _id, row in c.rows() if row.row_id)
        known = {row.id: row for row in known}
        for contact, lead in pairs:
            for (event_id, row), step in zip(contact.rows(), contact.picture().steps, strict=True):
                if event_id in contact.applied:
                    vals = self._from_event(contact.applied[event_id].event, lead.id)
                    new.append({**vals, **dict(zip(STANDS, step[:3], strict=True))})
                elif known[row.row_id]._stands() != step[:3]:
                    stood[step[:3]] += known[row.row_id]
        for stands, rows in stood.items():
            rows.write(dict(zip(STANDS, stands, strict=True)))
        create_alike(self, new)
        self.env["crm.lead"].browse(lead.id for _contact, lead in pairs).invalidate_recordset(
            ["manychat_history_ids", "manychat_change_ids"]
        )

    def _from_event(self, event, lead_id):
        return {
            "lead_id": lead_id,
            "event_id": event.event_id,
            "revision": event.revision,
            "clock": event.clock,
            "occurred_at": naive(event.occurred_at),
            "received_at": naive(event.received_at),
            "kind": "manychat",
            "state": event.state,
            "state_folded": fold(event.state),
            "category": event.category,
        }

    def _stands(self):
        return (self.stage_id.id or None, self.changed, self.unmapped)
