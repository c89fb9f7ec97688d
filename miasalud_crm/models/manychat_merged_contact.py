from odoo import fields, models


class ManychatMergedContact(models.Model):
    """Contacts whose lead was merged into another one: what ManyChat says of them goes there.

    With its survivor a row goes too, and a manager may delete one: from then on the contact is
    unknown, and its next event makes a lead.
    """

    _name = "manychat.merged.contact"
    _description = "Merged ManyChat Contact"
    _order = "id desc"
    _rec_name = "manychat_id"

    manychat_id = fields.Char("ManyChat ID", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    lead_id = fields.Many2one(
        "crm.lead",
        "Survivor",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        help="Lead that the contact's events go to since the merge.",
    )

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_merged_contact_uniq
                   ON manychat_merged_contact (manychat_id, company_id)"""
        )
        return result

    def _survivors(self, manychat_ids):
        """Return ``merged id -> its lead's own id`` of those of ``manychat_ids`` that were merged.

        Who merges also writes the lead that goes, so a caller that read this too early finds
        that lead changed when it locks it, and starts anew.
        """
        self.flush_model()
        self.env["crm.lead"].flush_model(["manychat_id", "manychat_company_id"])
        self.env.cr.execute(
            """SELECT merged.manychat_id, lead.manychat_id
                 FROM manychat_merged_contact merged
                 JOIN crm_lead lead ON lead.id = merged.lead_id
                WHERE merged.company_id = %(company)s AND merged.manychat_id = ANY(%(ids)s)
                  AND lead.manychat_company_id = %(company)s AND lead.manychat_id IS NOT NULL""",
            {"company": self.env.company.id, "ids": list(manychat_ids)},
        )
        return dict(self.env.cr.fetchall())

    def _send_to(self, lead, manychat_ids):
        """Let ``lead`` be what the current company's contacts of these ids are from now on."""
        company = self.env.company
        known = self.search(
            [("manychat_id", "in", list(manychat_ids)), ("company_id", "=", company.id)]
        )
        known.lead_id = lead
        self.create(
            [
                {"manychat_id": manychat_id, "company_id": company.id, "lead_id": lead.id}
                for manychat_id in sorted(manychat_ids - set(known.mapped("manychat_id")))
            ]
        )
