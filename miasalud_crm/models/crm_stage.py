from odoo import api, models


class CrmStage(models.Model):
    _inherit = "crm.stage"

    @api.model
    def _manychat_team_field(self):
        """Return the field that names a stage's teams: several from Odoo 19 on, else one."""
        return "team_ids" if "team_ids" in self._fields else "team_id"

    @api.model
    def _manychat_usable(self, team):
        """Return the stages that leads of ``team`` may stand in; without a team, every one."""
        owner = self._manychat_team_field()
        of_team = ["|", (owner, "=", False), (owner, "in", team.ids)]
        return self.search(of_team if team else [])

    @api.model_create_multi
    def create(self, vals_list):
        stages = super().create(vals_list)
        self.env["manychat.stage.mapping"]._forget_table()
        return stages

    def write(self, vals):
        result = super().write(vals)
        self.env["manychat.stage.mapping"]._forget_table()
        return result

    def unlink(self):
        result = super().unlink()
        self.env["manychat.stage.mapping"]._forget_table()
        return result
