from datetime import UTC, timedelta

from odoo import models

from ..sync.clock import clock_text, naive
from ..sync.contact import PERSON
from .crm_lead_person import PERSON_KEYS

# The event id of a state that was known before the bridge: one a lead, and none of ManyChat's.
TAKEN_OVER = "take-over:"


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_adopt(self, manychat_ids, *, keep_values=True, states=None):
        """Make these leads, which ManyChat did not make, those of its contacts; move none.

        :param dict manychat_ids: lead id -> ManyChat id, free in the current company.
        :param bool keep_values: what they hold counts as typed by a person.
        :param dict states: lead id -> (state, naive UTC since when), where one is known.
        """
        states = states or {}
        for lead in self:
            entries = lead._manychat_held_entries() if keep_values else {}
            lead.write(
                {
                    "manychat_id": manychat_ids[lead.id],
                    "manychat_company_id": self.env.company.id,
                    "manychat_values": entries,
                }
            )
        self.env["manychat.partner"]._follow(self)
        self.env["manychat.stage.history"].create(
            [row for lead in self for row in lead._manychat_past_rows(*states.get(lead.id, ()))]
        )

    def _manychat_held_entries(self):
        """Return the entries of ``manychat_values`` that say: a person typed what is here."""
        clock = self._manychat_person_clock(self.write_date.replace(tzinfo=UTC), 0)
        entries = {}
        for name, key in PERSON_KEYS.items():
            if value := self._manychat_in_words(name):
                entries[key] = {"value": value, "clock": clock}
        if "first_name" in entries:
            entries["last_name"] = {"value": False, "clock": clock}
        return entries

    def _manychat_past_rows(self, state=None, since=None):
        """Return the history of a lead without any: its state, where it stands, whether it is lost.

        Where it stands counts from its last change of stage, so that only what ManyChat says
        later moves it; never before its state, whose rule would move it else.
        """
        placed = (self.date_last_stage_update or self.create_date).replace(tzinfo=UTC)
        rows = []
        if state:
            began = (since or self.create_date).replace(tzinfo=UTC)
            placed = max(placed, began + timedelta(microseconds=1))
            event_id = f"{TAKEN_OVER}{self.id}"
            clock = clock_text(began, began, event_id, 0)
            rows.append(
                {"kind": "manychat", "event_id": event_id, "state": state, **_at(began, clock)}
            )
        moved = {"kind": "person", "stage_id": self.stage_id.id, "user_id": self.create_uid.id}
        rows.append({**moved, **_at(placed, self._manychat_person_clock(placed, 0))})
        if not self.active:
            lost = {**moved, "lost_change": "lost"}
            rows.append({**lost, **_at(placed, self._manychat_person_clock(placed, 1))})
        return [{"lead_id": self.id, "changed": True, **row} for row in rows]

    def _manychat_person_clock(self, moment, number):
        return clock_text(moment, moment, f"{PERSON}{self.create_uid.id}", number)

    def _manychat_fold_adopted(self):
        """Write what the states of leads just adopted say: state, dates, and where rows stand."""
        settings = self.env["res.config.settings"]._manychat_settings()
        pairs = [(contact, lead) for lead, contact in self._manychat_contacts(settings)]
        for contact, lead in pairs:
            lead.write(self._manychat_picture_vals(contact))
        self.env["manychat.stage.history"]._keep(pairs)


def _at(moment, clock):
    return {"clock": clock, "occurred_at": naive(moment), "received_at": naive(moment)}
