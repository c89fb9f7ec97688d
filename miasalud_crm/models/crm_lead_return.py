from odoo import models

RETURN_ACTIVITY = "mail.mail_activity_data_todo"


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_returned(self, contact):
        """Return the state with which the client of this closed lead came back, else None."""
        picture = contact.picture()
        news = [
            row.state
            for (event_id, row), step in zip(contact.rows(), picture.steps, strict=True)
            if step.returned and event_id in contact.applied
        ]
        closed = picture.lost or contact.ground.table.is_won(picture.stage_id)
        return news[-1] if news and closed else None

    def _manychat_tell_return(self, contact, settings):
        """Have somebody look at a lost or won lead, which stays so, whose client is back."""
        state = contact.lead_id and self._manychat_returned(contact)
        user = state and (self.user_id or settings.user or self.team_id.user_id)
        if user and not self.activity_search([RETURN_ACTIVITY]):
            # No e-mail: nothing is sent in the bridge's name.
            self.with_context(mail_activity_quick_update=True).activity_schedule(
                RETURN_ACTIVITY,
                summary=self.env._("ManyChat: the client is back (%s)", state),
                user_id=user.id,
            )
