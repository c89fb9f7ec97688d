from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .manychat_event_retention import RETENTION_PARAM

FIGURES = (
    "manychat_last_event_at",
    "manychat_event_count",
    "manychat_rejected_count",
    "manychat_waiting_count",
    "manychat_unknown_count",
    "manychat_compared_at",
    "manychat_difference_count",
)


class ResConfigSettings(models.TransientModel):
    """What the settings' ManyChat block tells at a glance."""

    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    manychat_retention_days = fields.Integer(
        "Days to Keep Events",
        config_parameter=RETENTION_PARAM,
        help="0 keeps them for ever. Rejected and mended ones always stay.",
    )
    manychat_last_event_at = fields.Datetime("Last Event", compute="_compute_manychat_cockpit")
    manychat_event_count = fields.Integer("In 24 Hours", compute="_compute_manychat_cockpit")
    manychat_rejected_count = fields.Integer("Rejected", compute="_compute_manychat_cockpit")
    manychat_waiting_count = fields.Integer("Unmapped", compute="_compute_manychat_cockpit")
    manychat_unknown_count = fields.Integer("Unknown Advisors", compute="_compute_manychat_cockpit")

    manychat_compared_at = fields.Datetime("Compared On", compute="_compute_manychat_cockpit")
    manychat_difference_count = fields.Integer("Differences", compute="_compute_manychat_cockpit")

    @api.constrains("manychat_retention_days")
    def _check_manychat_retention_days(self):
        if any(settings.manychat_retention_days < 0 for settings in self):
            raise ValidationError(self.env._("Events cannot be kept for less than 0 days."))

    # Odoo 18 shows an empty value of what depends on nothing that is set in a new form.
    @api.depends("company_id")
    def _compute_manychat_cockpit(self):
        vals = self._manychat_cockpit()
        for settings in self:
            settings.update(vals)

    def _manychat_cockpit(self):
        """Return the figures by field, all empty for whom may not read the events."""
        Event = self.env["manychat.event"]
        if not Event.has_access("read"):
            return dict.fromkeys(FIGURES, False)
        compared = self.env["manychat.reconciliation"].search([], limit=1)
        day_ago = fields.Datetime.now() - timedelta(days=1)
        return {
            # A rejected event has no time of arrival of its own.
            "manychat_last_event_at": Event.search([], order="id desc", limit=1).create_date,
            "manychat_event_count": Event.search_count([("create_date", ">=", day_ago)]),
            "manychat_rejected_count": Event.search_count([("status", "=", "rejected")]),
            "manychat_waiting_count": self.env["manychat.unmapped.state"].search_count([]),
            "manychat_unknown_count": self.env["manychat.unknown.advisor"].search_count([]),
            "manychat_compared_at": compared.finished_at,
            "manychat_difference_count": compared.left if compared.fixed else compared.total,
        }
