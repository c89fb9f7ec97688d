from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models import manychat_take_over
from .common import ManychatCase


class TestTakeOver(ManychatCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.head = new_test_user(
            cls.env, "head", groups="sales_team.group_sale_manager,base.group_system"
        )
        cls.old_id = cls.make_field("x_manychat_id", "char")
        cls.old_state = cls.make_field("x_estado", "char")
        cls.old_date = cls.make_field("x_desde", "datetime")

    @classmethod
    def make_field(cls, name, ttype):
        """Add a field as Studio does it."""
        return cls.env["ir.model.fields"].create(
            {
                "model_id": cls.env["ir.model"]._get_id("crm.lead"),
                "name": name,
                "field_description": name,
                "ttype": ttype,
                "state": "manual",
            }
        )

    def old(self, manychat_id, **vals):
        """Return a lead as the predecessor left it."""
        return self.env["crm.lead"].create(
            {"name": "Old", "type": "opportunity", "x_manychat_id": manychat_id, **vals}
        )

    def take_over(self, **vals):
        """Return a take-over that was counted."""
        made = (
            self.env["manychat.take.over"]
            .with_user(self.head)
            .create({"id_field_id": self.old_id.id, **vals})
        )
        made.action_count()
        return made

    def counts(self, made):
        return (made.free_count, made.known_count, made.blank_count, made.duplicate_count)

    def test_dry_run_counts_and_changes_nothing(self):
        self.sync_one("e1", 1, "mc-1")
        rest = self.env["crm.lead"].with_context(active_test=False).search_count([]) - 1
        for value in ("10", "11", "dup", "dup", "mc-1", False, " ", "0", "{{user_id}}", "--"):
            self.old(value)
        self.old("12").action_archive()
        made = self.take_over()
        self.assertEqual(self.counts(made), (3, 1, 5 + rest, 3))
        self.assertEqual((made.state, made.done_count), ("counted", 0))
        self.assertFalse(self.env["crm.lead"].search([("manychat_id", "in", ("10", "11"))]))

    def test_take_over_without_a_dry_run_is_refused(self):
        made = self.env["manychat.take.over"].with_user(self.head).create({})
        self.assertEqual(made.id_field_id, self.old_id)
        with self.assertRaises(UserError):
            made.action_take_over()

    def test_lead_is_found_by_the_contacts_next_event(self):
        lead = self.old(" 10 ", stage_id=self.stage("medical_started").id, team_id=self.team.id)
        made = self.take_over()
        made.action_take_over()
        self.assertEqual((made.state, made.done_count), ("done", 1))
        self.assertEqual(self.lead("10"), lead)
        self.assertEqual(lead.manychat_company_id, self.env.company)
        self.assertEqual(lead.stage_id, self.stage("medical_started"))
        moment = "2100-01-01T00:00:00Z"
        sent = {"event_id": "e1", "type": "contact", "manychat_id": "10", "revision": 0}
        times = {"occurred_at": moment, "received_at": moment}
        [result] = self.sync({**sent, **times, "values": {"state": "Comienza Cotización"}})
        self.assertEqual((result["status"], result["lead_id"]), ("updated", lead.id))
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))

    def test_event_from_before_the_last_move_does_not_move_the_lead(self):
        lead = self.old("10", stage_id=self.stage("medical_started").id, team_id=self.team.id)
        self.take_over().action_take_over()
        self.sync_one("e1", 1, "10", state="Comienza Cotización")
        self.assertEqual(lead.stage_id, self.stage("medical_started"))
        self.assertEqual(lead.manychat_state, "Comienza Cotización")

    def test_second_run_changes_nothing(self):
        self.old("10", x_estado="Comienza Cotización")
        self.old("dup")
        self.old("dup")
        self.take_over(state_field_id=self.old_state.id).action_take_over()
        lead = self.lead("10")
        before = (lead.read(), lead.manychat_history_ids.read(), lead.message_ids.ids)
        again = self.take_over(state_field_id=self.old_state.id)
        self.assertEqual((again.free_count, again.known_count), (0, 1))
        again.action_take_over()
        self.env.invalidate_all()
        self.assertEqual(again.done_count, 0)
        after = (lead.read(), lead.manychat_history_ids.read(), lead.message_ids.ids)
        self.assertEqual(after, before)

    def test_state_begins_the_history_and_moves_nobody(self):
        since = datetime(2025, 10, 1, 12)
        lead = self.old(
            "10",
            x_estado="Comienza Cotización",
            x_desde=since,
            stage_id=self.stage("medical_started").id,
            team_id=self.team.id,
        )
        strange = self.old("11", x_estado="Nunca visto")
        fields = {"state_field_id": self.old_state.id, "date_field_id": self.old_date.id}
        self.take_over(**fields).action_take_over()
        self.assertEqual(lead.stage_id, self.stage("medical_started"))
        self.assertEqual(
            (lead.manychat_state, lead.manychat_state_date, lead.quotation_start_date),
            ("Comienza Cotización", since, since),
        )
        rows = self.lead("10").manychat_history_ids
        self.assertEqual(rows.mapped("kind"), ["person", "manychat"])
        self.assertEqual(rows[0].stage_id, self.stage("medical_started"))
        self.assertEqual(strange.manychat_unmapped, True)
        self.assertIn("Nunca visto", self.env["manychat.unmapped.state"].search([]).mapped("state"))

    def test_state_that_is_later_than_the_last_move_moves_nobody_either(self):
        lead = self.old(
            "10",
            x_estado="Comienza Cotización",
            x_desde=datetime.now() + timedelta(days=1),
            stage_id=self.stage("medical_started").id,
            team_id=self.team.id,
        )
        fields = {"state_field_id": self.old_state.id, "date_field_id": self.old_date.id}
        self.take_over(**fields).action_take_over()
        self.sync_one("e1", 1, "10", summary="Pide cita")
        self.assertEqual(lead.stage_id, self.stage("medical_started"))

    def test_lost_lead_stays_lost(self):
        lead = self.old("10")
        lead.action_set_lost()
        self.take_over().action_take_over()
        self.sync_one("e1", 1, "10", state="Comienza Cotización")
        self.assertFalse(self.lead("10").active)

    def test_what_the_lead_says_counts_as_typed_unless_the_run_says_otherwise(self):
        kept, open_ = self.old("10", phone="+51911111111"), self.old("11", phone="+51911111111")
        open_.x_manychat_id = False
        self.take_over().action_take_over()
        open_.x_manychat_id = "11"
        self.take_over(keep_values=False).action_take_over()
        for manychat_id in ("10", "11"):
            self.sync_one(f"e-{manychat_id}", 1, manychat_id, phone="+51922222222")
        self.assertEqual((kept.phone, open_.phone), ("+51911111111", "+51922222222"))

    def test_duplicates_are_left_alone_unless_merging_is_chosen(self):
        first, second = self.old("dup"), self.old("dup", phone="+51911111111")
        made = self.take_over()
        action = made.action_open_duplicates()
        self.assertEqual(self.env["crm.lead"].search(action["domain"]), first | second)
        self.assertEqual(action["display_name"], "Duplicates")
        made.action_take_over()
        self.assertFalse((first | second).filtered("manychat_id"))
        merging = self.take_over(merge_duplicates=True)
        merging.action_take_over()
        survivor = self.lead("dup")
        self.assertEqual((first | second).exists(), survivor)
        self.assertEqual(survivor.phone, "+51911111111")
        self.assertEqual((merging.merged_count, merging.done_count), (1, 1))

    def test_lead_that_the_bridge_made_meanwhile_is_merged_with_the_old_one(self):
        self.sync_one("e1", 1, "mc-1", state="Comienza Cotización", summary="Pide cita")
        made_by_bridge = self.lead("mc-1")
        old = self.old("mc-1", phone="+51911111111")
        merging = self.take_over(merge_duplicates=True)
        self.assertEqual(merging.duplicate_count, 1)
        merging.action_take_over()
        survivor = self.lead("mc-1")
        self.assertEqual((old | made_by_bridge).exists(), survivor)
        self.assertEqual(survivor.phone, "+51911111111")
        self.assertEqual(survivor.manychat_summary, "Pide cita")

    @mute_logger("odoo.addons.miasalud_crm.models.manychat_take_over")
    def test_merge_that_fails_is_counted_and_harms_no_other_lead(self):
        self.old("dup")
        self.old("dup")
        self.old("10")
        merging = self.take_over(merge_duplicates=True)
        merge = patch.object(
            type(self.env["crm.lead"]), "_merge_opportunity", side_effect=UserError("no")
        )
        with merge:
            merging.action_take_over()
        self.assertEqual((merging.failed_count, merging.done_count), (1, 1))
        self.assertEqual(merging.state, "done")

    def test_many_leads_are_taken_in_slices_by_the_cron(self):
        for number in range(5):
            self.old(f"many-{number}")
        with patch.object(manychat_take_over, "SLICE", 2):
            made = self.take_over()
            made.action_take_over()
            self.assertEqual((made.state, made.done_count), ("running", 2))
            self.env["manychat.take.over"]._cron_take_over()
            self.env["manychat.take.over"]._cron_take_over()
        self.assertEqual((made.state, made.done_count), ("done", 5))

    def test_whole_numbers_are_ids_too(self):
        number = self.make_field("x_studio_manychatid", "integer")
        lead = self.old(False, x_studio_manychatid=1234567)
        self.old(False, x_studio_manychatid=0)
        self.take_over(id_field_id=number.id).action_take_over()
        self.assertEqual(self.lead("1234567"), lead)

    def test_only_stored_text_or_number_fields_can_be_chosen(self):
        made = self.env["manychat.take.over"].create({})
        made.invalidate_recordset()
        chosen = made.id_field_ids
        self.assertIn(self.old_id, chosen)
        self.assertFalse(set(chosen.mapped("ttype")) - {"char", "integer"})
        self.assertNotIn("manychat_id", chosen.mapped("name"))
        wrong = self.env["ir.model.fields"]._get("crm.lead", "user_id")
        with self.assertRaises(UserError):
            self.take_over(id_field_id=wrong.id)

    def test_leads_of_another_company_are_not_looked_at(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.old("10", company_id=other.id, team_id=False, user_id=False)
        self.assertEqual(self.take_over().free_count, 0)

    def test_only_a_system_administrator_takes_over(self):
        boss = new_test_user(self.env, "boss", groups="sales_team.group_sale_manager")
        made = self.take_over()
        for name in ("action_count", "action_take_over", "action_back", "action_open_duplicates"):
            with self.assertRaises(AccessError):
                getattr(made.with_user(boss), name)()
        with self.assertRaises(AccessError):
            self.env["manychat.take.over"].with_user(boss).create({"id_field_id": self.old_id.id})
