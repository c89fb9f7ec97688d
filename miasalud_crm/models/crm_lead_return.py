from odoo import models

RETURN_ACTIVITY = "mail.mail_activity_data_todo"


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_tell_return(self, contact, settings):
        """Say on a lost or won lead, which stays so, that its client is back."""
        picture = contact.picture()
        closed = picture.lost or contact.ground.table.is_won(picture.stage_id)
        news = [
            row.state
            for (event_id, row), step in zip(contact.rows(), picture.steps, strict=True)
            if step.returned and event_id in contact.applied
        ]
        if not news or not closed:
            return
        text = self.env._("ManyChat: the client is back (%s)", news[-1])
        self._message_log(body=text)
        user = self.user_id or settings.user or self.team_id.user_id
        if user and not self.activity_search([RETURN_ACTIVITY]):
            # No e-mail: nothing is sent in the bridge's name.
            self.with_context(mail_activity_quick_update=True).activity_schedule(
                RETURN_ACTIVITY, summary=text, user_id=user.id
            )
