from .common import ManychatCase


class TestReturns(ManychatCase):
    """The client of a lost or won lead comes back; a test's own now is later than 2025."""

    def setUp(self):
        super().setUp()
        self.back = self.env.ref("miasalud_crm.mapping_quotation_started")
        self.sync_one("e1", 1, state="Nuevo", commercial={"odoo_id": self.seller.id})

    def later(self, event_id, minute=0, **values):
        moment = f"2100-01-01T00:{minute:02d}:00Z"
        sent = {
            "event_id": event_id,
            "type": "contact",
            "manychat_id": "mc-1",
            "occurred_at": moment,
            "received_at": moment,
            "values": values,
        }
        return self.sync(sent)[0]

    def activities(self):
        return self.env["mail.activity"].search(
            [("res_model", "=", "crm.lead"), ("res_id", "=", self.lead().id)]
        )

    def notes(self):
        return self.lead().message_ids.filtered(lambda m: "client is back" in (m.body or ""))

    def test_lost_lead_is_left_with_a_note_and_an_activity(self):
        self.lead().with_user(self.seller).action_set_lost()
        self.later("e2", state="Comienza Cotización")
        self.assertFalse(self.lead().active)
        self.assertEqual(len(self.notes()), 1)
        self.assertEqual(self.activities().user_id, self.seller)
        self.assertIn("Comienza Cotización", self.activities().summary)

    def test_won_lead_is_left_with_a_note_and_an_activity(self):
        self.later("e2", state="Venta exitosa")
        self.later("e3", 1, state="Comienza Cotización")
        self.assertEqual(self.lead().stage_id, self.stage("sale_won"))
        self.assertEqual(self.lead().manychat_state, "Comienza Cotización")
        self.assertEqual((len(self.notes()), len(self.activities())), (1, 1))

    def test_lost_lead_is_reopened_where_the_rule_says_so(self):
        self.back.reopen_policy = "reopen"
        self.lead().with_user(self.seller).action_set_lost()
        self.later("e2", state="Comienza Cotización")
        lead = self.lead()
        self.assertEqual((lead.active, lead.stage_id), (True, self.stage("quotation_started")))
        self.assertFalse(lead.lost_reason_id or self.notes() or self.activities())

    def test_won_lead_is_reopened_where_the_rule_says_so(self):
        self.back.reopen_policy = "reopen"
        self.later("e2", state="Venta exitosa")
        self.later("e3", 1, state="Comienza Cotización")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))
        self.assertFalse(self.activities())

    def test_second_return_makes_no_second_activity_while_one_is_open(self):
        self.lead().with_user(self.seller).action_set_lost()
        self.later("e2", state="Comienza Cotización")
        self.later("e3", 1, state="Orden de venta Confirmada")
        self.assertEqual(len(self.activities()), 1)

    def test_repeated_event_and_other_values_tell_no_return(self):
        self.later("e2", state="Venta exitosa")
        self.later("e3", 1, phone="+51911111111")
        self.later("e4", 2, state="venta EXITOSA")
        self.assertFalse(self.activities())

    def test_return_that_arrives_after_a_person_restored_the_lead_is_not_told(self):
        self.lead().with_user(self.seller).action_set_lost()
        self.lead().with_user(self.seller).action_unarchive()
        self.later("e2", state="Comienza Cotización")
        self.assertFalse(self.activities())

    def test_activity_is_sent_to_nobody_by_mail(self):
        self.seller.notification_type = "email"
        self.lead().with_user(self.seller).action_set_lost()
        before = self.env["mail.mail"].search_count([])
        self.later("e2", state="Comienza Cotización")
        self.assertEqual(self.env["mail.mail"].search_count([]), before)

    def test_lead_of_nobody_gets_the_note_alone(self):
        self.lead().user_id = False
        self.lead().action_set_lost()
        self.later("e2", state="Comienza Cotización")
        self.assertEqual((len(self.notes()), len(self.activities())), (1, 0))

    def test_state_is_escaped_in_the_note(self):
        self.Rule.create(
            {"manychat_state": "vuelve", "match": "starts", "stage_id": self.back.stage_id.id}
        )
        self.later("e2", state="Venta exitosa")
        self.later("e3", 1, state="Vuelve <img src=x onerror=alert(1)>")
        bodies = "".join(self.lead().message_ids.mapped("body"))
        self.assertIn("&lt;img", bodies)
        self.assertNotIn("<img", bodies)

    def test_waiting_lead_that_is_folded_again_tells_no_return(self):
        self.later("e2", state="Venta exitosa")
        self.later("e3", 1, state="Pidió precio")
        self.Rule.create({"manychat_state": "Pidió precio", "stage_id": self.back.stage_id.id})
        self.Rule.with_user(self.mapper).action_fold_waiting()
        self.assertEqual(self.lead().stage_id, self.stage("sale_won"))
        self.assertFalse(self.activities())
