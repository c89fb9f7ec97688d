import logging

from odoo import api, models, release
from odoo.exceptions import AccessError, ValidationError

from ..const import MAX_EVENTS, SYNC_KEY, SYNC_TOKEN
from ..sync.contact import REJECTED, STALE
from ..sync.reading import Refused, given_event_id, read_event
from .crm_lead_partner import EVERY_CONTACT
from .in_parts import in_parts

_logger = logging.getLogger(__name__)


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_sync(self, events, partners=False):
        """Apply a batch of ManyChat events and say for each what became of it.

        :param list events: at most 500 dicts ``{event_id, revision=0, type, manychat_id,
            occurred_at, received_at, values}``, times as ISO 8601 UTC text; in ``values`` an
            absent key is unchanged and ``False`` clears. An optional ``guessed`` lists keys of
            ``values`` that fill a gap and never stand against a written value.
        :param bool partners: every contact gets a partner, which then goes along with what
            ManyChat says; else the settings say which leads get one, and it stays as it is.
        :return: one dict an event, in the order given: ``{event_id, status, unmapped, retryable,
            lead_id, stage, dates, message}``. ``status`` is the first that fits of ``rejected
            created updated stale unchanged``; ``lead_id`` and ``stage`` (its name) are ``None``
            where there is no lead; ``dates`` maps the funnel dates that are set to ISO text.
            With ``partners`` also ``partner_id``, ``None`` where there is no lead.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: ``events`` is no list or too long; nothing was applied.
        """
        company = self._manychat_check_bridge()
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise ValidationError(self.env._("A list of at most %s events is due.", MAX_EVENTS))
        sync = self._manychat_as_sync(company)
        if not partners:
            return sync._manychat_sync_batch(events)
        sync = sync.with_context(**{EVERY_CONTACT: True})
        return sync._manychat_add_partners(sync._manychat_sync_batch(events))

    @api.model
    def manychat_health(self):
        """Return ``{addon, version, series, mappings, unmapped}`` for the bridge's health check.

        ``mappings`` counts the rules in force in the caller's company, ``unmapped`` the states
        there that no rule fits.
        """
        company = self._manychat_check_bridge()
        module = self.env.ref("base.module_miasalud_crm").sudo()
        own = [("company_id", "in", (company.id, False))]
        return {
            "addon": module.name,
            "version": (module.latest_version or "").removeprefix(f"{release.series}."),
            "series": release.series,
            "mappings": self.env["manychat.stage.mapping"].sudo().search_count(own),
            "unmapped": self.env["manychat.unmapped.state"].sudo().search_count(own),
        }

    def _manychat_check_bridge(self):
        """Return the caller's company if the caller is the bridge."""
        if not self.env.su and not self.env.user.has_group("miasalud_crm.group_bridge"):
            raise AccessError(self.env._("Only the ManyChat bridge may do this."))
        # Read before sudo: afterwards a company of the context is no longer checked.
        return self.env.company

    def _manychat_as_sync(self, company):
        """Return an empty recordset that writes as the sync, free of the caller's context."""
        context = {
            "lang": company.sudo().partner_id.lang or self.env.lang,
            "allowed_company_ids": company.ids,
            # the sync leaves its own trace, see ``_manychat_trace``
            "tracking_disable": True,
            SYNC_KEY: SYNC_TOKEN,
        }
        return self.browse().with_env(self.env(context=context, su=True))

    def _manychat_sync_batch(self, raw_events):
        results = {}
        readable = {}
        for position, raw in enumerate(raw_events):
            try:
                readable[position] = read_event(raw)
            except Refused as refusal:
                results[position] = self._manychat_reject(raw, str(refusal), False)
        for position in self.env["manychat.tombstone"]._dropped(readable):
            results[position] = self._manychat_drop(readable.pop(position))
        applied = self._manychat_apply_or_split(list(readable.values()))
        results.update(zip(readable, applied, strict=True))
        return [results[position] for position in range(len(raw_events))]

    def _manychat_apply_or_split(self, events):
        """Return one result an event; what fails is split until it stands alone."""
        results = []
        for part, applied, error in in_parts(self.env, events, self._manychat_apply):
            results += applied or [self._manychat_fail(part[0], error)]
        return results

    def _manychat_fail(self, event, error):
        failure = type(error).__name__
        _logger.warning("ManyChat event %s rejected: %s", event.event_id, failure)
        return self._manychat_reject(
            {"event_id": event.event_id, "manychat_id": event.manychat_id},
            f"unexpected: {failure}",
            True,
        )

    def _manychat_drop(self, event):
        """Return the result of an event of a person who was erased after it was received."""
        return {
            "event_id": event.event_id,
            "status": STALE,
            "unmapped": False,
            "retryable": False,
            "lead_id": None,
            "stage": None,
            "dates": {},
            "message": "erased",
        }

    def _manychat_reject(self, raw, message, retryable):
        """Keep a rejection in the ledger where it has an id, and return its result."""
        event_id = given_event_id(raw)
        if event_id:
            self.env["manychat.event"]._keep_rejection(event_id, raw, message)
        return {
            "event_id": event_id,
            "status": REJECTED,
            "unmapped": False,
            "retryable": retryable,
            "lead_id": None,
            "stage": None,
            "dates": {},
            "message": message,
        }
