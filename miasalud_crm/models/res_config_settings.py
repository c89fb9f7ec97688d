from typing import Any, NamedTuple

import requests
from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from ..const import TEST_TIMEOUT_SECONDS, VERIFY_PATH
from ..sync.bridge_url import UnsafeUrl, checked_url

TEAM_PARAM = "miasalud_crm.team_id"
FALLBACK_PARAM = "miasalud_crm.fallback_stage_id"


class ManychatSettings(NamedTuple):
    """The sync's settings: ``team`` and ``user`` may be empty, ``unmapped`` is keep/fallback.

    ``keep_edited``: what a person typed is not overwritten at all, else by newer events only.
    """

    team: Any
    user: Any
    fallback_stage_id: int | None
    unmapped: str
    keep_edited: bool


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    manychat_bridge_url = fields.Char(
        "Bridge URL", config_parameter="miasalud_crm.bridge_url", groups="base.group_system"
    )
    manychat_bridge_key = fields.Char(
        "Bridge Key", config_parameter="miasalud_crm.bridge_key", groups="base.group_system"
    )
    manychat_team_id = fields.Many2one(
        "crm.team",
        "ManyChat Team",
        config_parameter=TEAM_PARAM,
        help="Team of the leads that ManyChat makes.",
    )
    manychat_user_id = fields.Many2one(
        "res.users",
        "Default Salesperson",
        config_parameter="miasalud_crm.user_id",
        domain=[("share", "=", False)],
        help="Salesperson of a lead whose commercial advisor is unknown here.",
    )
    manychat_fallback_stage_id = fields.Many2one(
        "crm.stage",
        "Fallback Stage",
        config_parameter=FALLBACK_PARAM,
        help="Stage of a lead that no state has moved yet.",
    )
    manychat_unmapped = fields.Selection(
        [("keep", "Leave the lead where it is"), ("fallback", "Move it to the fallback stage")],
        "Unmapped States",
        config_parameter="miasalud_crm.unmapped",
        default="keep",
    )

    # No boolean: one whose default is on cannot be kept off in a parameter.
    manychat_edited = fields.Selection(
        [
            ("keep", "Keep them, whatever ManyChat says"),
            ("newer", "Let newer events overwrite them"),
        ],
        "Edited Fields",
        config_parameter="miasalud_crm.edited",
        default="keep",
        help="Name, phone, e-mail and salesperson that somebody typed.",
    )
    manychat_unmapped_count = fields.Integer(compute="_compute_manychat_unmapped_count")

    def _compute_manychat_unmapped_count(self):
        Unmapped = self.env["manychat.unmapped.state"]
        readable = Unmapped.has_access("read")
        for settings in self:
            settings.manychat_unmapped_count = Unmapped.search_count([]) if readable else 0

    def _manychat_settings(self):
        """Return the ``ManychatSettings`` in force for the current company."""
        company = self.env.company
        team = self._manychat_param("crm.team", TEAM_PARAM)
        if not team or team.company_id not in (company, team.company_id.browse()):
            team = self.env.ref("miasalud_crm.team_manychat", False) or self.env["crm.team"]
        user = self._manychat_param("res.users", "miasalud_crm.user_id")
        stage = self._manychat_param("crm.stage", FALLBACK_PARAM)
        stage = stage or self.env["crm.lead"].sudo()._stage_find(team_id=team.id)
        return ManychatSettings(
            team=team,
            user=user if company in user.company_ids and not user.share else user.browse(),
            fallback_stage_id=stage.id or None,
            unmapped=self._manychat_text("miasalud_crm.unmapped") or "keep",
            keep_edited=self._manychat_text("miasalud_crm.edited") != "newer",
        )

    def _manychat_text(self, name):
        return self.env["ir.config_parameter"].sudo().get_param(name)

    def _manychat_param(self, model, name):
        """Return the record that a parameter names, empty where there is none (any more)."""
        text = self._manychat_text(name) or ""
        return self.env[model].sudo().browse(int(text) if text.isdecimal() else []).exists()

    def action_manychat_test_connection(self):
        """Ask the bridge whether it is there and takes the key; say what answered."""
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only a system administrator may test the connection."))
        try:
            url = checked_url(self.manychat_bridge_url or "")
        except UnsafeUrl as unsafe:
            raise UserError(self._manychat_unsafe(str(unsafe))) from unsafe
        return self._manychat_notify(*self._manychat_ask(url))

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

    def _manychat_ask(self, url):
        """Return ``(ok, text)`` about one request to the bridge."""
        try:
            with requests.get(
                url + VERIFY_PATH,
                headers={"X-API-KEY": self.manychat_bridge_key or ""},
                timeout=TEST_TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return self._manychat_read(answer.status_code)
        except (requests.RequestException, ValueError) as error:
            return False, self.env._(
                "No answer from %(url)s (%(reason)s).", url=url, reason=type(error).__name__
            )

    def _manychat_read(self, status):
        if status == 200:
            return True, self.env._("The bridge answered and took the key.")
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
