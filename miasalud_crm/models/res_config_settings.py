from typing import Any, NamedTuple

from odoo import api, fields, models

TEAM_PARAM = "miasalud_crm.team_id"
FALLBACK_PARAM = "miasalud_crm.fallback_stage_id"


class ManychatSettings(NamedTuple):
    """The sync's settings: ``team`` and ``user`` may be empty, ``unmapped`` is keep/fallback.

    ``by_reach``: a contact without a lead adopts one of its phone or e-mail. ``link_contacts``:
    leads get a partner. ``keep_edited``: what a person typed is not overwritten at all, else by
    newer events only.
    """

    team: Any
    user: Any
    fallback_stage_id: int | None
    unmapped: str
    keep_edited: bool
    by_reach: bool
    link_contacts: bool


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

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
    manychat_identity = fields.Selection(
        [
            ("id", "By its ManyChat ID alone"),
            ("reach", "Also by phone or e-mail, among leads without a ManyChat ID"),
        ],
        "A Contact's Lead",
        config_parameter="miasalud_crm.identity",
        default="id",
        help="How the lead of a ManyChat contact is found before a new one is made. A lead that is"
        " found by phone or e-mail keeps the contact from then on.",
    )
    manychat_link_contacts = fields.Boolean(
        "Link Contacts",
        config_parameter="miasalud_crm.link_contacts",
        help="Find or make the customer of a lead by e-mail or phone. Nothing that is known of a"
        " customer is overwritten.",
    )
    manychat_unmapped_count = fields.Integer(compute="_compute_manychat_unmapped_count")

    @api.depends("company_id")
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
            by_reach=self._manychat_text("miasalud_crm.identity") == "reach",
            link_contacts=bool(self._manychat_text("miasalud_crm.link_contacts")),
        )

    def _manychat_text(self, name):
        return self.env["ir.config_parameter"].sudo().get_param(name)

    def _manychat_param(self, model, name):
        """Return the record that a parameter names, empty where there is none (any more)."""
        text = self._manychat_text(name) or ""
        return self.env[model].sudo().browse(int(text) if text.isdecimal() else []).exists()
