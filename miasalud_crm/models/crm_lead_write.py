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

    def _manychat_save(self, contacts, settings):
        """Write what was applied to ``contacts``; return leads by ManyChat id.

        Contacts are saved in id order: two callers then wait for each other, never in a ring.
        """
        touched = [contact for contact in contacts.values() if contact.applied]
        lookups = Lookups(self.env, settings, touched)
        leads = self._manychat_create([c for c in touched if not c.lead_id], lookups)
        for contact in contacts.values():
            if contact.lead_id:
                leads[contact.manychat_id] = self.browse(contact.lead_id)
                if contact.applied:
                    leads[contact.manychat_id]._manychat_update(contact, lookups)
        for contact in touched:
            lead = leads[contact.manychat_id]
            self.env["manychat.stage.history"]._keep(contact, lead.id)
            self.env["manychat.event"]._keep(contact, lead.id)
        self._manychat_join_team([leads[contact.manychat_id] for contact in touched])
        return leads

    def _manychat_create(self, contacts, lookups):
        """Make the leads of new contacts, as a person would: placed first, then won or lost."""
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
        for contact, lead in zip(contacts, leads, strict=True):
            lead._manychat_move(contact.picture())
        return {lead.manychat_id: lead for lead in leads}

    def _manychat_update(self, contact, lookups):
        """Write what the batch changed on an existing lead."""
        vals = self._manychat_vals(contact, contact.changed_keys, lookups)
        if {"commercial", "salesperson"} & contact.changed_keys:
            vals.update(self._manychat_salesperson(contact, lookups, self.team_id))
        self.write(vals)
        self._manychat_follow(contact)
        self._manychat_tell_return(contact, lookups.settings)

    def _manychat_follow(self, contact):
        """Bring the lead where the fold went.

        Compared with the fold, not with the lead: a changed rule moves nobody by surprise.
        """
        picture = contact.picture()
        if picture.stage_id == contact.loaded.stage_id:
            picture = picture._replace(stage_id=None)
        outcome = None if picture.lost == contact.loaded.lost else bool(picture.lost)
        self._manychat_move(picture._replace(lost=outcome))

    def _manychat_move(self, picture):
        """Bring the lead to the picture's stage and outcome, with Odoo's own steps."""
        if picture.lost is False and not self.active:
            # From Odoo 19 on an archived lead need not be lost, so restoring is a step apart.
            getattr(self, "action_restore", self.action_unarchive)()
        if picture.stage_id and picture.stage_id != self.stage_id.id:
            self.write({"stage_id": picture.stage_id})
        if picture.lost and self.active:
            reason = {"lost_reason_id": picture.lost_reason_id} if picture.lost_reason_id else {}
            self.action_set_lost(**reason)

    def _manychat_vals(self, contact, keys, lookups):
        """Return the lead's values for the written ``keys`` and for the whole picture."""
        keys = {key.removeprefix(GUESSED) for key in keys}
        vals = {PLAIN_FIELDS[key]: contact.value(key) for key in keys if key in PLAIN_FIELDS}
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
