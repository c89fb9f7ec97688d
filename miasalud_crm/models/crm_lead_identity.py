from odoo import models
from odoo.tools import email_normalize


class CrmLead(models.Model):
    """A contact without a lead may adopt one that a person made: by phone or e-mail, if set so."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_identify(self, events):
        """Give the contacts of ``events`` that have no lead the ones that people made for them.

        A lead that the sync made before it heard of phone and e-mail, and that nobody touched,
        counts as none: so the contact ends in the same lead whatever came first.

        :return: the ManyChat ids of those that got one
        """
        reach = self._manychat_reach(events)
        stubs = self._manychat_unreached(reach) if reach else {}
        if not stubs:
            return set()
        # Known contacts first, in the sync's own order: two callers never wait in a ring.
        self._manychat_lock(sorted({event.manychat_id for event in events}))
        rows = self._manychat_candidates(set().union(*(reach[key] for key in stubs)))
        taken = set()
        for manychat_id, stub_id in sorted(stubs.items()):
            leads = self.browse(
                lead_id for lead_id, names in rows.items() if names & reach[manychat_id]
            )
            if not leads:
                continue
            lead = leads.sorted(lambda each: (each._manychat_in_play(), each.id))[-1]
            # No other contact of this batch gets it too.
            del rows[lead.id]
            lead._manychat_take_in(manychat_id, self.browse(stub_id or []))
            lead._manychat_note_candidates(leads - lead)
            taken.add(manychat_id)
        return taken

    def _manychat_reach(self, events):
        """Return ``ManyChat id -> {("phone", E.164), ("email", normalised)}`` as ``events`` say."""
        reach = {}
        for event in events:
            found = {
                ("phone", self._manychat_phone(event.entries.get("phone"))),
                ("email", email_normalize(event.entries.get("email") or "") or None),
            }
            if found := {name for name in found if name[1]}:
                reach.setdefault(event.manychat_id, set()).update(found)
        return reach

    def _manychat_phone(self, number):
        """Return a phone as Odoo formats it for this company, as it is where Odoo cannot."""
        if not number:
            return number
        return self._phone_format(number=number, country=self.env.company.country_id) or number

    def _manychat_unreached(self, manychat_ids):
        """Return ``ManyChat id -> lead id or None`` of those whose lead is missing or a stub."""
        self.flush_model()
        self.env["manychat.stage.history"].flush_model(["lead_id", "kind"])
        self.env.cr.execute(
            """SELECT manychat_id, id,
                      phone_sanitized IS NULL AND email_normalized IS NULL
                      AND NOT EXISTS (SELECT FROM manychat_stage_history h
                                       WHERE h.lead_id = crm_lead.id AND h.kind = 'person')
                      AND COALESCE(manychat_values, '{}')::text NOT LIKE '%%|person:%%'
                 FROM crm_lead WHERE manychat_company_id = %s AND manychat_id = ANY(%s)""",
            (self.env.company.id, list(manychat_ids)),
        )
        known = {row[0]: row[1:] for row in self.env.cr.fetchall()}
        known.update(dict.fromkeys(self._manychat_merged(manychat_ids), (None, False)))
        unreached = {}
        for manychat_id in manychat_ids:
            lead_id, is_stub = known.get(manychat_id, (None, True))
            if is_stub:
                unreached[manychat_id] = lead_id
        return unreached

    def _manychat_merged(self, manychat_ids):
        return self.env["manychat.merged.contact"]._survivors(manychat_ids)

    def _manychat_candidates(self, names):
        """Return ``lead id -> names`` of leads without a contact, locked: nobody else adopts them.

        A lead is found by its own phone and e-mail, or by its partner's; archived and lost ones
        too, another company's not. A partner who is another contact's leads nowhere.
        """
        self.env["res.partner"].flush_model(["phone_sanitized", "email_normalized"])
        self.env.cr.execute(
            """WITH partner AS (
                 SELECT id, phone_sanitized, email_normalized FROM res_partner
                  WHERE (phone_sanitized = ANY(%(phones)s) OR email_normalized = ANY(%(emails)s))
                    AND NOT EXISTS (SELECT FROM crm_lead l WHERE l.partner_id = res_partner.id
                                                            AND l.manychat_id IS NOT NULL)),
               named AS (
                 SELECT id FROM crm_lead WHERE phone_sanitized = ANY(%(phones)s)
                  UNION SELECT id FROM crm_lead WHERE email_normalized = ANY(%(emails)s)
                  UNION SELECT id FROM crm_lead
                         WHERE partner_id IN (SELECT id FROM partner))
               SELECT lead.id, lead.phone_sanitized, lead.email_normalized,
                      partner.phone_sanitized, partner.email_normalized
                 FROM crm_lead lead LEFT JOIN partner ON partner.id = lead.partner_id
                WHERE lead.id IN (SELECT id FROM named) AND lead.manychat_id IS NULL
                  AND (lead.company_id = %(company)s OR lead.company_id IS NULL)
                ORDER BY lead.id FOR NO KEY UPDATE OF lead""",
            {
                "phones": [text for kind, text in names if kind == "phone"],
                "emails": [text for kind, text in names if kind == "email"],
                "company": self.env.company.id,
            },
        )
        kinds = ("phone", "email", "phone", "email")
        return {
            lead_id: set(zip(kinds, texts, strict=True))
            for lead_id, *texts in self.env.cr.fetchall()
        }

    def _manychat_in_play(self):
        return self.active and not self.stage_id.is_won

    def _manychat_take_in(self, manychat_id, stub):
        """Become the lead of a contact; its ``stub``, if there is one, goes into this lead."""
        stub.manychat_id = False
        stub.flush_recordset(["manychat_id"])
        if self.type != "opportunity":
            # Of the type Odoo computes the team anew, and of the team company and stage.
            names = ("team_id", "company_id", "stage_id")
            kept = {name: self[name].id for name in names}
            self.write({"type": "opportunity", **kept})
        self._manychat_adopt({self.id: manychat_id})
        if stub:
            self._manychat_take_past(stub)

    def _manychat_take_past(self, stub):
        """Take in what a stub heard, as if it had been said of this lead from the start."""
        settings = self.env["res.config.settings"]._manychat_settings()
        entries = self._manychat_joined(stub, settings.keep_edited)
        self._merge_dependences(stub)
        for model in ("manychat.stage.history", "manychat.event", "manychat.merged.contact"):
            self.env[model].search([("lead_id", "=", stub.id)]).lead_id = self
        stub.unlink()
        before = self._manychat_before()
        contact, lookups = self._manychat_rewrite(entries, settings)
        if "commercial" in entries:
            self.write(self._manychat_salesperson(contact, lookups, self.team_id))
        self._manychat_move([(self, contact.picture())])
        self._manychat_trace(before, {self: self._manychat_place_text(contact)})

    def _manychat_note_candidates(self, others):
        """Say on each lead of the same phone or e-mail which one the contact went to."""
        if not others:
            return
        links = ", ".join(other.display_name for other in others)
        self._message_log(
            body=self.env._("ManyChat: other leads have the same phone or e-mail: %s", links)
        )
        text = self.env._(
            "ManyChat: a contact with this phone or e-mail went to the lead %s", self.display_name
        )
        for other in others:
            other._message_log(body=text)
