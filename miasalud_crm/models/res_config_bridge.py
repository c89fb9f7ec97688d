import requests
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..const import TEST_TIMEOUT_SECONDS, VERIFY_PATH
from ..sync.bridge_request import ask
from ..sync.bridge_url import UnsafeUrl, read_url

URL_PARAM = "miasalud_crm.bridge_url"
KEY_PARAM = "miasalud_crm.bridge_key"


class ResConfigSettings(models.TransientModel):
    """The link to the bridge; its key is sent only to the host that it was typed for."""

    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    manychat_bridge_url = fields.Char(
        "Bridge URL", config_parameter=URL_PARAM, groups="base.group_system"
    )
    manychat_bridge_key = fields.Char(
        "Bridge Key",
        groups="base.group_system",
        help="Empty keeps the key that was saved. Another host needs it typed again.",
    )
    manychat_bridge_key_kept = fields.Boolean(
        compute="_compute_manychat_bridge_key_kept", groups="base.group_system"
    )

    @api.depends("manychat_bridge_url")
    def _compute_manychat_bridge_key_kept(self):
        for settings in self:
            settings.manychat_bridge_key_kept = bool(settings._manychat_kept_key())

    def set_values(self):
        for settings in self.sudo():
            settings._manychat_keep_key()
        return super().set_values()

    def _manychat_keep_key(self):
        """Store the key typed here; without a URL there is no link, and no key."""
        url = self.manychat_bridge_url
        if url and url != self._manychat_text(URL_PARAM):
            self._manychat_bridge()
        self.env["ir.config_parameter"].sudo().set_param(KEY_PARAM, url and self._manychat_key())
        # What is typed rests in the form's table otherwise, until that is vacuumed.
        self.manychat_bridge_key = False

    def _manychat_key(self):
        """Return the typed key, else the saved one if it was typed for this very host."""
        typed = (self.manychat_bridge_key or "").strip()
        kept = self._manychat_kept_key()
        if not (typed or kept) and self._manychat_text(KEY_PARAM):
            raise UserError(
                self.env._("The bridge's host changed: type the key again, it is not sent there.")
            )
        return typed or kept

    def _manychat_kept_key(self):
        """Return the saved key if the form's URL has the host of the saved one, else ""."""
        url, kept_url = self.manychat_bridge_url, self._manychat_text(URL_PARAM)
        try:
            same = url == kept_url or read_url(url or "").origin == read_url(kept_url or "").origin
        except UnsafeUrl:
            return ""
        return (same and self._manychat_text(KEY_PARAM)) or ""

    def _manychat_bridge(self):
        try:
            return read_url(self.manychat_bridge_url or "")
        except UnsafeUrl as unsafe:
            raise UserError(self._manychat_unsafe(str(unsafe))) from unsafe

    def action_manychat_test_connection(self):
        """Ask the bridge whether it is there and takes the key; say what answered."""
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only a system administrator may test the connection."))
        ok, text = self._manychat_ask(self._manychat_bridge(), self._manychat_key())
        return self._manychat_notify(ok, text)

    def _manychat_unsafe(self, code):
        return {
            "not_a_url": self.env._("The bridge URL is not a URL."),
            "scheme": self.env._("The bridge URL needs http:// or https:// and a host."),
            "extras": self.env._("The bridge URL may hold no user, query or fragment."),
            "unknown_host": self.env._("The host of the bridge URL is unknown."),
            "refused_address": self.env._(
                "The bridge URL leads to a link-local or metadata address; no bridge is there."
            ),
        }[code]

    def _manychat_ask(self, bridge, key):
        """Return ``(ok, text)`` about one request to the bridge."""
        try:
            status, body = ask(bridge, VERIFY_PATH, key, TEST_TIMEOUT_SECONDS)
        except UnsafeUrl as unsafe:
            raise UserError(self._manychat_unsafe(str(unsafe))) from unsafe
        except (requests.RequestException, ValueError) as error:
            return False, self.env._(
                "No answer from %(url)s (%(reason)s).", url=bridge.url, reason=type(error).__name__
            )
        return self._manychat_read(status, body.get("endpoints"))

    def _manychat_read(self, status, endpoints):
        if status == 200 and isinstance(endpoints, list):
            return True, self.env._(
                "The bridge answered and took the key; it has %s webhooks.", len(endpoints)
            )
        if status in (401, 403):
            return False, self.env._("The bridge answered, but refused the key (HTTP %s).", status)
        if 300 <= status < 400:
            return False, self.env._("The address redirects (HTTP %s); give the final one.", status)
        return False, self.env._("Something answered with HTTP %s; is this the bridge?", status)

    def _manychat_notify(self, ok, text):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("ManyChat bridge"),
                "message": text,
                "type": "success" if ok else "danger",
                "sticky": not ok,
            },
        }
