from odoo import fields, models

from ..sync.clock import naive


class ManychatPartner(models.Model):
    """Which partner a ManyChat contact is: the one its lead was last linked to.

    A row of its own, not a field of the partner: contacts of one phone may share a partner, and
    whoever merges partners moves the rows along with everything else that points at them.
    """

    _name = "manychat.partner"
    _description = "ManyChat Contact's Partner"
    _order = "id"
    _rec_name = "manychat_id"

    manychat_id = fields.Char("ManyChat ID", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner",
        "Contact",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        help="Customer that the contact is in Odoo.",
    )

    def init(self):
        """One partner a contact; leads that had one before this table are taken in."""
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_partner_uniq
                   ON manychat_partner (manychat_id, company_id);
               INSERT INTO manychat_partner (manychat_id, company_id, partner_id, create_date)
               SELECT manychat_id, manychat_company_id, partner_id, now() AT TIME ZONE 'UTC'
                 FROM crm_lead
                WHERE manychat_id IS NOT NULL AND partner_id IS NOT NULL
                   ON CONFLICT DO NOTHING"""
        )
        return result

    def _of(self, manychat_ids, company):
        """Return ``ManyChat id -> partner`` of the company's contacts that have one."""
        rows = self.search(
            [("manychat_id", "in", list(manychat_ids)), ("company_id", "=", company.id)]
        )
        return {row.manychat_id: row.partner_id for row in rows}

    def _point(self, partners, company):
        """Let contacts be these partners (ManyChat id -> partner); return for whom it is news."""
        known = self.search(
            [("manychat_id", "in", list(partners)), ("company_id", "=", company.id)]
        )
        moved = known.filtered(lambda row: row.partner_id != partners[row.manychat_id])
        for row in moved:
            row.partner_id = partners[row.manychat_id]
        new = partners.keys() - set(known.mapped("manychat_id"))
        self.create(
            [
                {
                    "manychat_id": manychat_id,
                    "company_id": company.id,
                    "partner_id": partners[manychat_id].id,
                }
                for manychat_id in sorted(new)
            ]
        )
        return {*new, *moved.mapped("manychat_id")}

    def _follow(self, leads):
        """Let the contacts that ``leads`` are be their customers; return for whom it is news."""
        news = set()
        linked = leads.filtered("partner_id")
        for company, of_company in linked.grouped("manychat_company_id").items():
            merged = self.env["manychat.merged.contact"].search([("lead_id", "in", of_company.ids)])
            partners = {row.manychat_id: row.lead_id.partner_id for row in merged}
            partners.update({lead.manychat_id: lead.partner_id for lead in of_company})
            news |= self._point(partners, company)
        return news

    def _erasable(self, manychat_ids, until):
        """Return the rows of contacts that are erased, without those who came back later."""
        domain = [
            ("manychat_id", "in", manychat_ids),
            ("company_id", "=", self.env.company.id),
            ("create_date", "<=", naive(until)),
        ]
        return self.search(domain)

    def _tell(self, values):
        """Put what somebody did to the partner of each of these contacts into the feed."""
        Lead = self.env["crm.lead"].with_context(active_test=False)
        for row in self:
            lead = Lead._manychat_of_contact(row.manychat_id, row.company_id)
            clock = lead._manychat_own_clock()
            self.env["manychat.change"]._tell(
                lead, "partner", clock, values, (row.manychat_id, row.company_id)
            )

    def _standing_of(self, manychat_ids, company):
        """Return ``ManyChat id -> {partner_id, partner_active}``, as the bridge keeps it."""
        return {
            manychat_id: {"partner_id": partner.id, "partner_active": partner.active}
            for manychat_id, partner in self._of(manychat_ids, company).items()
        }
