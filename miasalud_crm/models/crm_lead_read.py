from contextlib import suppress

from odoo import api, models
from odoo.exceptions import ValidationError

from ..const import FUNNEL_DATES, LEAD_FILTERS
from ..sync.asking import may_ask
from ..sync.clock import iso
from ..sync.contact import REJECTED
from ..sync.reading import Refused, given_event_id, read_event
from ..sync.text import fold


class _Undone(Exception):
    """What was looked at is not kept: a lead that was found by phone or e-mail, for one."""


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_leads(self, filters=None, page=1, size=50):
        """List the leads that ManyChat's contacts have in the caller's company, newest first.

        :param dict filters: any of ``lead_id`` (integer), ``manychat_id``, ``phone``, ``email``,
            ``state`` (lists of texts, of which one has to fit; a state is compared folded) and
            ``active`` (boolean; archived leads are listed too where it is absent).
        :param int page: from 1.
        :param int size: 1 to 200.
        :return: ``{total, leads}``; a lead has the keys of ``_manychat_shown``.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: a filter, page or size of no meaning.
        """
        company = self._manychat_check_bridge()
        filters = filters or {}
        if not may_ask(filters, LEAD_FILTERS, page, size):
            raise ValidationError(self.env._("The leads cannot be listed like that."))
        leads = self._manychat_as_sync(company).with_context(active_test=False)
        domain = [*leads._manychat_domain(filters), ("manychat_company_id", "=", company.id)]
        found = leads.search(domain, limit=size, offset=(page - 1) * size, order="id desc")
        return {
            "total": leads.search_count(domain),
            "leads": [lead._manychat_shown() for lead in found],
        }

    @api.model
    def manychat_check(self, event):
        """Say what ``manychat_sync`` would do with one event now, and store nothing.

        :param dict event: as ``manychat_sync`` takes it.
        :return: ``{event_id, status, message, lead_id, stage, next_stage, next_state, rule,
            action, lost}``: ``stage`` is where the lead stands, ``next_stage`` and ``next_state``
            what it would stand in; ``rule`` and ``action`` say which rule of the mapping fits the
            event's own state (``None``: no state, or none fits).
        :raise AccessError: the caller is not the bridge.
        """
        return self._manychat_as_sync(self._manychat_check_bridge())._manychat_foretell(event)

    def _manychat_foretell(self, raw):
        try:
            event = read_event(raw)
        except Refused as refusal:
            return {
                "event_id": given_event_id(raw),
                "status": REJECTED,
                "message": str(refusal),
            }
        answers = []
        with suppress(_Undone), self.env.cr.savepoint():
            answers.append(self._manychat_foretell_read(event))
            raise _Undone
        return answers[0]

    def _manychat_foretell_read(self, event):
        settings = self.env["res.config.settings"]._manychat_settings()
        contact = self._manychat_known_or_found([event], {}, settings)[event.manychat_id]
        outcome = contact.apply(event)
        return {
            "event_id": event.event_id,
            "status": outcome.status,
            "message": "; ".join(event.notes),
            **self._manychat_next_place(contact),
            **self._manychat_rule_of(event, contact.ground),
        }

    def _manychat_next_place(self, contact):
        """Return where the lead stands, and where the fold would bring it."""
        lead, picture = self.browse(contact.lead_id or []), contact.picture()
        # Compared with the fold, as the sync does: a rule changed since moves nobody by surprise.
        stays = lead and picture.stage_id == contact.loaded.stage_id
        stage = lead.stage_id if stays else lead.stage_id.browse(picture.stage_id or [])
        return {
            "lead_id": lead.id or None,
            "stage": lead.stage_id.name or None,
            "next_stage": stage.name or None,
            "next_state": picture.state or None,
            "lost": bool(picture.lost),
        }

    def _manychat_rule_of(self, event, ground):
        """Return the rule that fits the event's own state, ``None`` where none does."""
        state = event.state or event.entries.get("initial_state")
        rule = ground.table.find(state, ground.team_id)
        if rule is None:
            return {"rule": None, "action": None}
        record = self.env["manychat.stage.mapping"].browse(rule.id)
        return {"rule": record.manychat_state, "action": rule.action}

    def _manychat_domain(self, filters):
        """Return the domain of checked filters; each is one index look-up."""
        domain = [("manychat_id", "!=", False)]
        for key, value in filters.items():
            if key == "phone":
                domain += ["|", ("phone_sanitized", "in", value), ("phone", "in", value)]
            elif key == "email":
                lowered = [text.lower() for text in value]
                domain += ["|", ("email_normalized", "in", lowered), ("email_from", "in", value)]
            elif key == "state":
                domain.append(("manychat_state_folded", "in", [fold(text) for text in value]))
            elif key == "manychat_id":
                merged = self.env["manychat.merged.contact"]._survivors(value)
                domain.append((key, "in", [*value, *merged.values()]))
            else:
                name = "id" if key == "lead_id" else key
                domain.append((name, "in" if isinstance(value, list) else "=", value))
        return domain

    def _manychat_shown(self):
        """Return what the bridge may read of this lead: no more than what ManyChat said of it,
        and where it stands."""
        return {
            "lead_id": self.id,
            "manychat_id": self.manychat_id,
            "name": self.name,
            "contact_name": self.contact_name or None,
            "phone": self.phone or None,
            "email": self.email_from or None,
            "active": self.active,
            "stage": self.stage_id.name or None,
            "team": self.team_id.name or None,
            "salesperson": self.user_id.name or None,
            "channel": self.source_id.name or None,
            "campaign": self.campaign_id.title or None,
            "state": self.manychat_state or None,
            "state_date": self._manychat_iso("manychat_state_date"),
            "unmapped": self.manychat_unmapped,
            "commercial": self.manychat_commercial_id.name or self.manychat_commercial_ref or None,
            "medical": self.manychat_medical_id.name or self.manychat_medical_ref or None,
            "summary": self.manychat_summary or None,
            "synced_at": self._manychat_iso("manychat_synced_at"),
            "dates": {
                name: self._manychat_iso(name) for name, _label in FUNNEL_DATES if self[name]
            },
        }

    def _manychat_iso(self, name):
        return iso(self[name]) if self[name] else None
