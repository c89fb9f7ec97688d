import logging

from odoo import fields, models
from psycopg2 import InterfaceError, OperationalError

from ..sync.contact import CREATED, UPDATED
from ..sync.text import storable
from .private_sql import private_sql_errors

_logger = logging.getLogger(__name__)

TELL_PARAM = "miasalud_crm.tell_advisors"
ACTIVITY_TYPE = "miasalud_crm.mail_activity_new_advisor"


class CrmLead(models.Model):
    """An activity for whom ManyChat newly gave a lead, where the settings say so.

    The package imports this after ``crm_lead_sync``, which it goes around.
    """

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def message_subscribe(self, *args, **kwargs):
        # An activity would make its user a follower; the sync adds none.
        if self._manychat_is_sync():
            return True
        return super().message_subscribe(*args, **kwargs)

    def _manychat_sync_batch(self, raw_events):
        if not self.env["res.config.settings"]._manychat_text(TELL_PARAM):
            return super()._manychat_sync_batch(raw_events)
        before = self._manychat_advisors_before(raw_events)
        results = super()._manychat_sync_batch(raw_events)
        touched = {r["lead_id"] for r in results if r["status"] in (CREATED, UPDATED)}
        self.browse(sorted(touched - {None}))._manychat_try_to_tell(before)
        return results

    def _manychat_try_to_tell(self, before):
        """Tell the advisors; an activity that Odoo refuses must not take the events with it."""
        try:
            with private_sql_errors(), self.env.cr.savepoint():
                self._manychat_tell_advisors(before)
                self.env.flush_all()
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            _logger.debug("Telling the advisors failed", exc_info=True)
            _logger.warning("Advisors of %s leads not told: %s", len(self), type(error).__name__)

    def _manychat_advisors_before(self, raw_events):
        """Return the advisors (ids of users) by id of the leads that these events may touch."""
        given = [raw.get("manychat_id") for raw in raw_events if isinstance(raw, dict)]
        wanted = [storable(text) for text in given if isinstance(text, str)]
        domain = [
            ("manychat_company_id", "=", self.env.company.id),
            ("manychat_id", "in", wanted),
        ]
        leads = self.with_context(active_test=False).search(domain)
        return {lead.id: set(lead._manychat_advisors().ids) for lead in leads}

    def _manychat_advisors(self):
        return self.manychat_commercial_id | self.manychat_medical_id

    def _manychat_tell_advisors(self, before):
        """Give the new advisors of these leads an activity, and take those of former ones back."""
        Activity = self.env["mail.activity"].with_context(mail_activity_quick_update=True)
        kind = self.env.ref(ACTIVITY_TYPE)
        domain = [("res_model", "=", self._name), ("activity_type_id", "=", kind.id)]
        changed = self.filtered(
            lambda lead: set(lead._manychat_advisors().ids) != before.get(lead.id, set())
        )
        told = Activity.search([*domain, ("res_id", "in", changed.ids)])
        told.filtered(
            lambda act: act.user_id not in self.browse(act.res_id)._manychat_advisors()
        ).unlink()
        Activity.create(
            [
                lead._manychat_advisor_activity(user, kind)
                for lead in changed
                for user in lead._manychat_advisors()
                if user.id not in before.get(lead.id, ()) and lead._manychat_is_open_to(user)
            ]
        )

    def _manychat_is_open_to(self, user):
        return self.with_user(user).has_access("read")

    def _manychat_advisor_activity(self, user, kind):
        medical = user == self.manychat_medical_id
        translated = self.with_context(lang=user.lang).env
        role = translated._("medical advisor") if medical else translated._("commercial advisor")
        return {
            "res_model_id": self.env["ir.model"]._get_id(self._name),
            "res_id": self.id,
            "activity_type_id": kind.id,
            "summary": translated._("New from ManyChat, with you as %s", role),
            "user_id": user.id,
            "date_deadline": fields.Date.context_today(self.with_context(tz=user.tz)),
        }
