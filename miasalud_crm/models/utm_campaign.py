from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import ValidationError

from ..const import MAX_EVENTS, MAX_TEXT
from .lookups import Lookups


class _Named(NamedTuple):
    """A contact as far as look-ups ask: it only has a campaign."""

    campaign: dict

    def value(self, key):
        return self.campaign if key == "campaign" else None


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    @api.model
    def manychat_campaigns(self, campaigns):
        """Make the campaigns of the mirror that are not here: as an event that names one would.

        :param list campaigns: at most 500 dicts ``{id, name}``.
        :return: ``{campaigns}``, how many UTM campaigns they are.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: the list cannot be read.
        """
        leads = self.env["crm.lead"]
        company = leads._manychat_check_bridge()
        if not self._manychat_are_campaigns(campaigns):
            raise ValidationError(self.env._("A list of at most %s campaigns is due.", MAX_EVENTS))
        env = leads._manychat_as_sync(company).env
        settings = env["res.config.settings"]._manychat_settings()
        lookups = Lookups(env, settings, [_Named(campaign) for campaign in campaigns])
        return {"campaigns": len({lookups.campaign(campaign).id for campaign in campaigns})}

    def _manychat_are_campaigns(self, campaigns):
        return (
            isinstance(campaigns, list)
            and len(campaigns) <= MAX_EVENTS
            and all(
                isinstance(campaign, dict)
                and type(campaign.get("id")) is int
                and isinstance(campaign.get("name"), str)
                and campaign["name"].strip()
                and len(campaign["name"]) <= MAX_TEXT
                for campaign in campaigns
            )
        )
