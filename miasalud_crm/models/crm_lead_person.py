from datetime import timedelta

from odoo import models

from ..const import SYNC_KEY, SYNC_TOKEN
from ..sync.clock import clock_occurred, clock_text, naive, now
from ..sync.contact import PERSON

# What a person types, and the key of ``manychat_values`` whose newest writer they become.
PERSON_KEYS = {
    "name": "title",
    "contact_name": "first_name",
    "phone": "phone",
    "email_from": "email",
    "user_id": "salesperson",
    "manychat_medical_id": "medical",
    "street": "address.street",
    "street2": "address.district",
    "city": "address.city",
    "state_id": "address.state",
    "country_id": "address.country",
    "source_id": "channel",
    "campaign_id": "campaign",
}
WATCHED = frozenset({*PERSON_KEYS, "stage_id", "active"})


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def write(self, vals):
        watched = WATCHED & vals.keys()
        leads = self.browse()
        if watched and not self._manychat_is_sync():
            leads = self.sudo().filtered("manychat_id")
        before = {lead: lead._manychat_typed(watched) for lead in leads}
        result = super().write(vals)
        for lead in leads:
            after = lead._manychat_typed(watched)
            changes = {k: v for k, v in after.items() if v != before[lead][k]}
            lead._manychat_note_person(changes, before[lead].get("stage_id"))
        return result

    def _manychat_typed(self, names):
        return {
            name: self[name].id if self._fields[name].type == "many2one" else self[name]
            for name in names
        }

    def _manychat_note_person(self, changes, left_stage_id=None):
        """Make the person the newest writer of what they changed, and keep their move.

        :param left_stage_id: where the lead stood before, if its stage was written as well: a
            lead is lost or restored there, and moved after that
        :return: the time of it
        """
        self.ensure_one()
        moment = self._manychat_moment()
        clock = clock_text(moment, moment, f"{PERSON}{self.env.uid}", 0)
        if typed := changes.keys() & PERSON_KEYS.keys():
            entries = dict(self.manychat_values or {})
            for name in typed:
                value = self._manychat_in_words(name)
                entries[PERSON_KEYS[name]] = {"value": value, "clock": clock}
            vals = {"manychat_values": entries}
            if "contact_name" in typed:
                entries["last_name"] = {"value": False, "clock": clock}
            if "manychat_medical_id" in typed:
                vals["manychat_medical_ref"] = False
            self.with_context(**{SYNC_KEY: SYNC_TOKEN}).write(vals)
        if "active" in changes:
            outcome = {"lost_change": "restored" if changes["active"] else "lost"}
            if left_stage_id:
                outcome["stage_id"] = left_stage_id
            self._manychat_keep_move(moment, 0, **outcome)
        if changes.get("stage_id"):
            self._manychat_keep_move(moment, 1)
        return moment

    def _manychat_in_words(self, name):
        """Return what a field holds as an entry of ``manychat_values`` has it, False if blank."""
        value = self[name]
        if not value:
            return False
        if name == "manychat_medical_id":
            return value._manychat_as_advisor()
        if name == "campaign_id":
            return {"name": value.title}
        if name in ("state_id", "country_id", "source_id"):
            return value.name
        return value.id if name == "user_id" else value

    def _manychat_moment(self):
        """Return the time of what a person does: after all that the lead has heard of.

        The bridge's clock may run ahead of this one; the person has seen its event all the same.
        """
        clocks = self.manychat_history_ids.mapped("clock")
        clocks += [entry["clock"] for entry in (self.manychat_values or {}).values()]
        if not clocks:
            return now()
        return max(now(), clock_occurred(max(clocks)) + timedelta(microseconds=1))

    def _manychat_keep_move(self, moment, number, **vals):
        """Add a person's row to the history; ``number`` orders the rows of one write."""
        self.env["manychat.stage.history"].sudo().create(
            {
                "lead_id": self.id,
                "clock": clock_text(moment, moment, f"{PERSON}{self.env.uid}", number),
                "occurred_at": naive(moment),
                "received_at": naive(moment),
                "kind": "person",
                "stage_id": self.stage_id.id,
                "user_id": self.env.uid,
                "changed": True,
                **vals,
            }
        )
