from odoo.exceptions import ValidationError
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from .common import ManychatCase


class TestMapping(ManychatCase):
    def rule(self, state, **vals):
        return self.Rule.with_user(self.mapper).create(
            {"manychat_state": state, "stage_id": self.stage("quotation_started").id, **vals}
        )

    def test_rules_are_tried_in_the_order_that_the_manager_sees(self):
        self.rule("cita", match="contains", sequence=3)
        self.rule("cita", match="starts", stage_id=self.stage("waiting").id, sequence=2)
        self.sync_one("e1", 1, "mc-1", state="Cita para el lunes")
        self.sync_one("e2", 1, "mc-2", state="Quiere cita")
        self.assertEqual(self.lead("mc-1").stage_id, self.stage("waiting"))
        self.assertEqual(self.lead("mc-2").stage_id, self.stage("quotation_started"))

    def test_new_changed_archived_and_deleted_rules_count_from_the_next_event_on(self):
        def unmapped(event_id):
            return self.sync_one(event_id, 1, event_id, state="Pidió precio")["unmapped"]

        self.assertTrue(unmapped("e1"))
        rule = self.rule("pidio precio")
        self.assertFalse(unmapped("e2"))
        rule.manychat_state = "otra cosa"
        self.assertTrue(unmapped("e3"))
        rule.manychat_state = "pidió PRECIO"
        self.assertFalse(unmapped("e4"))
        rule.active = False
        self.assertTrue(unmapped("e5"))
        rule.active = True
        rule.unlink()
        self.assertTrue(unmapped("e6"))

    def test_table_is_read_once_and_forgotten_when_a_stage_changes(self):
        company = self.env.company.id
        table = self.Rule._rule_table(company)
        self.assertIs(self.Rule._rule_table(company), table)
        self.stage("waiting").sequence = 500
        self.assertEqual(
            self.Rule._rule_table(company).stages[self.stage("waiting").id].order[0], 500
        )

    def test_table_is_forgotten_when_a_team_changes(self):
        table = self.Rule._rule_table(self.env.company.id)
        self.team.active = False
        self.assertIsNot(self.Rule._rule_table(self.env.company.id), table)

    def test_rule_of_another_company_does_not_count(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.Rule.create(
            {
                "manychat_state": "Pidió precio",
                "action": "ignore",
                "company_id": other.id,
            }
        )
        self.assertTrue(self.sync_one("e1", 1, state="Pidió precio")["unmapped"])

    def test_rule_of_another_team_does_not_count(self):
        other = self.env["crm.team"].create({"name": "Other"})
        rule = self.rule("Pidió precio", team_id=other.id)
        self.assertTrue(self.sync_one("e1", 1, "mc-1", state="Pidió precio")["unmapped"])
        rule.team_id = self.team
        self.assertFalse(self.sync_one("e2", 1, "mc-2", state="Pidió precio")["unmapped"])

    def test_forward_rule_never_takes_a_lead_back(self):
        self.env.ref("miasalud_crm.mapping_waiting").move_policy = "forward"
        self.sync_one("e1", 1, state="Comienza Cotización")
        self.sync_one("e2", 2, state="Recién suscrito Pendiente de AC")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_changed_rule_moves_no_lead_by_surprise(self):
        self.sync_one("e1", 1, state="Comienza Cotización")
        self.env.ref("miasalud_crm.mapping_quotation_started").stage_id = self.stage("waiting")
        self.sync_one("e2", 2, phone="+51911111111")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_closed_conversation_leaves_the_stage_and_fills_its_date(self):
        self.sync_one("e1", 1, state="Comienza Cotización")
        result = self.sync_one("e2", 2, state="Conversación cerrada")
        lead = self.lead()
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))
        self.assertEqual(lead.conversation_closed_date.minute, 2)
        self.assertEqual((result["unmapped"], lead.manychat_unmapped), (False, False))

    def test_unmapped_state_moves_to_the_fallback_where_the_settings_say_so(self):
        self.set_param("unmapped", "fallback")
        self.sync_one("e1", 1, state="Comienza Cotización")
        self.sync_one("e2", 2, state="Nunca visto")
        self.assertEqual(self.lead().stage_id, self.stage("subscribed"))
        self.assertTrue(self.lead().manychat_unmapped)

    def test_lost_rule_loses_with_its_reason_and_a_mended_event_takes_it_back(self):
        reason = self.env["crm.lost.reason"].create({"name": "No answer"})
        self.rule("No responde", action="lost", stage_id=False, lost_reason_id=reason.id)
        self.sync_one("e1", 1, state="Comienza Cotización")
        self.sync_one("e2", 2, state="No responde")
        lead = self.lead()
        self.assertEqual((lead.active, lead.probability, lead.lost_reason_id), (False, 0, reason))
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))
        self.sync_one("e2", 2, state="Orden de venta Confirmada", _revision=1)
        lead = self.lead()
        self.assertEqual((lead.active, lead.lost_reason_id.id), (True, False))
        self.assertEqual(lead.stage_id, self.stage("order_confirmed"))

    def test_contact_may_arrive_lost(self):
        self.rule("No responde", action="lost", stage_id=False)
        self.assertEqual(self.sync_one("e1", 1, state="No responde")["status"], "created")
        self.assertFalse(self.lead().active)

    def test_lost_rule_leaves_a_sale_alone(self):
        self.rule("No responde", action="lost", stage_id=False)
        self.sync_one("e1", 1, state="Venta exitosa")
        self.assertEqual(self.sync_one("e2", 2, state="No responde")["status"], "updated")
        self.assertEqual((self.lead().active, self.lead().probability), (True, 100))

    def test_state_without_letters_and_move_without_stage_are_refused(self):
        for vals in ({"manychat_state": "¿…?"}, {"manychat_state": "x", "stage_id": False}):
            with self.assertRaises(ValidationError):
                self.rule(vals.pop("manychat_state"), **vals)

    @mute_logger("odoo.sql_db")
    def test_stage_of_a_rule_cannot_be_deleted_under_it(self):
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.stage("returned_commercial").unlink()
