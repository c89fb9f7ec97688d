from odoo import api, fields, models


class ManychatTestState(models.TransientModel):
    """Tells which rule a state would meet; it stores nothing and moves nobody."""

    _name = "manychat.test.state"
    _description = "Test a ManyChat State"

    state = fields.Char("ManyChat State")
    team_id = fields.Many2one(
        "crm.team",
        "Lead's Team",
        default=lambda self: self.env["res.config.settings"]._manychat_settings().team,
    )
    rule_id = fields.Many2one(
        "manychat.stage.mapping", "Rule that Wins", compute="_compute_rule_id"
    )
    action = fields.Selection(related="rule_id.action")
    stage_id = fields.Many2one(related="rule_id.stage_id")
    date_field = fields.Selection(related="rule_id.date_field")
    warning = fields.Char(related="rule_id.warning")

    @api.depends("state", "team_id")
    def _compute_rule_id(self):
        Rule = self.env["manychat.stage.mapping"]
        table = Rule._rule_table(self.env.company.id)
        for test in self:
            rule = table.find(test.state, test.team_id.id)
            test.rule_id = Rule.browse(rule.id if rule else [])
