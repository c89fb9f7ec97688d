from .common import ManychatCase


class TestPeople(ManychatCase):
    """What a person did; events of 2025 are older than a test's own now."""

    def setUp(self):
        super().setUp()
        self.env["crm.team.member"].create({"user_id": self.seller.id, "crm_team_id": self.team.id})
        self.sync_one(
            "e1",
            1,
            first_name="Ana",
            phone="+51911111111",
            email="a@mail.example",
            state="Nuevo",
            commercial={"email": "seller@clinic.example"},
        )
        self.mine = self.lead().with_user(self.seller)

    def later(self, event_id, **values):
        """Sync an event that happens after whatever the test did before."""
        sent = {
            "event_id": event_id,
            "type": "contact",
            "manychat_id": "mc-1",
            "occurred_at": "2100-01-01T00:00:00Z",
            "received_at": "2100-01-01T00:00:00Z",
            "values": values,
        }
        return self.sync(sent)[0]

    def test_persons_move_is_kept_in_the_history_with_their_name(self):
        self.mine.stage_id = self.stage("quotation_started")
        row = self.lead().manychat_history_ids[0]
        self.assertEqual((row.kind, row.user_id, row.event_id), ("person", self.seller, False))
        self.assertEqual(row.stage_id, self.stage("quotation_started"))
        self.assertTrue(row.changed)

    def test_persons_move_sets_the_stage_and_never_the_state(self):
        self.mine.stage_id = self.stage("quotation_started")
        self.assertEqual(self.lead().manychat_state, "Nuevo")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_older_state_does_not_undo_a_persons_move(self):
        self.mine.stage_id = self.stage("quotation_started")
        self.sync_one("e2", 2, state="Asignado a campaña")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))
        self.assertEqual(self.lead().manychat_state, "Asignado a campaña")

    def test_newer_state_moves_on_from_a_persons_stage(self):
        self.mine.stage_id = self.stage("quotation_started")
        self.later("e2", state="Orden de venta Confirmada")
        self.assertEqual(self.lead().stage_id, self.stage("order_confirmed"))

    def test_rule_that_respects_people_leaves_their_stage(self):
        self.env.ref("miasalud_crm.mapping_order_confirmed").move_policy = "respect_manual"
        self.mine.stage_id = self.stage("quotation_started")
        self.later("e2", state="Orden de venta Confirmada")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))
        self.assertEqual(self.lead().manychat_state, "Orden de venta Confirmada")

    def test_older_events_do_not_overwrite_what_a_person_typed(self):
        other = self.seller.copy({"login": "other-seller", "email": "other@clinic.example"})
        self.mine.write(
            {
                "name": "Implant Ana",
                "contact_name": "Ana María",
                "phone": "+51999999999",
                "email_from": "typed@mail.example",
            }
        )
        self.lead().user_id = other
        self.sync_one(
            "e2",
            2,
            first_name="Anita",
            last_name="X",
            phone="+51900000000",
            email="old@mail.example",
            commercial={"email": "seller@clinic.example"},
        )
        lead = self.lead()
        self.assertEqual(
            (lead.name, lead.contact_name, lead.phone, lead.email_from, lead.user_id),
            ("Implant Ana", "Ana María", "+51999999999", "typed@mail.example", other),
        )
        self.assertEqual(lead.manychat_commercial_id, self.seller)

    def test_newer_event_overwrites_no_field_that_a_person_typed(self):
        other = self.seller.copy({"login": "other-seller", "email": "other@clinic.example"})
        typed = {
            "name": "Implant Ana",
            "contact_name": "Ana María",
            "phone": "+51999999999",
            "email_from": "typed@mail.example",
        }
        self.mine.write(typed)
        self.lead().with_user(self.mapper).user_id = other
        result = self.later(
            "e2",
            first_name="Anita",
            last_name="X",
            phone="+51900000000",
            email="new@mail.example",
            commercial={"email": "seller@clinic.example"},
            summary="New",
        )
        lead = self.lead()
        self.assertEqual({name: lead[name] for name in typed}, typed)
        self.assertEqual((lead.user_id, lead.manychat_commercial_id), (other, self.seller))
        self.assertEqual((lead.manychat_summary, result["status"]), ("New", "updated"))

    def test_event_that_brings_only_kept_fields_changes_nothing(self):
        self.mine.phone = "+51999999999"
        self.assertEqual(self.later("e2", phone="+51900000000")["status"], "unchanged")

    def test_field_that_nobody_typed_follows_manychat(self):
        self.mine.phone = "+51999999999"
        self.later("e2", email="new@mail.example", first_name="Anita")
        self.assertEqual(self.lead().email_from, "new@mail.example")
        self.assertEqual((self.lead().name, self.lead().contact_name), ("Anita", "Anita"))

    def typed_elsewhere(self):
        """Let the salesperson type what *Keep edited fields* is not about; return it."""
        typed = {
            "street": "Av. Sol 1",
            "street2": "Centro",
            "city": "Cusco",
            "country_id": self.env.ref("base.cl").id,
            "source_id": self.env["utm.source"].create({"name": "Fair"}).id,
            "campaign_id": self.env["utm.campaign"].create({"title": "Spring"}).id,
        }
        self.mine.write(typed)
        return self.standing(typed)

    def standing(self, names):
        lead = self.lead()
        return {name: lead[name] for name in names}

    def say_elsewhere(self, say):
        return say(
            "e2",
            channel="WhatsApp",
            campaign={"name": "Autumn"},
            address={"street": "Otra 2", "district": "Surco", "city": "Lima", "country": "Perú"},
        )

    def test_no_field_that_a_person_typed_is_overwritten_by_an_older_event(self):
        typed = self.typed_elsewhere()
        self.say_elsewhere(lambda event_id, **values: self.sync_one(event_id, 2, **values))
        self.assertEqual(self.standing(typed), typed)

    def test_other_fields_than_the_kept_ones_follow_a_newer_event(self):
        typed = self.typed_elsewhere()
        self.say_elsewhere(self.later)
        now = self.standing(typed)
        for name, value in typed.items():
            self.assertTrue(now[name] and now[name] != value, name)

    def test_typed_channel_and_place_outlive_a_merge(self):
        typed = self.typed_elsewhere()
        self.sync_one("e2", 2, "mc-2", state="Comienza Cotización")
        both = self.lead() | self.lead("mc-2")
        survivor = both.with_user(self.mapper).merge_opportunity()
        self.assertEqual(survivor.source_id.name, "Fair")
        self.assertEqual((survivor.city, survivor.country_id), (typed["city"], typed["country_id"]))

    def test_field_that_a_person_emptied_is_filled_by_a_newer_event(self):
        self.mine.write({"phone": False, "user_id": False})
        self.later("e2", phone="+51900000000", commercial={"odoo_id": self.seller.id})
        self.assertEqual((self.lead().phone, self.lead().user_id), ("+51900000000", self.seller))

    def test_newer_event_overwrites_what_a_person_typed_where_the_settings_say_so(self):
        self.set_param("edited", "newer")
        self.mine.phone = "+51999999999"
        self.later("e2", phone="+51900000000")
        self.assertEqual(self.lead().phone, "+51900000000")

    def test_typed_title_stands_while_manychat_only_mends_an_older_name(self):
        self.mine.name = "Implant Ana"
        self.sync_one("e2", 2, last_name="Pérez")
        self.assertEqual((self.lead().name, self.lead().contact_name), ("Implant Ana", "Ana Pérez"))

    def test_persons_move_counts_after_an_event_of_a_clock_that_runs_ahead(self):
        self.later("e2", state="Orden de venta Confirmada", phone="+51900000000")
        self.mine.write({"stage_id": self.stage("waiting").id, "phone": "+51999999999"})
        self.sync_one("e3", 3, state="Comienza Cotización", phone="+51911111111")
        self.assertEqual(self.lead().stage_id, self.stage("waiting"))
        self.assertEqual(self.lead().phone, "+51999999999")
        self.assertEqual(self.lead().manychat_change_ids[0].kind, "person")

    def test_writing_the_same_value_is_no_edit(self):
        self.mine.write({"phone": "+51911111111", "stage_id": self.lead().stage_id.id})
        self.sync_one("e2", 2, phone="+51900000000", state="Comienza Cotización")
        self.assertEqual(self.lead().phone, "+51900000000")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_lead_that_a_person_lost_stays_lost_and_keeps_its_states(self):
        self.mine.action_set_lost()
        self.later("e2", state="Comienza Cotización")
        self.assertFalse(self.lead().active)
        self.assertEqual(self.lead().manychat_state, "Comienza Cotización")

    def test_sale_takes_a_lead_that_a_person_lost_out_of_the_archive(self):
        self.mine.action_set_lost()
        self.later("e2", state="Venta exitosa")
        self.assertTrue(self.lead().active)
        self.assertEqual(self.lead().probability, 100)

    def test_lead_that_manychat_lost_and_a_person_restored_is_not_lost_again(self):
        reason = self.env["crm.lost.reason"].create({"name": "No answer"})
        self.Rule.create(
            {"manychat_state": "No responde", "action": "lost", "lost_reason_id": reason.id}
        )
        self.sync_one("e2", 2, state="No responde")
        self.assertEqual((self.lead().active, self.lead().lost_reason_id), (False, reason))
        self.lead().with_user(self.seller).action_unarchive()
        self.sync_one("e3", 3, phone="+51900000000", state="no responde")
        self.assertTrue(self.lead().active)

    def test_lead_made_by_hand_works_as_before(self):
        lead = self.env["crm.lead"].with_user(self.seller).create({"name": "By hand"})
        lead.write({"stage_id": self.stage("quotation_started").id, "phone": "+51911111111"})
        lead.action_set_lost()
        self.assertFalse(lead.manychat_history_ids)
        self.assertFalse(lead.sudo().manychat_values)
