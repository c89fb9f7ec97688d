from functools import partial

from odoo import models

from .in_parts import at_once, in_parts
from .lookups import Lookups


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_save(self, contacts, settings, ledger):
        """Write what was applied to ``contacts``, each kind of row at once.

        Contacts are saved in id order: two callers then wait for each other, never in a ring.

        :return: ``(leads by id, errors by id)``, the latter of leads that could not be written
        """
        touched = [contact for contact in contacts.values() if contact.applied]
        lookups = Lookups(self.env, settings, touched)
        known = self.browse(c.lead_id for c in contacts.values() if c.lead_id)
        leads = {lead.manychat_id: lead for lead in known}
        held = known._manychat_partner_data()
        old, new = [c for c in touched if c.lead_id], [c for c in touched if not c.lead_id]
        before, refused = self._manychat_update(old, lookups, ledger)
        made, not_made = self._manychat_create(new, lookups, ledger)
        leads.update(made)
        refused.update(not_made)
        written = [contact for contact in touched if contact.manychat_id not in refused]
        pairs = [(contact, leads[contact.manychat_id]) for contact in written]
        saved = self.browse().concat(*(lead for _contact, lead in pairs))
        self._manychat_join_team(saved)
        saved._manychat_link(settings, made)
        saved._manychat_keep_partners(held)
        saved._manychat_trace(before, self._manychat_texts(pairs))
        for contact, lead in pairs:
            lead._manychat_tell_return(contact, settings)
        return leads, refused

    def _manychat_create(self, contacts, lookups, ledger):
        """Make the leads of new contacts; return them, and the errors, by ManyChat id."""
        new = [(contact, self._manychat_new_vals(contact, lookups)) for contact in contacts]
        leads, refused = {}, {}
        make = partial(self._manychat_make, ledger=ledger)
        for part, made, error in in_parts(self.env, new, make):
            if error:
                refused[part[0][0].manychat_id] = error
            else:
                leads.update((lead.manychat_id, lead) for lead in made)
        return leads, refused

    def _manychat_new_vals(self, contact, lookups):
        vals = self._manychat_vals(contact, set(contact.entries) | {"first_name"}, lookups)
        stage_id = contact.picture().stage_id
        if contact.ground.table.is_won(stage_id):
            stage_id = contact.ground.fallback_stage_id
        return {
            "manychat_id": contact.manychat_id,
            "manychat_company_id": self.env.company.id,
            "type": "opportunity",
            "stage_id": stage_id,
            **vals,
            **self._manychat_salesperson(contact, lookups, lookups.settings.team),
        }

    def _manychat_make(self, new, ledger):
        """Make leads as a person would: placed first, then won or lost."""
        leads = self.create([vals for _contact, vals in new])
        contacts = [contact for contact, _vals in new]
        pictures = [contact.picture() for contact in contacts]
        self._manychat_move(list(zip(leads, pictures, strict=True)))
        self._manychat_keep(list(zip(contacts, leads, strict=True)), ledger)
        return leads

    def _manychat_update(self, contacts, lookups, ledger):
        """Write what the batch changed on existing leads.

        :return: ``(tracked values before by lead, errors by ManyChat id)``
        """
        leads = self.browse(contact.lead_id for contact in contacts)
        before = leads._manychat_before()
        changes = []
        for contact, lead in zip(contacts, leads, strict=True):
            vals = lead._manychat_vals(contact, contact.changed_keys, lookups)
            if {"commercial", "salesperson"} & contact.changed_keys:
                vals.update(lead._manychat_salesperson(contact, lookups, lead.team_id))
            changes.append((contact, lead, vals))
        refused = {}
        change = partial(self._manychat_change, ledger=ledger)
        for part, _done, error in in_parts(self.env, changes, change):
            if error:
                contact = part[0][0]
                if contact.is_newly_known:
                    raise error  # the contact has to let go of the lead as well
                refused[contact.manychat_id] = error
        return before, refused

    def _manychat_change(self, changes, ledger):
        self._manychat_keep([(contact, lead) for contact, lead, _vals in changes], ledger)

        def change(part):
            for _contact, lead, vals in part:
                lead.write(vals)
            self._manychat_follow([contact for contact, _lead, _vals in part])

        at_once(self.env, changes, change)

    def _manychat_keep(self, pairs, ledger):
        """Store history and ledger of what was applied to ``(contact, lead)`` pairs."""

        def keep(part):
            self.env["manychat.stage.history"]._keep(part)
            self.env["manychat.event"]._keep(part, ledger)

        at_once(self.env, pairs, keep)

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
