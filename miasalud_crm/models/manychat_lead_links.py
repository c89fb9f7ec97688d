from odoo import api, fields, models


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _manychat_open_leads(self, name, domain):
        """Return the action that lists leads from ManyChat, lost ones included.

        The list comes first: columns of every team's stages would look empty.
        """
        action = self.env["ir.actions.act_window"]._for_xml_id("crm.crm_lead_opportunities")
        own_list = (self.env.ref("miasalud_crm.crm_lead_view_list_manychat").id, "list")
        return {
            **action,
            "views": [own_list, *(view for view in action["views"] if view[1] != "list")],
            "name": name,
            "display_name": name,  # the title that the web client prefers
            "domain": [("manychat_id", "!=", False), *domain],
            "context": {"active_test": False, "create": False},
        }

    @api.model
    def _manychat_count_by(self, name, domain):
        """Return how many leads from ManyChat each record of the field ``name`` has."""
        leads = self.with_context(active_test=False)
        domain = [("manychat_id", "!=", False), *domain]
        return leads._read_group(domain, [name], ["__count"])


class ResPartner(models.Model):
    _inherit = "res.partner"

    manychat_lead_count = fields.Integer(
        "ManyChat Leads",
        compute="_compute_manychat_lead_count",
        groups="sales_team.group_sale_salesman",
    )

    @api.depends_context("uid")
    def _compute_manychat_lead_count(self):
        """Count the leads of each contact and of those below it."""
        self.manychat_lead_count = 0
        counts = self.env["crm.lead"]._manychat_count_by("partner_id", self._manychat_own())
        for partner, count in counts:
            # Whom the user may not read still has a place in the tree.
            above = partner.sudo()
            while above:
                own = self.filtered(lambda p, above=above: p.id == above.id)
                own.manychat_lead_count += count
                above = above.parent_id

    def action_manychat_leads(self):
        self.ensure_one()
        return self.env["crm.lead"]._manychat_open_leads(self.display_name, self._manychat_own())

    def _manychat_own(self):
        return [("partner_id", "child_of", self.ids)]


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    manychat_lead_count = fields.Integer(
        "ManyChat Leads",
        compute="_compute_manychat_lead_count",
        groups="sales_team.group_sale_salesman",
    )

    @api.depends_context("uid")
    def _compute_manychat_lead_count(self):
        own = [("campaign_id", "in", self.ids)]
        counts = dict(self.env["crm.lead"]._manychat_count_by("campaign_id", own))
        for campaign in self:
            campaign.manychat_lead_count = counts.get(campaign, 0)

    def action_manychat_leads(self):
        self.ensure_one()
        own = [("campaign_id", "=", self.id)]
        return self.env["crm.lead"]._manychat_open_leads(self.title, own)
