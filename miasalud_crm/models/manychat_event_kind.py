from odoo import api, fields, models

from ..const import EVENT_KINDS


class ManychatEvent(models.Model):
    _inherit = "manychat.event"  # pylint: disable=consider-merging-classes-inherited

    kind = fields.Selection(
        EVENT_KINDS,
        "Kind of Event",
        compute="_compute_kind",
        help="Empty for a kind that a newer bridge has and this addon does not know.",
    )

    @api.depends("type")
    def _compute_kind(self):
        known = dict(EVENT_KINDS)
        for event in self:
            event.kind = event.type if event.type in known else False
