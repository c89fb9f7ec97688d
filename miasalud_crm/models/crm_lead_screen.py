from urllib.parse import quote

from odoo import api, fields, models

from ..const import ASSIGNMENT_DATES, CHANNEL_ICONS, OTHER_CHANNEL_ICON
from ..sync.text import fold


class CrmLead(models.Model):
    """What the salesperson's screens show beside the synced fields."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    manychat_channel_icon = fields.Char(compute="_compute_manychat_channel_icon")
    manychat_chat_url = fields.Char("ManyChat Conversation", compute="_compute_manychat_chat_url")
    manychat_waiting = fields.Boolean(
        "Waiting for an Advisor",
        compute="_compute_manychat_waiting",
        search="_search_manychat_waiting",
        help="Nobody has the lead, or it stands where somebody was assigned who has not begun.",
    )

    @api.depends("source_id.name")
    def _compute_manychat_channel_icon(self):
        for lead in self:
            name = fold(lead.source_id.name)
            lead.manychat_channel_icon = CHANNEL_ICONS.get(name, OTHER_CHANNEL_ICON)

    @api.depends("manychat_id")
    def _compute_manychat_chat_url(self):
        account = self.env["res.config.settings"]._manychat_account()
        for lead in self:
            known = account and lead.manychat_id
            lead.manychat_chat_url = known and (
                f"https://app.manychat.com/fb{account}/chat/{quote(lead.manychat_id, safe='')}"
            )

    def action_manychat_open(self):
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": self.manychat_chat_url, "target": "new"}

    @api.depends("manychat_id", "user_id", "stage_id")
    def _compute_manychat_waiting(self):
        stages = self._manychat_waiting_stages()
        for lead in self:
            idle = not lead.user_id or lead.stage_id in stages
            lead.manychat_waiting = lead.manychat_id and idle and not lead.stage_id.is_won

    def _search_manychat_waiting(self, operator, value):
        # From Odoo 19 on the value is a collection.
        asked = value if isinstance(value, bool) else True in value
        waiting = [
            "&",
            ("manychat_id", "!=", False),
            "&",
            ("stage_id.is_won", "=", False),
            "|",
            ("user_id", "=", False),
            ("stage_id", "in", self._manychat_waiting_stages().ids),
        ]
        return waiting if asked == (operator in ("=", "in")) else ["!", *waiting]

    def _manychat_waiting_stages(self):
        """Return the stages of the rules that fill a date of assignment."""
        rules = self.env["manychat.stage.mapping"].sudo()
        return rules.search([("date_field", "in", ASSIGNMENT_DATES)]).stage_id
