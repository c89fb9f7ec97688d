from odoo import models


class CrmTeam(models.Model):
    _inherit = "crm.team"

    def write(self, vals):
        result = super().write(vals)
        if {"active", "company_id"} & vals.keys():
            self.env["manychat.stage.mapping"]._forget_table()
        return result

    def unlink(self):
        result = super().unlink()
        self.env["manychat.stage.mapping"]._forget_table()
        return result
