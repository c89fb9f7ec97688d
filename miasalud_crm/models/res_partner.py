from odoo import models

from ..const import SYNC_KEY, SYNC_TOKEN

# A lead takes phone and e-mail over from its partner by itself, without a write.
FOLLOWED = ("phone", "email_from")
WATCHED = frozenset({"name", "phone", "email"})


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        leads = self.env["crm.lead"].sudo()
        if WATCHED & vals.keys() and self.env.context.get(SYNC_KEY) is not SYNC_TOKEN:
            domain = [("partner_id", "in", self.ids), ("manychat_id", "!=", False)]
            leads = leads.with_context(active_test=False).search(domain)
        before = {lead: lead._manychat_typed(FOLLOWED) for lead in leads}
        result = super().write(vals)
        for lead in leads:
            lead._manychat_follow_partner(vals, before[lead])
        return result
