from odoo import models

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


class CrmLead(models.Model):
    """Leads of ManyChat get a partner, if set so; what ManyChat says never goes on to one."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _inverse_phone(self):
        if self._manychat_is_sync():
            return None
        return super()._inverse_phone()

    def _inverse_email_from(self):
        if self._manychat_is_sync():
            return None
        return super()._inverse_email_from()

    def _manychat_link(self, settings):
        """Give leads with a phone or an e-mail their partner: the oldest that has it, else a new.

        The oldest, so that a contact who comes again goes to the same one.
        """
        leads = self.filtered(
            lambda lead: not lead.partner_id and (lead.phone_sanitized or lead.email_normalized)
        )
        if not settings.link_contacts or not leads:
            return
        partners = leads._manychat_partners()
        for lead in leads:
            names = [("email", lead.email_normalized), ("phone", lead.phone_sanitized)]
            partner = next((partners[name] for name in names if name in partners), None)
            partner = partner or self.env["res.partner"].create(lead._manychat_partner_vals())
            partners.update((name, partner) for name in names if name[1])
            lead._manychat_give(partner)

    def _manychat_partners(self):
        """Return ``("email" or "phone", value) -> partner`` of the company's that have one."""
        emails, phones = self.mapped("email_normalized"), self.mapped("phone_sanitized")
        found = self.env["res.partner"].search(
            [
                ("company_id", "in", (self.env.company.id, False)),
                "|",
                ("email_normalized", "in", [email for email in emails if email]),
                ("phone_sanitized", "in", [phone for phone in phones if phone]),
            ],
            order="id desc",
        )
        return {
            **{("email", p.email_normalized): p for p in found if p.email_normalized},
            **{("phone", p.phone_sanitized): p for p in found if p.phone_sanitized},
        }

    def _manychat_partner_vals(self):
        """Return a new partner as Odoo makes it; where there are several companies, of this one."""
        vals = self._prepare_customer_values(self.contact_name or self.name)
        several = self.env["res.company"].search_count([], limit=2) > 1
        return {**vals, "company_id": self.env.company.id if several else False}

    def _manychat_give(self, partner):
        """Link the partner; it fills what the lead leaves open, and changes nothing else."""
        own = {
            name: self[name].id if self._fields[name].type == "many2one" else self[name]
            for name in FROM_PARTNER
            if self[name]
        }
        self.write({**own, "partner_id": partner.id})
