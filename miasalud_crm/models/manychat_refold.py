from odoo import fields, models

from ..sync.text import name_key

# As many leads as a request takes at once; the cron takes the others, a slice a transaction.
SLICE = 100


class ManychatRefold(models.Model):
    """The leads that a manager wants done again, after a rule or an alias was made."""

    _name = "manychat.refold"
    _description = "ManyChat Lead to Fold Again"
    _order = "id"
    _rec_name = "lead_id"

    lead_id = fields.Many2one("crm.lead", required=True, ondelete="cascade")
    kind = fields.Selection([("rules", "Rules"), ("advisors", "Advisors")], required=True)

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_refold_lead_uniq
                   ON manychat_refold (lead_id, kind)"""
        )
        return result

    def _queue_states(self, states):
        """Take in every lead that waits in one of ``states``; fold the first slice now.

        :return: ``(done, left)``, numbers of leads
        """
        self.env.flush_all()
        for company, unmapped in states.grouped("company_id").items():
            self.env.cr.execute(
                """INSERT INTO manychat_refold (lead_id, kind)
                   SELECT l.id, 'rules' FROM crm_lead l
                    WHERE l.manychat_company_id = %(company)s AND l.manychat_id IS NOT NULL
                      AND (l.manychat_unmapped AND l.manychat_state_folded = ANY(%(folded)s)
                           OR EXISTS (SELECT FROM manychat_stage_history h
                                       WHERE h.lead_id = l.id AND h.unmapped
                                         AND h.state_folded = ANY(%(folded)s)))
                       ON CONFLICT DO NOTHING""",
                {"company": company.id, "folded": unmapped.mapped("folded")},
            )
        return self._do_slice()

    def _queue_advisors(self, aliases):
        """Take in every lead whose unknown advisor one of ``aliases`` names; see above."""
        self.env.flush_all()
        unknown = self.env["manychat.unknown.advisor"].search(
            [("company_id", "in", aliases.company_id.ids)]
        )
        for company, of_company in aliases.grouped("company_id").items():
            folded = set(of_company.mapped("folded"))
            named = unknown.filtered(lambda u, c=company: u.company_id == c)
            refs = [ref for ref in named.mapped("ref") if name_key(ref) in folded]
            self.env.cr.execute(
                """INSERT INTO manychat_refold (lead_id, kind)
                   SELECT id, 'advisors' FROM crm_lead
                    WHERE manychat_company_id = %(company)s AND manychat_id IS NOT NULL
                      AND (manychat_commercial_ref = ANY(%(refs)s)
                           OR manychat_medical_ref = ANY(%(refs)s))
                       ON CONFLICT DO NOTHING""",
                {"company": company.id, "refs": refs},
            )
        return self._do_slice()

    def _do_slice(self):
        """Do the first slice and have the cron take the rest. Return ``(done, left)``."""
        self.env.cr.execute(
            "SELECT id FROM manychat_refold ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED", (SLICE,)
        )
        rows = self.browse(row[0] for row in self.env.cr.fetchall())
        leads = rows.lead_id
        for kind, of_kind in rows.grouped("kind").items():
            known = of_kind.lead_id.filtered("manychat_id")
            for company, of_company in known.grouped("manychat_company_id").items():
                sync = self.env["crm.lead"]._manychat_as_sync(company)
                sync.browse(of_company.ids)._manychat_do_again(kind)
        rows.unlink()
        left = self.search_count([])
        if left:
            self.env.ref("miasalud_crm.cron_refold")._trigger()
        return len(leads), left

    def _cron_fold(self):
        """Do one slice; while leads are left it triggers itself again."""
        self._do_slice()

    def _said(self, text, left):
        """Return the notification that closes a dialog and tells what was done."""
        if left:
            text += " " + self.env._("Left for the background: %s.", left)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": text,
                "type": "success",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
