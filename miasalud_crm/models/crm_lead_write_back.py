from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_read_changes(self, cursor, limit):
        """Add how writing back is set up, and what the moves of this page do in ManyChat."""
        answer = super()._manychat_read_changes(cursor, limit)
        answer["write_back"] = self.env["res.config.settings"]._manychat_write_back()
        if answer["write_back"]["mode"] != "off":
            self._manychat_add_entries(answer["changes"])
        return answer

    def _manychat_add_entries(self, changes):
        """Put ``entry`` on the moves into a stage in which the lead still is.

        One that has left it since gets nothing of it: what comes next says where it is.
        """
        moves = [change for change in changes if change["kind"] == "stage"]
        ids = {change["lead_id"] for change in moves}
        leads = self.with_context(active_test=False).search([("id", "in", list(ids))])
        entries = {}
        for change in moves:
            lead = leads.filtered(lambda one, change=change: one.id == change["lead_id"])
            if not lead or lead.stage_id.id != change["values"].get("stage_id"):
                continue
            key = (lead.stage_id, lead.team_id)
            if key not in entries:
                Rule = self.env["manychat.stage.mapping"]
                entries[key] = Rule._entry(self.env.company, *key)
            change["entry"] = entries[key] or None
