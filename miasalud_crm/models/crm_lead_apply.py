from odoo import models

from ..sync.clock import iso
from ..sync.contact import Contact
from ..sync.history import Ground
from .in_parts import parts


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_apply(self, events):
        """Apply readable events of any contacts and return one result an event."""
        ledger = self.env["manychat.event"]._by_event_id([event.event_id for event in events])
        settings = self.env["res.config.settings"]._manychat_settings()
        contacts = self._manychat_known_or_found(events, ledger, settings)
        outcomes = []
        for event in events:
            row = ledger.get(event.event_id)
            foreign = row and row._is_foreign(event)
            outcomes.append(None if foreign else contacts[event.manychat_id].apply(event))
        # a contact that was merged is found under its own id and under the survivor's
        by_id = {contact.manychat_id: contact for contact in contacts.values()}
        leads, refused = self._manychat_save(by_id, settings, ledger)
        results = [
            self._manychat_result(outcome, contacts[event.manychat_id], leads)
            if outcome
            else self._manychat_reject(event._asdict(), "event_id: another contact's", False)
            for event, outcome in zip(events, outcomes, strict=True)
        ]
        for manychat_id, error in refused.items():
            places = [
                place
                for place, event in enumerate(events)
                if outcomes[place] and contacts[event.manychat_id].manychat_id == manychat_id
            ]
            apart = self._manychat_apply_apart([events[place] for place in places], error)
            for place, result in zip(places, apart, strict=True):
                results[place] = result
        return results

    def _manychat_apply_apart(self, events, error):
        """Return the results of events of one contact, whose lead all of them could not write."""
        if len(events) == 1:
            return [self._manychat_fail(events[0], error)]
        return [result for part in parts(events) for result in self._manychat_apply_or_split(part)]

    def _manychat_result(self, outcome, contact, leads):
        lead = leads.get(contact.manychat_id, self.browse())
        dates = contact.picture().dates if lead else {}
        return {
            "event_id": outcome.event.event_id,
            "status": outcome.status,
            "unmapped": outcome.unmapped,
            "retryable": False,
            "lead_id": lead.id or None,
            "stage": lead.stage_id.name or None,
            "dates": {name: iso(moment) for name, moment in sorted(dates.items())},
            "message": "; ".join(outcome.event.notes),
        }

    def _manychat_known_or_found(self, events, ledger, settings):
        """Return what ``_manychat_load`` does, after contacts found their leads, if set so."""
        found = set()
        if settings.by_reach:
            rows = self.env["manychat.event"]
            new = [e for e in events if not ledger.get(e.event_id, rows)._settles(e)]
            found = self._manychat_identify(new)
        contacts = self._manychat_load(events, ledger, settings)
        for manychat_id in found:
            contacts[manychat_id].is_newly_known = True
        return contacts

    def _manychat_load(self, events, ledger, settings):
        """Return a ``Contact`` by ManyChat id, in id order; each kind of row is read once.

        Contacts that were merged are one: the same ``Contact`` stands under each of their ids.
        """
        named = {event.manychat_id for event in events}
        survivors = self.env["manychat.merged.contact"]._survivors(named)
        own = {manychat_id: survivors.get(manychat_id, manychat_id) for manychat_id in named}
        manychat_ids = sorted(set(own.values()))
        leads = self._manychat_lock(manychat_ids)
        history = self.env["manychat.stage.history"]._by_lead(leads.values())
        known = self._manychat_known(events, ledger, leads, own)
        contacts = {}
        for manychat_id in manychat_ids:
            lead = leads.get(manychat_id, self.browse())
            states, persons = history.get(lead.id, ({}, []))
            contacts[manychat_id] = Contact(
                manychat_id,
                self._manychat_ground(lead, settings, states),
                lead_id=lead.id or None,
                entries=lead.manychat_values,
                states=states,
                persons=persons,
                ledger=known[manychat_id],
                keep_edited=settings.keep_edited,
            )
        return {manychat_id: contacts[own[manychat_id]] for manychat_id in sorted(own)}

    def _manychat_lock(self, manychat_ids):
        """Return the company's leads by ManyChat id, archived included, locked in id order.

        Every touched lead is also written, so that of two callers with one contact the second
        starts anew and folds what the first added.
        """
        self.flush_model(["manychat_id", "manychat_company_id"])
        self.env.cr.execute(
            """SELECT id FROM crm_lead
                WHERE manychat_company_id = %s AND manychat_id = ANY(%s)
                ORDER BY manychat_id FOR NO KEY UPDATE""",
            (self.env.company.id, manychat_ids),
        )
        leads = self.browse(row[0] for row in self.env.cr.fetchall())
        return {lead.manychat_id: lead for lead in leads}

    def _manychat_known(self, events, ledger, leads, own):
        """Return what the ledger knows, by the ManyChat id of the lead (``own`` of an event's).

        The whole past of a contact is needed only where one of its events comes again.
        """
        known = {manychat_id: {} for manychat_id in own.values()}
        again = [e for e in events if e.event_id in ledger]
        past = leads and self.env["manychat.event"]._of_leads(
            [leads[own[e.manychat_id]].id for e in again if own[e.manychat_id] in leads]
        )
        for row in past or ():
            known[row.lead_id.manychat_id][row.event_id] = row._as_known()
        for event in again:
            known[own[event.manychat_id]][event.event_id] = ledger[event.event_id]._as_known()
        return known

    def _manychat_ground(self, lead, settings, states):
        """Return the fold's ground for a lead (or one to be made) under these settings.

        Of a lead without ``states`` it is the initial one that may wait for a rule.
        """
        waits = lead.manychat_unmapped and not states
        unmapped = settings.fallback_stage_id if settings.unmapped == "fallback" else None
        return Ground(
            table=self.env["manychat.stage.mapping"]._rule_table(self.env.company.id),
            team_id=(lead.team_id or settings.team).id or None,
            fallback_stage_id=settings.fallback_stage_id,
            unmapped_stage_id=unmapped,
            initial_waiting=lead.manychat_state_folded if waits else None,
        )
