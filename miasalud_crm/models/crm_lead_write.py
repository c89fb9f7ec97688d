from odoo import fields, models

from ..const import FUNNEL_DATES, GUESSED
from ..sync.clock import naive, parse_iso

# Keys that become a lead's field as they are.
PLAIN_FIELDS = {
    "phone": "phone",
    "email": "email_from",
    "gender": "manychat_gender",
    "summary": "manychat_summary",
    "initial_state": "manychat_initial_state",
    "address.street": "street",
    "address.district": "street2",
    "address.city": "city",
}
TIME_FIELDS = {
    "subscribed_at": "manychat_subscribed_at",
    "entry_date": "manychat_entry_date",
}


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_vals(self, contact, keys, lookups):
        """Return the lead's values for the written ``keys`` and for the whole picture."""
        keys = {key.removeprefix(GUESSED) for key in keys}
        vals = {PLAIN_FIELDS[key]: contact.value(key) for key in keys if key in PLAIN_FIELDS}
        if "phone" in vals:
            vals["phone"] = self._manychat_phone(vals["phone"])
        for key in keys & TIME_FIELDS.keys():
            moment = contact.value(key)
            vals[TIME_FIELDS[key]] = moment and naive(parse_iso(moment))
        if keys & {"first_name", "last_name"}:
            vals.update(self._manychat_names(contact))
        if "channel" in keys:
            vals["source_id"] = lookups.source(contact.value("channel")).id
        if "campaign" in keys:
            vals["campaign_id"] = lookups.campaign(contact.value("campaign")).id
        for key in keys & {"commercial", "medical"}:
            vals.update(self._manychat_advisor(contact.value(key), key, lookups))
        if keys & {"address.state", "address.country"}:
            vals.update(self._manychat_place(contact, lookups))
        heard = {"manychat_synced_at": fields.Datetime.now()}
        return {**vals, **heard, **self._manychat_picture_vals(contact)}

    def _manychat_picture_vals(self, contact):
        picture = contact.picture()
        return {
            "manychat_values": contact.entries,
            "manychat_state": picture.state,
            "manychat_state_date": picture.state_date,
            "manychat_unmapped": picture.unmapped,
            **{name: picture.dates.get(name) for name, _label in FUNNEL_DATES},
        }

    def _manychat_names(self, contact):
        """A title that a person typed later than ManyChat's name stands, or any, if kept."""
        parts = [contact.value("first_name"), contact.value("last_name")]
        person = " ".join(part for part in parts if part)
        vals = {"contact_name": person or False}
        newer = contact.clock("first_name", "last_name") >= contact.clock("title")
        if newer and not contact.is_kept("title"):
            vals["name"] = person or f"ManyChat {contact.manychat_id}"
        return vals

    def _manychat_advisor(self, advisor, key, lookups):
        user = lookups.user(advisor)
        known_as = advisor and (
            advisor.get("name") or advisor.get("email") or str(next(iter(advisor.values())))
        )
        return {
            f"manychat_{key}_id": user.id,
            f"manychat_{key}_ref": False if user else known_as,
        }

    def _manychat_salesperson(self, contact, lookups, team):
        """Salesperson, team and company go together: each of them alone computes the others."""
        later = contact.clock("salesperson") > contact.clock("commercial")
        if later or contact.is_kept("salesperson"):
            typed = self.env["res.users"].browse(contact.value("salesperson") or [])
            user_id = typed.exists().id  # somebody may have been deleted since
        else:
            user_id = (lookups.user(contact.value("commercial")) or lookups.settings.user).id
        return {"user_id": user_id, "team_id": team.id, "company_id": self.env.company.id}

    def _manychat_place(self, contact, lookups):
        """An unknown country or state stays in the kept values, where a person can read it."""
        country = lookups.country(contact.value("address.country") or "")
        state_name = contact.value("address.state")
        home = country or self.env.company.country_id
        state = lookups.state(state_name, home) if state_name and home else None
        return {
            "country_id": (country or (state and state.country_id) or country).id,
            "state_id": state.id if state else False,
        }
