import re

from markupsafe import Markup
from odoo import fields, models
from odoo.models import MAGIC_COLUMNS

from .insert_like import insert_like

TRACKED_ATTRIBUTES = ("string", "type", "selection", "currency_field")


class CrmLead(models.Model):
    """The sync leaves its trace in the chatter and writes to nobody.

    Odoo's own tracking, a message and several queries a lead, would take most of the sync's time.
    The sync's context turns it off; what it would have said is written here, in one go.
    """

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_before(self):
        """Return ``lead -> tracked values``, to be compared after the writes."""
        names = self._track_get_fields()
        return {lead: {name: lead[name] for name in names} for lead in self}

    def _manychat_trace(self, before, texts):
        """Leave one note on each lead that has a text or whose tracked values changed.

        :param dict before: what ``_manychat_before`` returned; new leads are not in it
        :param dict texts: lead -> plain text, "" where the changes say all
        """
        if self.env.context.get("mail_notrack"):
            return
        # as Odoo does: what is computed from the changes has changed by then
        self.flush_recordset()
        tracked = self.fields_get(self._track_get_fields(), attributes=TRACKED_ATTRIBUTES)
        details = self.env._("ManyChat: contact details")
        notes = []
        for lead in self:
            _names, commands = lead._mail_track(tracked, before.get(lead, {}))
            text = texts.get(lead)
            if text or commands:
                notes.append((lead, text or details, [command[2] for command in commands]))
        self._manychat_log(notes)

    def _manychat_log(self, notes):
        """Log ``notes``, ``(lead, text, tracking values)``: the first by Odoo, the rest alike."""
        if not notes:
            return
        lead, text, _values = notes[0]
        message = lead.sudo()._message_log(body=text)
        bodies = [
            {"res_id": lead.id, "body": Markup("<p>%s</p>") % text}
            for lead, text, _values in notes[1:]
        ]
        message_ids = [message.id, *insert_like(message, bodies)]
        self.invalidate_recordset(["message_ids"])
        self._manychat_log_values(
            [
                {**values, "mail_message_id": message_id}
                for message_id, (_lead, _text, changes) in zip(message_ids, notes, strict=True)
                for values in changes
            ]
        )

    def _manychat_log_values(self, rows):
        if not rows:
            return
        first = self.env["mail.tracking.value"].sudo().create(rows[0])
        stored = {
            name: field
            for name, field in first._fields.items()
            if field.column_type and field.store and name not in MAGIC_COLUMNS
        }
        blank = dict.fromkeys(stored)
        insert_like(
            first,
            [
                {**blank, **{k: stored[k].convert_to_column(v, first) for k, v in row.items()}}
                for row in rows[1:]
            ],
        )
        first.mail_message_id.browse(row["mail_message_id"] for row in rows).invalidate_recordset(
            ["tracking_value_ids"]
        )

    def _manychat_texts(self, pairs):
        """Return ``lead -> text`` of what a batch brought, for ``(contact, lead)`` pairs."""
        return {lead: lead._manychat_text(contact) for contact, lead in pairs}

    def _manychat_text(self, contact):
        """Return the note of what this batch told of ``contact``, "" for no new state."""
        if back := self._manychat_returned(contact):
            return self.env._("ManyChat: the client is back (%s)", back)
        news = [
            row
            for (event_id, row), step in zip(contact.rows(), contact.picture().steps, strict=True)
            if step.changed and event_id in contact.applied
        ]
        if news:
            return self._manychat_said(news[-1].state, news[-1].occurred_at)
        return "" if contact.lead_id else self._manychat_place_text(contact)

    def _manychat_place_text(self, contact):
        """Return the note of where ``contact`` stands."""
        picture = contact.picture()
        return self._manychat_said(picture.state, picture.state_date)

    def _manychat_said(self, state, moment):
        """Return state and time as a salesperson reads them, in the company's zone."""
        if not state:
            return self.env._("ManyChat: new contact")
        company = self.env.company
        zone = company.partner_id.tz or company.resource_calendar_id.tz or "UTC"
        local = fields.Datetime.context_timestamp(self.with_context(tz=zone), moment)
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        day = re.sub(r"[^%\w]*%[Yy][^%\w]*", "", lang.date_format)
        return self.env._(
            "ManyChat: %(state)s, %(time)s", state=state, time=local.strftime(f"{day} %H:%M")
        )
