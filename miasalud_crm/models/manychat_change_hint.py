from odoo import models

from ..sync.bridge_hint import ring
from ..sync.bridge_url import UnsafeUrl, read_url
from .res_config_bridge import KEY_PARAM, URL_PARAM

RUNG = "manychat_hint"


class ManychatChange(models.Model):
    """After the commit of a change the bridge is told to look; it looks every second anyway."""

    _inherit = "manychat.change"  # pylint: disable=consider-merging-classes-inherited

    def _tell(self, lead, kind, clock, values=None, contact=None):
        result = super()._tell(lead, kind, clock, values, contact)
        hooks = self.env.cr.postcommit
        if RUNG not in hooks.data:
            hooks.data[RUNG] = True
            self._hint_after_commit(hooks)
        return result

    def _hint_after_commit(self, hooks):
        get_param = self.env["ir.config_parameter"].sudo().get_param
        url, key = get_param(URL_PARAM), get_param(KEY_PARAM)
        if not url or not key:
            return
        try:
            bridge = read_url(url)
        except UnsafeUrl:
            return
        hooks.add(lambda: ring(bridge, key))
