from odoo import models
from odoo.tools import email_normalize

from .crm_lead_partner import EVERY_CONTACT

# What a contact's partner holds of it beside the name, by the lead's field.
IN_STEP = {
    "phone": "phone",
    "email_from": "email",
    "street": "street",
    "street2": "street2",
    "city": "city",
    "state_id": "state_id",
    "country_id": "country_id",
}


class CrmLead(models.Model):
    """Where every contact has a partner, that partner goes along with what ManyChat says."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_add_partners(self, results):
        """Return ``results`` with the partner that each lead's contact is."""
        leads = {
            lead.id: lead for lead in self.browse(r["lead_id"] for r in results if r["lead_id"])
        }
        known = self.env["manychat.partner"]._of(
            [lead.manychat_id for lead in leads.values()], self.env.company
        )
        for result in results:
            lead = leads.get(result["lead_id"], self.browse())
            partner = known.get(lead.manychat_id)
            result["partner_id"] = partner.id if partner else None
        return results

    def _manychat_partner_data(self):
        """Return lead -> what a partner would hold of it; {} unless every contact has one."""
        if not self.env.context.get(EVERY_CONTACT):
            return {}
        return {
            lead: {
                "name": lead._manychat_customer_name(),
                **{
                    of_partner: lead[name].id if name.endswith("_id") else lead[name]
                    for name, of_partner in IN_STEP.items()
                },
            }
            for lead in self
        }

    def _manychat_keep_partners(self, before):
        """Write on to their partners what leads say now and did not ``before``.

        Only a value that went along so far, or a blank: what else stands there somebody typed, or
        it was known of a customer whom the contact turned out to be.
        """
        after = self._manychat_partner_data()
        known = after and self.env["manychat.partner"]._of(
            self.mapped("manychat_id"), self.env.company
        )
        for lead, data in after.items():
            old, partner = before.get(lead, {}), known.get(lead.manychat_id)
            changed = {name for name, value in data.items() if value != (old.get(name) or False)}
            if partner and changed and partner._manychat_is_contact_alone():
                held = {
                    name: partner[name].id if name.endswith("_id") else partner[name]
                    for name in data
                }
                vals = {
                    name: data[name]
                    for name in changed
                    if not held[name] or lead._manychat_alike(name, held[name], old.get(name))
                }
                partner.write({name: vals[name] for name in vals if vals[name] != held[name]})

    def _manychat_alike(self, name, held, said):
        """Return whether a partner holds what the lead said, however it is written."""
        if name == "phone":
            return self._manychat_phone(held) == self._manychat_phone(said)
        if name == "email":
            return (email_normalize(held) or held) == (email_normalize(said or "") or said)
        return held == said
