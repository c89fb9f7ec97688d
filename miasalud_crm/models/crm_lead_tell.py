from odoo import api, models
from odoo.exceptions import ValidationError

from ..const import FUNNEL_DATES, GUESSED, MAX_CHANGES
from ..sync.clock import clock_text, iso
from ..sync.contact import PERSON
from .lookups import ADVISORS

# What a person types on a lead, as the bridge calls it.
VALUE_KEYS = {
    "name": "title",
    "contact_name": "first_name",
    "phone": "phone",
    "email_from": "email",
}
ADVISOR_KEYS = {"user_id": "commercial", "manychat_medical_id": "medical"}
LOST_KEY = "manychat_told_lost"
# Behind an event's clock, before any later one and before the event's next revision.
JUST_AFTER = "~"


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_changes(self, cursor=None, limit=200):
        """Return what people changed behind ``cursor``, in the order of their commits.

        :param str cursor: what the last answer gave, nothing at first; opaque.
        :param int limit: at most so many changes, 1 to 500.
        :return: ``{changes, cursor, more, gap, write_back}``. A change is ``{manychat_id, lead_id,
            kind, values, clock, changed_at, stage, dates, active, partner_id, partner_active}``:
            ``values`` what the person wrote, at ``clock``, in the order of ``manychat_sync``'s
            events; the others are lead and partner as they stand now, ``None`` where they are
            gone. ``gap``: changes in between were deleted unread, so both sides should be
            compared. ``write_back`` says how that is set up; where it is on, a move has an
            ``entry``: what it does in ManyChat, or ``None``.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: a cursor or limit of no meaning.

        Gap-free: a change gets its number only when it is read, that is after its commit.
        """
        company = self._manychat_check_bridge()
        if type(limit) is not int or not 1 <= limit <= MAX_CHANGES:
            raise ValidationError(self.env._("1 to %s changes can be asked for.", MAX_CHANGES))
        return self._manychat_as_sync(company)._manychat_read_changes(cursor, limit)

    def _manychat_read_changes(self, cursor, limit):
        feed, Change = self.env["manychat.change.feed"], self.env["manychat.change"]
        company = self.env.company
        number, gap = feed._seek(company, cursor)
        rows = Change._after(number, company, limit)
        if len(rows) < limit:
            Change._number_committed(company, MAX_CHANGES)
            rows = Change._after(number, company, limit)
        leads = self.with_context(active_test=False).search([("id", "in", rows.mapped("lead"))])
        standing = {lead.id: lead._manychat_standing() for lead in leads}
        gone = dict.fromkeys(("stage", "dates", "active"))
        partners = self.env["manychat.partner"]._standing_of(rows.mapped("manychat_id"), company)
        nobody = dict.fromkeys(("partner_id", "partner_active"))
        return {
            "changes": [
                {
                    **row._as_told(),
                    **standing.get(row.lead, gone),
                    **partners.get(row.manychat_id, nobody),
                }
                for row in rows
            ],
            "cursor": feed._cursor(rows[-1:].number or number),
            "more": len(rows) == limit,
            "gap": gap,
        }

    def _manychat_standing(self):
        """Return where the lead stands, as the bridge keeps it."""
        return {
            "stage": self.stage_id.name or None,
            "dates": {n: iso(self[n]) for n, _label in FUNNEL_DATES if self[n]},
            "active": self.active,
        }

    def _manychat_note_person(self, changes, left_stage_id=None):
        moment = super()._manychat_note_person(changes, left_stage_id)
        clocks = [clock_text(moment, moment, f"{PERSON}{self.env.uid}", n) for n in (0, 1)]
        Change = self.env["manychat.change"]
        typed = {VALUE_KEYS[name]: value for name, value in changes.items() if name in VALUE_KEYS}
        if "first_name" in typed:
            typed["last_name"] = False
        if typed:
            Change._tell(self, "values", clocks[0], typed)
        advisors = {
            key: self.sudo()[name]._manychat_as_advisor()
            for name, key in ADVISOR_KEYS.items()
            if name in changes
        }
        if advisors:
            Change._tell(self, "advisors", clocks[0], advisors)
        if "active" in changes:
            lost = "lost" if self.env.context.get(LOST_KEY) else "archived"
            Change._tell(self, "restored" if changes["active"] else lost, clocks[0])
        if changes.get("stage_id"):
            stage = self.stage_id
            Change._tell(self, "stage", clocks[1], {"stage": stage.name, "stage_id": stage.id})
        return moment

    def _manychat_follow_partner(self, vals, before):
        """Note as the person's what their write to the partner changed on this lead."""
        after = self._manychat_typed(before)
        if changed := {name: after[name] for name in before if after[name] != before[name]}:
            self._manychat_note_person(changed)
        if vals.get("name") and vals["name"] != self.contact_name:
            self.write({"contact_name": vals["name"]})

    def action_set_lost(self, **additional_values):
        told = self.with_context(**{LOST_KEY: True})
        return super(CrmLead, told).action_set_lost(**additional_values)

    def unlink(self):
        if not self._manychat_is_sync():
            for lead in self.sudo().filtered("manychat_id"):
                self.env["manychat.change"]._tell(lead, "deleted", lead._manychat_own_clock())
        return super().unlink()

    def _manychat_end_waiting(self):
        result = super()._manychat_end_waiting()
        for lead in self.filtered("manychat_id"):
            self.env["manychat.change"]._tell(lead, "refolded", lead._manychat_own_clock())
        return result

    def _manychat_resolve(self):
        """Tell who an advisor is by now, as of the event that named them."""
        named = [(lead, key, lead[f"manychat_{key}_id"]) for lead in self for key in ADVISORS]
        result = super()._manychat_resolve()
        for lead, key, before in named:
            user = lead[f"manychat_{key}_id"]
            if user != before:
                held = lead.manychat_values
                clock = (held.get(key) or held[GUESSED + key])["clock"] + JUST_AFTER
                advisors = {key: user._manychat_as_advisor()}
                self.env["manychat.change"]._tell(lead, "advisors", clock, advisors)
        return result

    def _manychat_adopt(self, manychat_ids, **known):
        """Tell what people had typed on leads that ManyChat did not make."""
        result = super()._manychat_adopt(manychat_ids, **known)
        Change = self.env["manychat.change"]
        for lead in self.filtered("manychat_values"):
            held = lead.manychat_values
            clock = next(iter(held.values()))["clock"]  # they have one in common
            typed = [*VALUE_KEYS.values(), "last_name"]
            if values := {key: held[key]["value"] for key in typed if key in held}:
                Change._tell(lead, "values", clock, values)
            if "salesperson" in held:
                advisors = {"commercial": lead.user_id._manychat_as_advisor()}
                Change._tell(lead, "advisors", clock, advisors)
        return result

    def _manychat_take_identity(self, tails, manychat_id):
        result = super()._manychat_take_identity(tails, manychat_id)
        merged = self.env["manychat.merged.contact"].search([("lead_id", "in", self.ids)])
        clock, values = self._manychat_own_clock(), {"into": manychat_id}
        for contact in {manychat_id, *merged.mapped("manychat_id")}:
            of_it = (contact, self.manychat_company_id)
            self.env["manychat.change"]._tell(self, "merged", clock, values, of_it)
        return result

    def _manychat_own_clock(self):
        """Return the clock of something that a person does to this lead now."""
        moment = self._manychat_moment()
        return clock_text(moment, moment, f"{PERSON}{self.env.uid}", 0)
