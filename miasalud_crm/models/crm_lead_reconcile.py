from odoo import api, models
from odoo.exceptions import ValidationError

from ..const import MAX_EVENTS, MAX_INDEXED
from ..sync.clock import naive, parse_iso


class CrmLead(models.Model):
    """What the bridge compares with its mirror, and the one thing that it mends here."""

    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_standing(self, manychat_ids, cursor=None):
        """Tell how the leads of these contacts stand, each value with the clock of its writer.

        :param list manychat_ids: at most 500 texts; those without a lead are left out.
        :param str cursor: how far the caller has read the change feed.
        :return: ``{leads, unread, twins, keeps_edited, erased}``. A lead has the keys of
            ``_manychat_compared``; ``unread`` lists contacts of which the feed has
            news that the caller has not read;
            ``erased`` says up to when those without a lead were erased, by ManyChat id;
            a twin is a lead beside the one that events go to, ``{manychat_id, lead_id,
            foreign}``, ``foreign`` if it is another company's; ``keeps_edited``: what a person
            typed stands against newer events.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: ids or cursor of no meaning.
        """
        company = self._manychat_check_bridge()
        ids = self._manychat_erasable(manychat_ids)
        return self._manychat_as_sync(company)._manychat_stand_of(sorted(set(ids)), cursor)

    @api.model
    def manychat_lead_ids(self, after=0, limit=2000, since=None):
        """Return at most ``limit`` pairs of lead id and ManyChat id, in the order of lead ids.

        :param int after: the last lead id of the page before.
        :param int limit: 1 to 5000.
        :param str since: ISO 8601 UTC text; only leads written from then on.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: a number or time of no meaning.
        """
        company = self._manychat_check_bridge()
        if type(after) is not int or type(limit) is not int or not 1 <= limit <= MAX_INDEXED:
            raise ValidationError(self.env._("The leads cannot be listed like that."))
        try:
            written = naive(parse_iso(since)) if since else None
        except (TypeError, ValueError):
            raise ValidationError(self.env._("An ISO 8601 time is due.")) from None
        self.flush_model(["manychat_id", "manychat_company_id", "company_id"])
        # A lead that says a ManyChat id but no company of it is nobody else's.
        self.env.cr.execute(
            """SELECT id, manychat_id FROM crm_lead
                WHERE id > %(after)s AND manychat_id IS NOT NULL
                  AND (manychat_company_id = %(company)s OR manychat_company_id IS NULL
                       AND COALESCE(company_id, %(company)s) = %(company)s)
                  AND (%(since)s::timestamp IS NULL OR write_date >= %(since)s::timestamp)
                ORDER BY id LIMIT %(limit)s""",
            {"after": after, "company": company.id, "since": written, "limit": limit},
        )
        return self.env.cr.fetchall()

    @api.model
    def manychat_states(self, manychat_ids):
        """Return every state that ManyChat reported of these contacts' leads, the oldest first.

        :param list manychat_ids: at most 500 texts.
        :return: a list of ``{manychat_id, state, category, clock}``.
        :raise AccessError: the caller is not the bridge.
        """
        company = self._manychat_check_bridge()
        leads = self._manychat_as_sync(company)._manychat_found(
            self._manychat_erasable(manychat_ids)
        )
        own = {lead.id: manychat_id for manychat_id, lead in leads.items()}
        rows = (
            self.env["manychat.stage.history"]
            .sudo()
            .search([("lead_id", "in", list(own)), ("kind", "=", "manychat")], order="clock, id")
        )
        return [
            {
                "manychat_id": own[row.lead_id.id],
                "state": row.state,
                "category": row.category or None,
                "clock": row.clock,
            }
            for row in rows
        ]

    @api.model
    def manychat_let_go(self, lead_ids):
        """Take the ManyChat id off leads that are twins; say so on both leads, change no more.

        :param list lead_ids: at most 500; what is no twin in the caller's company stays.
        :return: how many were let go.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: no list of lead ids.
        """
        company = self._manychat_check_bridge()
        whole = isinstance(lead_ids, list) and len(lead_ids) <= MAX_EVENTS
        if not whole or not all(type(number) is int for number in lead_ids):
            raise ValidationError(self.env._("A list of at most %s ids is due.", MAX_EVENTS))
        leads = self._manychat_as_sync(company).with_context(active_test=False)
        ids = leads.search([("id", "in", lead_ids)]).mapped("manychat_id")
        known = leads._manychat_found([manychat_id for manychat_id in ids if manychat_id])
        twins = [
            (known[twin["manychat_id"]], leads.browse(twin["lead_id"]))
            for twin in leads._manychat_twins(known)
            if twin["lead_id"] in lead_ids and not twin["foreign"]
        ]
        for lead, twin in twins:
            twin.write({"manychat_id": False, "manychat_company_id": False})
            lead._manychat_note_candidates(twin)
        return len(twins)

    def _manychat_stand_of(self, manychat_ids, cursor):
        leads = self._manychat_found(manychat_ids)
        found = self.browse(lead.id for lead in leads.values())
        newest = found._manychat_newest()
        partners = self.env["manychat.partner"]._of(found.mapped("manychat_id"), self.env.company)
        shared = set(self.env["manychat.merged.contact"].search([("lead_id", "in", found.ids)])
                     .mapped("lead_id").ids)  # fmt: skip
        return {
            "leads": [
                {
                    "manychat_id": manychat_id,
                    "shared": lead.id in shared,
                    **lead._manychat_compared(newest, partners.get(lead.manychat_id)),
                }
                for manychat_id, lead in leads.items()
            ],
            "unread": self._manychat_unread(manychat_ids, leads, cursor),
            "twins": self._manychat_twins(leads),
            "keeps_edited": self.env["res.config.settings"]._manychat_settings().keep_edited,
            "erased": self.env["manychat.tombstone"]._until(set(manychat_ids) - leads.keys()),
        }

    def _manychat_found(self, manychat_ids):
        """Return the leads that events of these contacts go to, by ManyChat id; read at once."""
        survivors = self.env["manychat.merged.contact"]._survivors(manychat_ids)
        wanted = [survivors.get(manychat_id, manychat_id) for manychat_id in manychat_ids]
        company = self.env.company
        leads = self.with_context(active_test=False).search(
            [("manychat_id", "in", wanted), ("manychat_company_id", "=", company.id)]
        )
        by_id = {lead.manychat_id: lead for lead in leads}
        found = {manychat_id: by_id.get(own)
                 for manychat_id, own in zip(manychat_ids, wanted, strict=True)}  # fmt: skip
        return {manychat_id: lead for manychat_id, lead in found.items() if lead}

    def _manychat_compared(self, newest, partner):
        """Return what is compared: ``values`` holds ``[value, clock]`` by key, ``state`` and
        ``person`` the newest state of ManyChat and the newest move of a person likewise.
        ``partner`` is whom the contact is, the lead's customer or not."""
        return {
            "lead_id": self.id,
            **self._manychat_standing(),
            "partner_id": partner.id if partner else None,
            "state": newest.get((self.id, "manychat")),
            "person": newest.get((self.id, "person")),
            "values": {
                key: [self._manychat_told_value(key, entry["value"]), entry["clock"]]
                for key, entry in (self.manychat_values or {}).items()
            },
        }

    def _manychat_told_value(self, key, value):
        """Return a salesperson as an advisor is told, any other value as it is."""
        if key != "salesperson" or not value:
            return value
        return (
            self.user_id._manychat_as_advisor() if self.user_id.id == value else {"odoo_id": value}
        )

    def _manychat_newest(self):
        """Return ``(lead id, kind) -> [state, clock]`` of the newest row of each kind."""
        self.env["manychat.stage.history"].flush_model()
        self.env.cr.execute(
            """SELECT DISTINCT ON (lead_id, kind) lead_id, kind, state, clock
                 FROM manychat_stage_history WHERE lead_id = ANY(%s)
                ORDER BY lead_id, kind, clock COLLATE "C" DESC""",
            (self.ids,),
        )
        return {(row[0], row[1]): list(row[2:]) for row in self.env.cr.fetchall()}

    def _manychat_unread(self, manychat_ids, leads, cursor):
        """Return the contacts that changes behind ``cursor`` are about, by id or by lead."""
        number, _gap = self.env["manychat.change.feed"]._seek(self.env.company, cursor)
        self.env["manychat.change"].flush_model()
        self.env.cr.execute(
            """SELECT DISTINCT manychat_id, lead FROM manychat_change
                WHERE company_id = %(company)s AND (number IS NULL OR number > %(number)s)
                  AND (manychat_id = ANY(%(ids)s) OR lead = ANY(%(leads)s))""",
            {
                "company": self.env.company.id,
                "number": number,
                "ids": manychat_ids,
                "leads": [lead.id for lead in leads.values()],
            },
        )
        rows = self.env.cr.fetchall()
        named, told = {row[0] for row in rows}, {row[1] for row in rows}
        return [
            manychat_id
            for manychat_id in manychat_ids
            if manychat_id in named or (manychat_id in leads and leads[manychat_id].id in told)
        ]

    def _manychat_twins(self, leads):
        """Return the leads that say one of these contacts' ids and are not where events go."""
        self.flush_model(["manychat_id", "manychat_company_id"])
        self.env.cr.execute(
            """SELECT id, manychat_id, COALESCE(manychat_company_id, company_id) FROM crm_lead
                WHERE manychat_id = ANY(%s) ORDER BY id""",
            (list(leads),),
        )
        return [
            {
                "manychat_id": manychat_id,
                "lead_id": lead_id,
                "foreign": bool(company) and company != self.env.company.id,
            }
            for lead_id, manychat_id, company in self.env.cr.fetchall()
            if leads[manychat_id].id != lead_id
        ]
