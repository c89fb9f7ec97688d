from odoo import models


class CrmLead(models.Model):
    """Lead scoring counts the sync's sales and losses a moment later.

    Every sale writes the same few counters: two batches that did it themselves would wait for
    each other and start anew.
    """

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _handle_won_lost(self, *statuses):
        """Odoo 18 asks for each lead that is made; few are near a won stage."""
        if self._manychat_is_sync() and len(statuses) == 1 and self._manychat_is_open(*statuses):
            return None
        return super()._handle_won_lost(*statuses)

    def _manychat_is_open(self, vals):
        """Return whether ``vals`` neither close nor reopen any of these leads."""
        table = self.env["manychat.stage.mapping"]._rule_table(self.env.company.id)
        stage_ids = {vals.get("stage_id"), *self.stage_id.ids}
        return "active" not in vals and not any(map(table.is_won, stage_ids))

    def _pls_increment_frequencies(self, from_state=None, to_state=None):
        if not self._manychat_is_sync():
            return super()._pls_increment_frequencies(from_state=from_state, to_state=to_state)
        if self:
            found, _existing = self._pls_prepare_update_frequency_table(
                target_state=from_state or to_state
            )
            self.env["manychat.scoring"]._keep(found, 1 if to_state else -1)
        return None

    def _rebuild_pls_frequency_table(self):
        """What waits is about leads that this counts: it would be counted twice."""
        result = super()._rebuild_pls_frequency_table()
        # Those that a later transaction adds are about leads that this one did not see.
        waiting = self.env["manychat.scoring"].sudo().search([])  # pylint: disable=no-search-all
        waiting.unlink()
        return result
