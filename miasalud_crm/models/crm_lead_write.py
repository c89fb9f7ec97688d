from odoo import fields, models

from ..const import FUNNEL_DATES, GUESSED
from ..sync.clock import naive, parse_iso
from .lookups import Lookups

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

    def _manychat_save(self, contacts, settings, ledger):
        """Write what was applied to ``contacts``, each kind of row at once; return leads by id.

        Contacts are saved in id order: two callers then wait for each other, never in a ring.
        """
        touched = [contact for contact in contacts.values() if contact.applied]
        lookups = Lookups(self.env, settings, touched)
        known = self.browse(c.lead_id for c in contacts.values() if c.lead_id)
        leads = {lead.manychat_id: lead for lead in known}
        before = self._manychat_update([c for c in touched if c.lead_id], lookups)
        leads.update(self._manychat_create([c for c in touched if not c.lead_id], lookups))
        pairs = [(contact, leads[contact.manychat_id]) for contact in touched]
        self.env["manychat.stage.history"]._keep(pairs)
        self.env["manychat.event"]._keep(pairs, ledger)
        saved = self.browse().concat(*(lead for _contact, lead in pairs))
        self._manychat_join_team(saved)
        saved._manychat_link(settings)
        saved._manychat_trace(before, self._manychat_texts(pairs))
        for contact, lead in pairs:
            lead._manychat_tell_return(contact, settings)
        return leads

    def _manychat_create(self, contacts, lookups):
        """Make the leads of new contacts, as a person would: placed first, then won or lost."""
        if not contacts:
            return {}
        vals_list = []
        for contact in contacts:
            vals = self._manychat_vals(contact, set(contact.entries) | {"first_name"}, lookups)
            stage_id = contact.picture().stage_id
            if contact.ground.table.is_won(stage_id):
                stage_id = contact.ground.fallback_stage_id
            vals_list.append(
                {
                    "manychat_id": contact.manychat_id,
                    "manychat_company_id": self.env.company.id,
                    "type": "opportunity",
                    "stage_id": stage_id,
                    **vals,
                    **self._manychat_salesperson(contact, lookups, lookups.settings.team),
                }
            )
        leads = self.create(vals_list)
        pictures = [contact.picture() for contact in contacts]
        self._manychat_move(list(zip(leads, pictures, strict=True)))
        return {lead.manychat_id: lead for lead in leads}

    def _manychat_update(self, contacts, lookups):
        """Write what the batch changed on existing leads; return their tracked values before."""
        leads = self.browse(contact.lead_id for contact in contacts)
        before = leads._manychat_before()
        for contact, lead in zip(contacts, leads, strict=True):
            vals = lead._manychat_vals(contact, contact.changed_keys, lookups)
            if {"commercial", "salesperson"} & contact.changed_keys:
                vals.update(lead._manychat_salesperson(contact, lookups, lead.team_id))
            lead.write(vals)
        leads._manychat_follow(contacts)
        return before

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
            user_id = contact.value("salesperson")
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

    def _manychat_join_team(self, leads):
        """Make salespeople without any team members of their lead's team.

        A member of another team stays there: with single membership they would leave it.
        """
        wanted = {(lead.user_id, lead.team_id) for lead in leads if lead.user_id and lead.team_id}
        users = self.env["res.users"].browse({user.id for user, _team in wanted})
        members = self.env["crm.team.member"].search([("user_id", "in", users.ids)]).user_id
        for user, team in sorted(wanted, key=lambda pair: (pair[0].id, pair[1].id)):
            if user not in members and user != team.user_id:
                # Two callers adding the same member must meet: no index of Odoo's stops them.
                self.env.cr.execute(
                    "UPDATE crm_team SET write_date = write_date WHERE id = %s", (team.id,)
                )
                self.env["crm.team.member"].create({"user_id": user.id, "crm_team_id": team.id})
                members |= user
