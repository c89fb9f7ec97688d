from odoo import fields, models

# As many leads as a request folds at once; the cron takes the others, a slice a transaction.
SLICE = 100


class ManychatRefold(models.Model):
    """The leads that wait to be folded again because a manager said so."""

    _name = "manychat.refold"
    _description = "ManyChat Lead to Fold Again"
    _order = "id"
    _rec_name = "lead_id"

    lead_id = fields.Many2one("crm.lead", required=True, ondelete="cascade")

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_refold_lead_uniq
                   ON manychat_refold (lead_id)"""
        )
        return result

    def _queue(self, states):
        """Take in every lead that waits in one of ``states``; fold the first slice now.

        :return: ``(done, left)``, numbers of leads
        """
        self.env.flush_all()
        for company, unmapped in states.grouped("company_id").items():
            self.env.cr.execute(
                """INSERT INTO manychat_refold (lead_id)
                   SELECT l.id FROM crm_lead l
                    WHERE l.manychat_company_id = %(company)s AND l.manychat_id IS NOT NULL
                      AND (l.manychat_unmapped AND l.manychat_state_folded = ANY(%(folded)s)
                           OR EXISTS (SELECT FROM manychat_stage_history h
                                       WHERE h.lead_id = l.id AND h.unmapped
                                         AND h.state_folded = ANY(%(folded)s)))
                       ON CONFLICT DO NOTHING""",
                {"company": company.id, "folded": unmapped.mapped("folded")},
            )
        return self._fold_slice()

    def _fold_slice(self):
        """Fold the first slice and have the cron take the rest. Return ``(done, left)``."""
        self.env.cr.execute(
            "SELECT id FROM manychat_refold ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED", (SLICE,)
        )
        rows = self.browse(row[0] for row in self.env.cr.fetchall())
        leads = rows.lead_id.filtered("manychat_id")
        for company, of_company in leads.grouped("manychat_company_id").items():
            self.env["crm.lead"]._manychat_as_sync(company).browse(
                of_company.ids
            )._manychat_fold_again()
        rows.unlink()
        left = self.search_count([])
        if left:
            self.env.ref("miasalud_crm.cron_refold")._trigger()
        return len(leads), left

    def _cron_fold(self):
        """Fold one slice; while leads are left it triggers itself again."""
        self._fold_slice()
