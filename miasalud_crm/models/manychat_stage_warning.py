from odoo import api, fields, models


class ManychatStageMapping(models.Model):
    _inherit = "manychat.stage.mapping"  # pylint: disable=consider-merging-classes-inherited

    warning = fields.Char(compute="_compute_warning", help="Why this rule does not do its work.")

    @api.depends("manychat_state", "match", "sequence", "action", "stage_id", "team_id", "active")
    def _compute_warning(self):
        for rule in self:
            rule.warning = rule._shadow_warning() or rule._team_warning()

    def _shadow_warning(self):
        """Say which rule before this one takes every state that this one would fit."""
        if not self.active or not self._origin:
            return False
        # With a company of its own, the rule is seen among that company's rules.
        rules = self._rule_table((self.company_id or self.env.company).id).rules
        own = next((rule for rule in rules if rule.id == self._origin.id), None)
        before = rules[: rules.index(own)] if own else ()
        taker = next((rule for rule in before if rule.covers(own)), None)
        if not taker:
            return False
        name = self.sudo().browse(taker.id).manychat_state
        return self.env._("It never wins: “%s” comes before it and takes the same states.", name)

    def _team_warning(self):
        """Say that the stage is of a team whose leads this rule does not meet."""
        teams = self.stage_id[self.stage_id._manychat_team_field()]
        team = self.team_id or self.env["res.config.settings"]._manychat_settings().team
        if self.action != "stage" or not teams or not team or team in teams:
            return False
        return self.env._("Its stage belongs to another team: %s.", ", ".join(teams.mapped("name")))

    def action_test_state(self):
        """Open the dialog in which a manager types a state and sees the rule that wins."""
        return self.env["ir.actions.act_window"]._for_xml_id(
            "miasalud_crm.manychat_test_state_action"
        )
