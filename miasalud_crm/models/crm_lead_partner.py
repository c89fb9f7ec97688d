from odoo import models

from ..const import SYNC_KEY, SYNC_TOKEN
from .crm_lead_person import PERSON_KEYS

# What a lead takes from the partner that it is given, unless it says something itself.
FROM_PARTNER = (
    "contact_name",
    "phone",
    "email_from",
    "street",
    "street2",
    "city",
    "zip",
    "state_id",
    "country_id",
)
IDENTITY = frozenset({"partner_id", "manychat_id"})
# Set by ``manychat_sync`` alone, which drops the caller's context: every contact gets a partner.
EVERY_CONTACT = "manychat_every_contact"


class CrmLead(models.Model):
    """Leads of ManyChat get a partner: those with a phone or an e-mail, if set so, or all."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def write(self, vals):
        leads = self.browse()
        if IDENTITY & vals.keys() and not self._manychat_is_sync():
            leads = self.sudo().filtered("manychat_id")
        taken_over = PERSON_KEYS.keys() & set(FROM_PARTNER) - vals.keys()
        before = {lead: lead._manychat_typed(taken_over) for lead in leads}
        result = super().write(vals)
        for lead in leads:
            after = lead._manychat_typed(taken_over)
            changed = {k: v for k, v in after.items() if v != before[lead][k]}
            if changed and lead.partner_id:
                lead._manychat_note_person(changed)
            elif changed:
                # Odoo 19 empties the name with the customer; the contact still has it
                kept = {name: before[lead][name] for name in changed}
                lead.with_context(**{SYNC_KEY: SYNC_TOKEN}).write(kept)
        leads._manychat_tell_customer()
        return result

    def _manychat_tell_customer(self):
        """Note whom a person chose as the customer of these leads."""
        Row = self.env["manychat.partner"].sudo()
        news = Row._follow(self)
        for row in Row.search([("manychat_id", "in", list(news))]):
            if row.company_id in self.manychat_company_id:
                row._tell({"partner_id": row.partner_id.id})

    def _manychat_of_contact(self, manychat_id, company):
        """Return the lead of a contact of ``company``, merged ones included; or none."""
        here = self.with_company(company)
        survivors = here.env["manychat.merged.contact"]._survivors([manychat_id])
        own = survivors.get(manychat_id, manychat_id)
        return self.search([("manychat_id", "=", own), ("manychat_company_id", "=", company.id)])

    def _inverse_phone(self):
        if self._manychat_is_sync():
            return None
        return super()._inverse_phone()

    def _inverse_email_from(self):
        if self._manychat_is_sync():
            return None
        return super()._inverse_email_from()

    def _manychat_link(self, settings, made):
        """Give leads their partner: the oldest of their e-mail or phone, else a new one.

        The oldest, so that a contact who comes again goes to the same one. Where every contact has
        a partner, it is none that another contact has. Done once: a customer whom a person chose,
        or took away, stays so. ``made``: the new leads by ManyChat id; their partner may have been
        there first.
        """
        Row, every = self.env["manychat.partner"], self.env.context.get(EVERY_CONTACT)
        known = Row._of(self.mapped("manychat_id"), self.env.company)
        for manychat_id in made.keys() & known.keys():
            made[manychat_id]._manychat_give(known[manychat_id])
        Row._follow(self.filtered(lambda lead: lead.manychat_id not in known))
        leads = self.filtered(lambda lead: not lead.partner_id)
        if every:
            leads = leads.filtered(lambda lead: lead.manychat_id not in known)
        else:
            leads = leads.filtered(lambda lead: lead.phone_sanitized or lead.email_normalized)
        if not leads or not (every or settings.link_contacts):
            return
        chosen = leads._manychat_choose_partners(every)
        for lead, partner in chosen.items():
            lead._manychat_give(partner)
        Row._point({lead.manychat_id: p for lead, p in chosen.items()}, self.env.company)

    def _manychat_choose_partners(self, alone):
        """Return lead -> partner, found or made; ``alone``: no two leads get the same."""
        places = self._manychat_partners(alone)
        vals_list, chosen = [], {}
        for lead in self:
            names = [("email", lead.email_normalized), ("phone", lead.phone_sanitized)]
            place = next((places[name] for name in names if name in places), None)
            if place is None:
                place = len(vals_list)
                vals_list.append(lead._manychat_partner_vals())
            if alone:
                places = {name: other for name, other in places.items() if other != place}
            else:
                places.update((name, place) for name in names if name[1])
            chosen[lead] = place
        made = self.env["res.partner"].create(vals_list)
        return {
            lead: made[place] if isinstance(place, int) else place for lead, place in chosen.items()
        }

    def _manychat_partners(self, alone=False):
        """Return ``("email" or "phone", value) -> partner`` of the company's that have one.

        ``alone``: without those that are a ManyChat contact already.
        """
        emails, phones = self.mapped("email_normalized"), self.mapped("phone_sanitized")
        names = [("email", text) for text in emails] + [("phone", text) for text in phones]
        self.env["manychat.partner.claim"]._claim(name for name in names if name[1])
        found = self.env["res.partner"].search(
            [
                ("company_id", "in", (self.env.company.id, False)),
                "|",
                ("email_normalized", "in", [email for email in emails if email]),
                ("phone_sanitized", "in", [phone for phone in phones if phone]),
                *([("manychat_partner_ids", "=", False)] if alone else []),
            ],
            order="id desc",
        )
        return {
            **{("email", p.email_normalized): p for p in found if p.email_normalized},
            **{("phone", p.phone_sanitized): p for p in found if p.phone_sanitized},
        }

    def _manychat_partner_vals(self):
        """Return a new partner as Odoo makes it; where there are several companies, of this one."""
        vals = self._prepare_customer_values(self._manychat_customer_name())
        several = self.env["res.company"].search_count([], limit=2) > 1
        return {**vals, "company_id": self.env.company.id if several else False}

    def _manychat_customer_name(self):
        return self.contact_name or self.name

    def _manychat_give(self, partner):
        """Link the partner; it fills what the lead leaves open, and changes nothing else."""
        own = {
            name: self[name].id if self._fields[name].type == "many2one" else self[name]
            for name in FROM_PARTNER
            if self[name]
        }
        self.write({**own, "partner_id": partner.id})
