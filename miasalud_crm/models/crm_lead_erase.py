from datetime import UTC, datetime

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..const import MAX_EVENTS, MAX_ID
from ..sync.clock import iso, naive, parse_iso
from .erasing import cleared, erase_trail, received_at


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_erase(self, manychat_ids, erased_at=None):
        """Make the leads of these contacts anonymous; delete their history and events.

        What stays of a lead says nothing of the person: stage, team, source, campaign, funnel
        dates. Events that were received up to ``erased_at`` are dropped from now on, later ones
        make a new lead; a lead that only later events made stays. Pressed twice: the same.

        :param list manychat_ids: at most 500 texts; unknown ones only leave their tombstone.
        :param str erased_at: ISO 8601 UTC text, now if not given.
        :return: ``{leads, partners, partners_kept}``, how many were made anonymous, and how many
            partners were only taken off the lead because something else uses them.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: ids or time cannot be read; nothing was erased.
        """
        company = self._manychat_check_bridge()
        ids = self._manychat_erasable(manychat_ids)
        try:
            until = parse_iso(erased_at) if erased_at else datetime.now(UTC)
        except (TypeError, ValueError):
            raise ValidationError(self.env._("An ISO 8601 time is due.")) from None
        return self._manychat_as_sync(company)._manychat_erase(ids, until)

    def _manychat_erasable(self, manychat_ids):
        whole = isinstance(manychat_ids, list) and len(manychat_ids) <= MAX_EVENTS
        if not whole or not all(isinstance(i, str) and 0 < len(i) <= MAX_ID for i in manychat_ids):
            raise ValidationError(self.env._("A list of at most %s ids is due.", MAX_EVENTS))
        return manychat_ids

    def _manychat_erase(self, manychat_ids, until):
        self.env["manychat.tombstone"]._put(manychat_ids, iso(until))
        merged = self.env["manychat.merged.contact"]._survivors(manychat_ids)
        wanted = sorted({*manychat_ids, *merged.values()})
        leads = self.browse(lead.id for lead in self._manychat_lock(wanted).values())
        leads = leads.filtered(lambda lead: lead._manychat_is_from_before(until))
        rows = self.env["manychat.partner"]._erasable(wanted, until)
        linked = (leads.partner_id | rows.partner_id).with_context(active_test=False)
        rows.unlink()
        partners, kept = leads._manychat_sole_partners(linked)
        leads._manychat_delete_facts(manychat_ids, until)
        # before the rest: phone and e-mail of a lead are written through to its partner
        leads.write({"partner_id": False})
        for record in (*leads, *partners):
            record.write(cleared(record))
        leads._manychat_empty_meetings(partners)
        partners.write({"active": False})
        self.env.flush_all()
        erase_trail(leads)
        erase_trail(partners)
        return {"leads": len(leads), "partners": len(partners), "partners_kept": len(kept)}

    def _manychat_is_from_before(self, until):
        """Return whether the lead is the erased one, not that of a client who came back."""
        if self.create_date <= naive(until):
            return True
        events = self.env["manychat.event"].search([("lead_id", "=", self.id)])
        return any(received_at(event.clock) <= iso(until) for event in events)

    def _manychat_delete_facts(self, manychat_ids, until):
        """Delete history, events, and which other contacts the leads are."""
        for model in ("manychat.stage.history", "manychat.event", "manychat.merged.contact"):
            self.env[model].search([("lead_id", "in", self.ids)]).unlink()
        # rejected events have no lead, and changes outlive theirs
        named = [("manychat_id", "in", manychat_ids), ("company_id", "=", self.env.company.id)]
        for model in ("manychat.event", "manychat.change"):
            rows = self.env[model].search(named)
            rows.filtered(lambda row: received_at(row.clock) <= iso(until)).unlink()

    def _manychat_empty_meetings(self, partners):
        """Leave meetings in the calendars, without what they say of the person."""
        meetings = self.env["calendar.event"].with_context(active_test=False)
        for meeting in meetings.search([("opportunity_id", "in", self.ids)]):
            meeting.write({
                "name": self.env._("Erased contact %s", meeting.opportunity_id.id),
                "description": False,
                "location": False,
                "partner_ids": [(3, partner.id) for partner in partners],
            })  # fmt: skip
            erase_trail(meeting)

    def _manychat_sole_partners(self, partners):
        """Return those of the leads' partners that nothing else uses, and the others."""
        sole = partners.filtered(
            lambda partner: (
                not partner.user_ids and not partner.child_ids and not self._manychat_uses(partner)
            )
        )
        return sole, partners - sole

    def _manychat_uses(self, partner):
        """Return whether a row beyond these leads and their trail points at the partner."""
        wizard = self.env["base.partner.merge.automatic.wizard"]
        trail = {
            "calendar_attendee", "calendar_event_res_partner_rel", "mail_followers",
            "mail_message", "mail_message_res_partner_rel", "mail_notification", "res_partner",
        }  # fmt: skip
        for table, column in wizard._get_fk_on("res_partner"):
            if table in trail:
                continue
            beyond = SQL("AND id <> ALL(%s)", self.ids) if table == "crm_lead" else SQL()
            self.env.cr.execute(
                SQL(
                    "SELECT 1 FROM %s WHERE %s = %s %s LIMIT 1",
                    SQL.identifier(table),
                    SQL.identifier(column),
                    partner.id,
                    beyond,
                )
            )
            if self.env.cr.fetchone():
                return True
        return False
