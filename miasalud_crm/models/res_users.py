from odoo import models


class ResUsers(models.Model):
    _inherit = "res.users"

    def _manychat_as_advisor(self):
        """Return ``{odoo_id, email, name}`` as the bridge names an advisor; ``False`` of nobody."""
        if not self:
            return False
        known = {"odoo_id": self.id, "email": self.email or self.login, "name": self.name}
        return {key: value for key, value in known.items() if value}
