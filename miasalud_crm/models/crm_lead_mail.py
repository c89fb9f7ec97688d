from odoo import models


class CrmLead(models.Model):
    """The sync leaves its trace in the chatter and writes to nobody."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _creation_subtype(self):
        if self._manychat_is_sync():
            return self.env["mail.message.subtype"]
        return super()._creation_subtype()

    def _track_subtype(self, init_values):
        if self._manychat_is_sync():
            return self.env["mail.message.subtype"]
        return super()._track_subtype(init_values)

    def _message_auto_subscribe(self, *args, **kwargs):
        if self._manychat_is_sync():
            return True
        return super()._message_auto_subscribe(*args, **kwargs)
