from odoo import fields, models


class ManychatUnknownAdvisor(models.Model):
    """Every advisor whom ManyChat names and no user here matches, with the leads that wait."""

    _name = "manychat.unknown.advisor"
    _description = "Unknown ManyChat Advisor"
    _auto = False
    _order = "lead_count desc, ref, id"
    _rec_name = "ref"
    _depends = {
        "crm.lead": [
            "manychat_company_id",
            "manychat_commercial_ref",
            "manychat_medical_ref",
            "manychat_synced_at",
        ]
    }

    ref = fields.Char("Advisor in ManyChat", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    lead_count = fields.Integer("Leads", readonly=True)
    commercial_count = fields.Integer("Commercial", readonly=True)
    medical_count = fields.Integer("Medical", readonly=True)
    last_seen = fields.Datetime(readonly=True)

    @property
    def _table_query(self):
        return """
            SELECT min(named.id) AS id, named.company_id, named.ref,
                   count(DISTINCT named.lead_id) AS lead_count,
                   count(*) FILTER (WHERE named.commercial) AS commercial_count,
                   count(*) FILTER (WHERE NOT named.commercial) AS medical_count,
                   max(named.seen) AS last_seen
              FROM (
                SELECT id * 2 AS id, id AS lead_id, manychat_company_id AS company_id,
                       manychat_commercial_ref AS ref, TRUE AS commercial,
                       manychat_synced_at AS seen
                  FROM crm_lead WHERE manychat_commercial_ref IS NOT NULL
                 UNION ALL
                SELECT id * 2 + 1, id, manychat_company_id, manychat_medical_ref, FALSE,
                       manychat_synced_at
                  FROM crm_lead WHERE manychat_medical_ref IS NOT NULL
              ) named
             GROUP BY named.company_id, named.ref"""

    def action_make_alias(self):
        """Ask which user this advisor is; saving there resolves the leads that wait."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Who is “%s”?", self.ref),
            "res_model": "manychat.alias",
            "views": [(self.env.ref("miasalud_crm.manychat_alias_view_form_advisor").id, "form")],
            "target": "new",
            "context": {
                "default_kind": "advisor",
                "default_value": self.ref,
                "default_company_id": self.company_id.id,
            },
        }

    def action_open_leads(self):
        self.ensure_one()
        waiting = [
            ("manychat_company_id", "=", self.company_id.id),
            "|",
            ("manychat_commercial_ref", "=", self.ref),
            ("manychat_medical_ref", "=", self.ref),
        ]
        return self.env["crm.lead"]._manychat_open_leads(self.ref, waiting)
