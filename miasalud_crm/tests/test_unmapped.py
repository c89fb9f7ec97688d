from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from .common import ManychatCase, event

REFOLD = "odoo.addons.miasalud_crm.models.manychat_refold"


class TestUnmapped(ManychatCase):
    def unmapped(self, folded="pidio precio"):
        self.env.invalidate_all()
        states = self.env["manychat.unmapped.state"].with_user(self.mapper)
        return states.search([("folded", "=", folded)])

    def map_to(self, key, **vals):
        """Do what *Map to …* does, as the manager, and return its notification's text."""
        wizard = self.env["manychat.map.state"].with_user(self.mapper)
        action = self.unmapped().action_map()
        with Form(wizard.browse(action["res_id"])) as form:
            form.stage_id = self.stage(key)
            for name, value in vals.items():
                form[name] = value
        return form.record.action_apply()["params"]["message"]

    def test_state_is_listed_folded_with_counts_times_examples_and_nearest_names(self):
        self.sync(
            event("e1", 1, "mc-1", state="Comiensa cotizacion"),
            event("e2", 5, "mc-2", state="COMIENSA cotización!"),
            event("e3", 6, "mc-2", state="Nuevo"),
        )
        state = self.unmapped("comiensa cotizacion")
        self.assertEqual((state.lead_count, state.waiting_count), (2, 1))
        self.assertEqual((state.first_seen.minute, state.last_seen.minute), (1, 5))
        self.assertEqual(state.example_lead_ids, self.lead("mc-1") | self.lead("mc-2"))
        self.assertEqual(state.nearest.split(" · ")[0], "Comienza Cotización")
        self.assertFalse(state.rule_id)

    def test_only_stages_that_the_team_can_use_are_suggested(self):
        self.sync_one("e1", 1, state="Pidió precio")
        theirs, shared = self.env["crm.stage"].create([{"name": "Theirs"}, {"name": "Shared"}])
        theirs[theirs._manychat_team_field()] = self.env["crm.team"].create({"name": "Other"})
        wizard = self.env["manychat.map.state"].with_user(self.mapper)
        usable = wizard.browse(self.unmapped().action_map()["res_id"]).usable_stage_ids
        self.assertIn(shared, usable)
        self.assertIn(self.stage("quotation_started"), usable)
        self.assertNotIn(theirs, usable)
        self.assertIn("usable_stage_ids", wizard._fields["stage_id"].domain)

    def test_mapping_moves_the_waiting_leads_and_fills_their_date(self):
        self.sync(
            event("e1", 1, "mc-1", state="Nuevo"),
            event("e2", 2, "mc-1", state="Pidió precio"),
            event("e3", 3, "mc-2", state="PIDIO precio"),
        )
        text = self.map_to("quotation_started", date_field="quotation_start_date")
        self.assertIn("2", text)
        for manychat_id, minute in (("mc-1", 2), ("mc-2", 3)):
            lead = self.lead(manychat_id)
            self.assertEqual(lead.stage_id, self.stage("quotation_started"))
            self.assertEqual(lead.quotation_start_date.minute, minute)
            self.assertFalse(lead.manychat_unmapped)
        self.assertEqual(
            self.lead("mc-1").manychat_change_ids[0].stage_id.name, "Comienza Cotización"
        )
        self.assertFalse(self.unmapped())

    def test_new_rule_stands_beside_those_of_its_stage(self):
        self.sync_one("e1", 1, state="Pidió precio")
        self.map_to("quotation_started")
        rule = self.Rule.search([("manychat_state", "=", "Pidió precio")])
        beside = self.env.ref("miasalud_crm.mapping_quotation_started")
        self.assertEqual((rule.sequence, rule.match), (beside.sequence, "exact"))

    def test_persons_later_move_stands_when_a_state_is_mapped(self):
        self.sync_one("e1", 1, state="Pidió precio")
        self.lead().with_user(self.mapper).stage_id = self.stage("order_confirmed")
        self.map_to("quotation_started", date_field="quotation_start_date")
        self.assertEqual(self.lead().stage_id, self.stage("order_confirmed"))
        self.assertEqual(self.lead().quotation_start_date.minute, 1)

    def test_lead_that_passed_the_state_gets_its_date_and_keeps_its_stage(self):
        self.sync_one("e1", 1, state="Pidió precio")
        self.sync_one("e2", 2, state="Orden de venta Confirmada")
        self.assertEqual(self.unmapped().waiting_count, 0)
        self.map_to("quotation_started", date_field="quotation_start_date")
        self.assertEqual(self.lead().stage_id, self.stage("order_confirmed"))
        self.assertEqual(self.lead().quotation_start_date.minute, 1)

    def test_lost_lead_that_waits_stays_lost(self):
        self.sync_one("e1", 1, state="Pidió precio")
        self.lead().action_set_lost()
        self.map_to("quotation_started")
        self.assertFalse(self.lead().active)

    def test_initial_state_waits_for_its_rule_too(self):
        self.sync_one("e1", 1, initial_state="Pidió precio")
        self.assertEqual(self.unmapped().waiting_count, 1)
        self.map_to("quotation_started")
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))
        self.assertFalse(self.lead().manychat_unmapped)

    def test_rule_made_in_the_list_moves_nobody_until_the_button_is_pressed(self):
        self.sync_one("e1", 1, "mc-1", state="Pidió precio")
        self.sync_one("e2", 1, "mc-2", initial_state="Pidió precio")
        rule = self.Rule.with_user(self.mapper).create(
            {
                "manychat_state": "pidio",
                "match": "starts",
                "stage_id": self.stage("quotation_started").id,
            }
        )
        for number, manychat_id in enumerate(("mc-1", "mc-2"), start=3):
            self.sync_one(f"e{number}", 9, manychat_id, phone="+51911111111")
            self.assertEqual(self.lead(manychat_id).stage_id, self.stage("subscribed"))
            self.assertTrue(self.lead(manychat_id).manychat_unmapped)
        self.assertEqual(self.unmapped().rule_id, rule)
        rule.action_fold_waiting()
        for manychat_id in ("mc-1", "mc-2"):
            self.assertEqual(self.lead(manychat_id).stage_id, self.stage("quotation_started"))

    def test_changed_rule_moves_nobody_when_waiting_leads_are_folded(self):
        self.sync_one("e1", 1, state="Comienza Cotización")
        self.env.ref("miasalud_crm.mapping_quotation_started").stage_id = self.stage("waiting")
        self.Rule.with_user(self.mapper).action_fold_waiting()
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))

    def test_same_as_copies_the_known_rule(self):
        self.sync_one("e1", 1, state="Pidió precio")
        known = self.env.ref("miasalud_crm.mapping_medical_assigned")
        known.move_policy = "forward"
        action = self.unmapped().action_same()
        wizard = self.env["manychat.map.state"].with_user(self.mapper).browse(action["res_id"])
        with self.assertRaises(UserError):
            wizard.action_apply()
        wizard.rule_id = known
        wizard.action_apply()
        rule = self.Rule.search([("manychat_state", "=", "Pidió precio")])
        for name in ("action", "stage_id", "date_field", "move_policy", "team_id"):
            self.assertEqual(rule[name], known[name], name)
        self.assertEqual(self.lead().stage_id, known.stage_id)
        self.assertEqual(self.lead().medical_assignment_date.minute, 1)

    def test_same_as_proposes_the_nearest_known_state(self):
        self.sync_one("e1", 1, state="Comiensa cotizacion")
        action = self.unmapped("comiensa cotizacion").action_same()
        wizard = self.env["manychat.map.state"].with_user(self.mapper).browse(action["res_id"])
        self.assertEqual(wizard.rule_id, self.env.ref("miasalud_crm.mapping_quotation_started"))

    def test_ignored_state_leaves_its_leads_and_the_list(self):
        self.sync_one("e1", 1, state="Pidió precio")
        self.unmapped().action_ignore()
        self.assertEqual(self.lead().stage_id, self.stage("subscribed"))
        self.assertFalse(self.lead().manychat_unmapped or self.unmapped())

    def test_many_leads_are_folded_in_slices(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Pidió precio") for n in range(5)))
        with patch(f"{REFOLD}.SLICE", 2):
            text = self.map_to("quotation_started")
            self.assertIn("3", text)
            refold = self.env["manychat.refold"]
            self.assertEqual(refold.search_count([]), 3)
            self.assertTrue(
                self.env["ir.cron.trigger"].search(
                    [("cron_id", "=", self.env.ref("miasalud_crm.cron_refold").id)]
                )
            )
            refold._cron_fold()
            refold._cron_fold()
        self.assertFalse(refold.search_count([]))
        self.assertFalse(self.unmapped())

    def test_lead_that_cannot_be_folded_keeps_waiting_and_harms_no_other(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Pidió precio") for n in range(3)))
        follow = type(self.env["crm.lead"])._manychat_follow

        def failing(leads, contacts):
            if "mc-1" in [contact.manychat_id for contact in contacts]:
                raise ValueError("broken")
            return follow(leads, contacts)

        with (
            patch.object(type(self.env["crm.lead"]), "_manychat_follow", failing),
            self.assertLogs("odoo.addons.miasalud_crm.models.crm_lead_refold", "WARNING"),
        ):
            self.map_to("quotation_started")
        self.assertEqual(self.unmapped().lead_count, 1)
        self.assertEqual(self.lead("mc-1").stage_id, self.stage("subscribed"))
        self.assertEqual(self.lead("mc-2").stage_id, self.stage("quotation_started"))

    def test_refold_is_traced_in_the_chatter_and_is_no_persons_move(self):
        self.sync_one("e1", 1, state="Pidió precio")
        before = len(self.lead().message_ids)
        self.map_to("quotation_started")
        self.env.cr.precommit.run()
        self.assertEqual(len(self.lead().message_ids), before + 1)
        self.assertFalse(
            self.lead().manychat_history_ids.filtered(lambda row: row.kind == "person")
        )

    def test_leads_of_the_state_are_opened_archived_ones_too(self):
        self.sync_one("e1", 1, state="Pidió precio")
        self.lead().action_archive()
        action = self.unmapped().action_open_leads()
        found = self.env["crm.lead"].with_context(**action["context"]).search(action["domain"])
        self.assertEqual(found, self.lead())

    def test_settings_count_the_states_without_rule(self):
        def count():
            return self.env["res.config.settings"].create({}).manychat_unmapped_count

        before = count()
        self.sync_one("e1", 1, state="Pidió precio")
        self.assertEqual(count(), before + 1)

    def test_only_a_manager_sees_and_maps_states(self):
        self.sync_one("e1", 1, state="Pidió precio")
        for call in ("action_ignore", "action_fold_again", "action_map"):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                getattr(self.unmapped().with_user(self.seller), call)()
        with self.assertRaises(AccessError):
            self.env["manychat.unmapped.state"].with_user(self.seller).search([])
        with self.assertRaises(AccessError):
            self.Rule.with_user(self.seller).action_fold_waiting()

    def test_state_of_another_company_is_not_listed(self):
        self.sync_one("e1", 1, state="Pidió precio")
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.lead().manychat_company_id = other
        self.assertFalse(self.unmapped())

    def test_rule_of_one_company_among_several_is_for_it_alone(self):
        self.env["res.company"].create({"name": "Other Clinic"})
        self.sync_one("e1", 1, state="Pidió precio")
        self.unmapped().action_ignore()
        rule = self.Rule.search([("manychat_state", "=", "Pidió precio")])
        self.assertEqual(rule.company_id, self.env.company)
