from ..const import FUNNEL_DATES, SHIPPED_STATES
from ..hooks import post_init_hook
from .common import ManychatCase


class TestInstall(ManychatCase):
    def test_every_shipped_state_and_other_name_has_its_rule(self):
        names = [name for state in SHIPPED_STATES for name in (state.name, *state.also)]
        self.assertEqual(self.Rule.search([]).mapped("manychat_state"), names)
        self.assertEqual(len(names), 17)

    def test_shipped_dates_are_fields_of_the_lead(self):
        dates = {state.date_field for state in SHIPPED_STATES if state.date_field}
        self.assertEqual(dates, {name for name, _label in FUNNEL_DATES})
        for name in dates:
            self.assertIn(name, self.env["crm.lead"]._fields)

    def test_stages_belong_to_the_team_and_stand_behind_all_others(self):
        stages = self.env["crm.stage"].browse(
            [self.stage(state.key).id for state in SHIPPED_STATES if state.action == "stage"]
        )
        self.assertEqual(stages[stages._manychat_team_field()], self.team)
        others = self.env["crm.stage"].search([("id", "not in", stages.ids)])
        self.assertGreater(min(stages.mapped("sequence")), max(others.mapped("sequence")))
        self.assertEqual(stages.sorted("sequence"), stages)
        self.assertEqual(stages.filtered("is_won"), self.stage("sale_won"))

    def test_scoring_still_starts_from_the_first_stage_of_everyone(self):
        first = self.env["crm.stage"].search([], order="sequence, id", limit=1)
        self.assertNotIn(first, self.Rule.search([]).stage_id)

    def test_team_is_not_the_default_one_of_other_salespeople(self):
        teams = self.env["crm.team"].search([])
        self.assertEqual(teams[-1], self.team)

    def test_shipped_records_are_left_alone_by_updates(self):
        records = self.env["ir.model.data"].search(
            [
                ("module", "=", "miasalud_crm"),
                ("model", "in", ("manychat.stage.mapping", "crm.stage", "crm.team")),
            ]
        )
        self.assertEqual(len(records), 17 + 12 + 1)
        self.assertTrue(all(records.mapped("noupdate")))

    def test_running_the_hook_again_changes_nothing(self):
        self.Rule.search([])[0].manychat_state = "Renamed by a manager"
        self.set_param("team_id", "123456")
        before = self.Rule.search([]).read()
        post_init_hook(self.env)
        self.assertEqual(self.Rule.search([]).read(), before)
        self.assertEqual(
            self.env["ir.config_parameter"].get_param("miasalud_crm.team_id"), "123456"
        )

    def test_missing_team_setting_falls_back_to_the_shipped_team(self):
        self.set_param("team_id", "999999")
        self.set_param("fallback_stage_id", "nonsense")
        self.assertEqual(self.sync_one("e1", 1)["status"], "created")
        self.assertEqual(self.lead().team_id, self.team)
        self.assertTrue(self.lead().stage_id)
