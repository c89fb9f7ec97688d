from odoo import api, fields, models

from ..const import SYNC_KEY, SYNC_TOKEN

# A lead takes phone and e-mail over from its partner by itself, without a write.
FOLLOWED = ("phone", "email_from")
WATCHED = frozenset({"name", "phone", "email"})


class ResPartner(models.Model):
    _inherit = "res.partner"

    manychat_partner_ids = fields.One2many(
        "manychat.partner", "partner_id", "ManyChat Contacts", copy=False, readonly=True
    )
    manychat_id = fields.Char(
        "ManyChat ID",
        compute="_compute_manychat_id",
        compute_sudo=True,
        help="Identifier of the contact in ManyChat; several where contacts share this partner.",
    )

    @api.depends("manychat_partner_ids.manychat_id")
    def _compute_manychat_id(self):
        for partner in self:
            rows = partner.manychat_partner_ids
            partner.manychat_id = ", ".join(rows.mapped("manychat_id")) or False

    def write(self, vals):
        leads = self.env["crm.lead"].sudo()
        by_person = self.env.context.get(SYNC_KEY) is not SYNC_TOKEN
        if WATCHED & vals.keys() and by_person:
            domain = [("partner_id", "in", self.ids), ("manychat_id", "!=", False)]
            leads = leads.with_context(active_test=False).search(domain)
        before = {lead: lead._manychat_typed(FOLLOWED) for lead in leads}
        moved = self.filtered(lambda p: p.active != vals["active"]) if "active" in vals else self
        result = super().write(vals)
        for lead in leads:
            lead._manychat_follow_partner(vals, before[lead])
        if "active" in vals and by_person:
            moved.sudo().manychat_partner_ids._tell({"active": bool(vals["active"])})
        return result

    def unlink(self):
        if self.env.context.get(SYNC_KEY) is not SYNC_TOKEN:
            self._manychat_rows()._tell({"partner_id": False})
        return super().unlink()

    def _manychat_rows(self):
        """Return whose partners these are, as the database has it: a merge moves rows by SQL."""
        return self.env["manychat.partner"].sudo().search([("partner_id", "in", self.ids)])

    def _manychat_is_contact_alone(self):
        """Return whether this is one ManyChat contact, and nobody's user, and no company."""
        self.ensure_one()
        users = self.with_context(active_test=False).user_ids
        return len(self._manychat_rows()) == 1 and not users and not self.is_company
