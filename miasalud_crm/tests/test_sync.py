from odoo.exceptions import AccessError, ValidationError

from .common import ManychatCase, at, event


class TestSync(ManychatCase):
    def test_contact_becomes_an_opportunity_in_the_stage_of_its_state(self):
        result = self.sync_one("e1", 1, first_name="Ana", last_name="Pérez", state="NUEVO  lead")
        lead = self.lead()
        self.assertEqual(result["status"], "created")
        self.assertEqual(result["lead_id"], lead.id)
        self.assertEqual(result["stage"], "Recién Suscrito (Sin Asignar)")
        self.assertEqual((lead.name, lead.type), ("Ana Pérez", "opportunity"))
        self.assertEqual(lead.team_id, self.team)
        self.assertEqual(lead.stage_id, self.stage("subscribed"))
        self.assertEqual(lead.manychat_company_id, self.bridge.company_id)

    def test_result_has_exactly_the_keys_of_the_contract(self):
        result = self.sync_one("e1", 1)
        self.assertEqual(
            list(result),
            ["event_id", "status", "unmapped", "retryable", "lead_id", "stage", "dates", "message"],
        )

    def test_results_come_in_the_order_given_whatever_happens_to_each(self):
        results = self.sync(
            event("z", 1, "mc-9", state="Nuevo"),
            {"event_id": "bad"},
            event("a", 1, "mc-1"),
            5,
        )
        self.assertEqual([r["event_id"] for r in results], ["z", "bad", "a", None])
        self.assertEqual(
            [r["status"] for r in results], ["created", "rejected", "created", "rejected"]
        )

    def test_every_shipped_state_takes_a_lead_to_its_stage(self):
        names = self.Rule.search([("action", "=", "stage")]).mapped("manychat_state")
        results = self.sync(
            *(event(f"e{n}", n, f"mc-{n}", state=name) for n, name in enumerate(names))
        )
        for number, (name, result) in enumerate(zip(names, results, strict=True)):
            rule = self.Rule.search([("manychat_state", "=", name)])
            self.assertEqual(self.lead(f"mc-{number}").stage_id, rule.stage_id, name)
            self.assertFalse(result["unmapped"])

    def test_lead_walks_the_whole_funnel_with_history_and_dates(self):
        states = [
            "Nuevo",
            "Asignado a campaña",
            "Comienza Atención Comercial",
            "Comienza Cotización",
            "Orden de venta Confirmada",
            "Venta exitosa",
        ]
        for minute, state in enumerate(states):
            result = self.sync_one(f"e{minute}", minute, state=state)
        lead = self.lead()
        self.assertEqual([state for state, _stage in self.shown(lead)], states)
        self.assertEqual(lead.stage_id, self.stage("sale_won"))
        self.assertEqual(lead.probability, 100)
        self.assertEqual(result["dates"]["successful_sale_date"], at(5))
        self.assertEqual(len(result["dates"]), 5)
        self.assertEqual(lead.quotation_start_date.minute, 3)

    def test_same_event_again_changes_nothing_and_is_unchanged(self):
        first = self.sync_one("e1", 1, state="Comienza Cotización", first_name="Ana")
        before = self.lead().read()[0]
        again = self.sync_one("e1", 1, state="Comienza Cotización", first_name="Ana")
        self.assertEqual(again, {**first, "status": "unchanged"})
        self.assertEqual(self.lead().read()[0], before)

    def test_same_event_twice_in_one_call_is_applied_once(self):
        results = self.sync(event("e1", 1, state="Nuevo"), event("e1", 1, state="Nuevo"))
        self.assertEqual([r["status"] for r in results], ["created", "unchanged"])
        self.assertEqual(len(self.lead().manychat_history_ids), 1)

    def test_double_post_with_an_id_of_its_own_shows_nothing_new(self):
        self.sync_one("e1", 1, state="Nuevo", first_name="Ana")
        result = self.sync_one("e2", 2, state="nuevo", first_name="Ana")
        self.assertEqual(result["status"], "unchanged")
        self.assertEqual(len(self.lead().manychat_history_ids), 2)
        self.assertEqual(len(self.lead().manychat_change_ids), 1)
        self.assertEqual(self.lead().manychat_state_date.minute, 1)

    def test_older_event_is_stale_and_overwrites_nothing(self):
        self.sync_one("e2", 5, state="Comienza Cotización", phone="+51911111111")
        result = self.sync_one("e1", 1, phone="+51922222222")
        self.assertEqual(result["status"], "stale")
        self.assertEqual(self.lead().phone, "+51911111111")

    def test_older_event_fills_what_newer_ones_did_not_write(self):
        self.sync_one("e2", 5, phone="+51911111111")
        result = self.sync_one("e1", 1, phone="+51922222222", email="ana@mail.example")
        self.assertEqual(result["status"], "updated")
        self.assertEqual(
            (self.lead().phone, self.lead().email_from), ("+51911111111", "ana@mail.example")
        )

    def test_clear_is_a_write_with_a_clock(self):
        self.sync_one("e2", 5, email=False)
        self.sync_one("e1", 1, email="ana@mail.example")
        self.assertFalse(self.lead().email_from)

    def test_late_state_joins_the_history_and_moves_nothing(self):
        self.sync_one("e2", 5, state="Comienza Cotización")
        result = self.sync_one("e1", 1, state="Asignado a campaña")
        lead = self.lead()
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))
        self.assertEqual(
            [state for state, _ in self.shown(lead)], ["Asignado a campaña", "Comienza Cotización"]
        )
        self.assertEqual(result["dates"]["commercial_assignment_date"], at(1))
        self.assertEqual(result["status"], "updated")

    def test_unmapped_state_is_no_error_and_never_lost(self):
        self.sync_one("e1", 1, state="Comienza Cotización")
        result = self.sync_one("e2", 2, state="Pidió hablar con su tía")
        lead = self.lead()
        self.assertEqual((result["status"], result["unmapped"]), ("updated", True))
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))
        self.assertEqual(lead.manychat_state, "Pidió hablar con su tía")
        self.assertTrue(lead.manychat_unmapped)
        self.sync_one("e3", 3, state="Venta exitosa")
        self.assertFalse(self.lead().manychat_unmapped)

    def test_contact_with_an_unmapped_state_starts_in_the_fallback_stage(self):
        result = self.sync_one("e1", 1, state="Nunca visto")
        self.assertEqual((result["status"], result["unmapped"]), ("created", True))
        self.assertEqual(self.lead().stage_id, self.stage("subscribed"))

    def test_initial_state_places_a_lead_until_a_state_is_known(self):
        self.sync_one("e1", 5, initial_state="Comienza Cotización")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))
        self.assertEqual(self.lead().manychat_state, "Comienza Cotización")
        self.sync_one("e2", 1, state="Asignado a campaña")
        self.assertEqual(self.lead().stage_id, self.stage("waiting"))
        self.assertEqual(self.lead().manychat_initial_state, "Comienza Cotización")
        self.assertFalse(self.lead().quotation_start_date)

    def test_assignment_before_its_contact_makes_a_lead_that_the_contact_fills(self):
        self.sync_one("e2", 5, state="Asignado a campaña", summary="Pide cita")
        self.assertEqual(self.lead().name, "ManyChat mc-1")
        result = self.sync_one("e1", 1, first_name="Ana", state="Nuevo")
        lead = self.lead()
        self.assertEqual((result["status"], lead.name), ("updated", "Ana"))
        self.assertEqual(lead.stage_id, self.stage("waiting"))
        self.assertEqual(lead.manychat_summary, "Pide cita")

    def test_higher_revision_replaces_its_own_row_and_recomputes(self):
        self.sync_one("e1", 1, state="Nuevo", phone="+51911111111", email="a@mail.example")
        self.sync_one("e2", 5, state="Orden de venta Confirmada")
        result = self.sync_one(
            "e2", 5, state="Comienza Cotización", phone="+51922222222", _revision=1
        )
        lead = self.lead()
        self.assertEqual(result["status"], "updated")
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))
        self.assertEqual(list(result["dates"]), ["quotation_start_date"])
        self.assertEqual(len(lead.manychat_history_ids), 2)
        self.assertFalse(lead.sale_order_date)
        self.assertEqual((lead.phone, lead.email_from), ("+51922222222", "a@mail.example"))

    def test_lower_and_equal_revisions_are_unchanged(self):
        self.sync_one("e1", 1, state="Comienza Cotización", _revision=2)
        for revision in (0, 1, 2):
            result = self.sync_one("e1", 1, state="Venta exitosa", _revision=revision)
            self.assertEqual(result["status"], "unchanged")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_mended_event_keeps_a_value_that_the_mended_one_lacks(self):
        self.sync_one("e1", 1, phone="+51911111111", email="a@mail.example")
        self.sync_one("e1", 1, phone="+51922222222", _revision=1)
        self.assertEqual(
            (self.lead().phone, self.lead().email_from), ("+51922222222", "a@mail.example")
        )

    def test_event_mended_to_an_earlier_time_lets_the_older_writer_back_in(self):
        self.sync_one("b", 10, phone="+51911111111")
        self.sync_one("a", 20, phone="+51922222222")
        self.sync_one("a", 5, phone="+51922222222", _revision=1)
        self.assertEqual(self.lead().phone, "+51911111111")

    def test_archived_lead_is_found_and_not_doubled(self):
        self.sync_one("e1", 1, state="Nuevo")
        self.lead().action_archive()
        result = self.sync_one("e2", 2, state="Comienza Cotización")
        self.assertEqual(result["status"], "updated")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_lead_that_was_deleted_is_made_anew_by_the_next_event_only(self):
        self.sync_one("e1", 1, state="Nuevo")
        self.lead().unlink()
        self.assertEqual(self.sync_one("e1", 1, state="Nuevo")["lead_id"], None)
        self.assertEqual(self.sync_one("e2", 2, state="Nuevo")["status"], "created")

    def test_two_companies_keep_the_same_manychat_id_apart(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.sync_one("e1", 1, state="Nuevo")
        self.bridge.write({"company_ids": [(4, other.id)], "company_id": other.id})
        self.assertEqual(self.sync_one("e2", 2, state="Nuevo")["status"], "created")
        leads = self.env["crm.lead"].search([("manychat_id", "=", "mc-1")])
        self.assertEqual(len(leads), 2)
        self.assertEqual(len(leads.manychat_company_id), 2)

    def test_context_cannot_name_a_company_that_is_not_the_callers(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        leads = self.env["crm.lead"].with_user(self.bridge)
        with self.assertRaises(AccessError):
            leads.with_context(allowed_company_ids=other.ids).manychat_sync([event("e1", 1)])

    def test_context_of_the_caller_sets_no_defaults(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        leads.with_context(default_color=7, default_user_id=1).manychat_sync([event("e1", 1)])
        self.assertEqual((self.lead().color, self.lead().user_id.id), (0, False))

    def test_list_that_is_none_or_too_long_is_refused_as_a_whole(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        for wrong in (None, {}, "events", [event("e1")] * 501):
            with self.assertRaises(ValidationError):
                leads.manychat_sync(wrong)
        self.assertEqual(leads.manychat_sync([]), [])

    def test_five_hundred_events_of_many_contacts_are_taken_in_one_call(self):
        states = ("Nuevo", "Comienza Cotización", "Orden de venta Confirmada", "Venta exitosa")
        events = [
            event(f"e{n}", n, f"mc-{n % 125}", first_name=f"Ana {n % 125}", state=states[n // 125])
            for n in range(500)
        ]
        results = self.sync(*events)
        self.assertEqual([r["event_id"] for r in results], [e["event_id"] for e in events])
        self.assertEqual({r["status"] for r in results[:125]}, {"created"})
        self.assertEqual({r["status"] for r in results[125:]}, {"updated"})
        self.assertEqual({r["stage"] for r in results}, {"Venta exitosa"})
        self.assertEqual(len(self.lead("mc-124").manychat_history_ids), 4)

    def test_health_says_version_series_and_mappings(self):
        health = self.env["crm.lead"].with_user(self.bridge).manychat_health()
        self.assertEqual(health["version"], "1.0.0")
        self.assertIn(health["series"], ("18.0", "19.0"))
        self.assertEqual(health["mappings"], self.Rule.search_count([]))
