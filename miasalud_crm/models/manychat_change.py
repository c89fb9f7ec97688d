from datetime import timedelta

from odoo import fields, models

from ..sync.clock import iso

# As many rows as one transaction deletes; the cron triggers itself for the others.
SLICE = 2000
KEEP_DAYS = 30


class ManychatChange(models.Model):
    """What people changed on ManyChat's leads: the feed that the bridge reads.

    A row is written in the transaction of the change and has no number yet. Whoever reads gives
    one to the rows that are committed by then, so a transaction that ends late gets a late number:
    no reader's cursor can be past it.
    """

    _name = "manychat.change"
    _description = "ManyChat Change by a Person"
    _order = "id desc"
    _rec_name = "manychat_id"

    number = fields.Integer(readonly=True, copy=False, help="Place in the feed, once it was read.")
    manychat_id = fields.Char("ManyChat ID", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    lead = fields.Integer(
        "Lead ID", readonly=True, help="A number, since the change outlives the lead."
    )
    kind = fields.Selection(
        [
            ("values", "Name, phone or e-mail"),
            ("advisors", "Advisors"),
            ("stage", "Stage"),
            ("lost", "Lost"),
            ("archived", "Archived"),
            ("restored", "Restored"),
            ("merged", "Merged"),
            ("deleted", "Deleted"),
            ("refolded", "Folded again"),
            ("partner", "Contact in Odoo"),
        ],
        required=True,
        readonly=True,
    )
    clock = fields.Char(required=True, readonly=True)
    values = fields.Json(readonly=True, groups="base.group_system")

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_change_number_uniq
                   ON manychat_change (company_id, number);
               CREATE INDEX IF NOT EXISTS manychat_change_new_index
                   ON manychat_change (company_id, id) WHERE number IS NULL"""
        )
        return result

    def _tell(self, lead, kind, clock, values=None, contact=None):
        """Add what somebody did to ``lead``, or to a contact that it is or that has none.

        ``contact``: that one's ManyChat id and company.
        """
        manychat_id, company = contact or (lead.manychat_id, lead.manychat_company_id)
        self.sudo().create(
            {
                "manychat_id": manychat_id,
                "company_id": company.id,
                "lead": lead.id,
                "kind": kind,
                "clock": clock,
                "values": values or {},
            }
        )

    def _as_told(self):
        """Return the row as the bridge reads it."""
        return {
            "manychat_id": self.manychat_id,
            "lead_id": self.lead or None,
            "kind": self.kind,
            "values": self.values or {},
            "clock": self.clock,
            "changed_at": iso(self.create_date),
        }

    def _number_committed(self, company, limit):
        """Give the next numbers to at most ``limit`` rows of ``company`` that have none."""
        self.flush_model()
        waiting = "FROM manychat_change WHERE number IS NULL AND company_id = %s"
        self.env.cr.execute(f"SELECT {waiting} LIMIT 1", (company.id,))
        if not self.env.cr.rowcount:
            return
        # Of two readers one waits here, and starts anew: what the other took is then seen.
        last = self.env["manychat.change.feed"]._lock(company)
        self.env.cr.execute(
            f"""WITH fresh AS (
                   SELECT id, row_number() OVER (ORDER BY id) AS place
                     FROM (SELECT id {waiting} ORDER BY id LIMIT %s) AS oldest
               )
               UPDATE manychat_change change SET number = %s + fresh.place
                 FROM fresh WHERE change.id = fresh.id""",
            (company.id, limit, last),
        )
        self.env["manychat.change.feed"]._advance(company, last + self.env.cr.rowcount)
        self.invalidate_model(["number"])

    def _after(self, number, company, limit):
        """Return at most ``limit`` rows of ``company`` behind ``number``, in order."""
        domain = [("number", ">", number), ("company_id", "=", company.id)]
        return self.search(domain, order="number", limit=limit)

    def _cron_forget(self):
        """Delete a slice of the rows that nobody needs after ``KEEP_DAYS``, read or not."""
        before = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        old = self.search([("create_date", "<", before)], order="id", limit=SLICE)
        if len(old) == SLICE:
            self.env.ref("miasalud_crm.cron_forget_changes")._trigger()
        for company, of_company in old.grouped("company_id").items():
            self._number_committed(company, SLICE)
            self.env["manychat.change.feed"]._forget(company, max(of_company.mapped("number")))
        old.unlink()
