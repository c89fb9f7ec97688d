from odoo.tests import Form

from ..sync.rules import Rule
from .common import ManychatCase


def plain(folded, match="exact", team_id=None):
    return Rule(1, folded, match, "ignore", None, None, None, "always", team_id)


class TestRuleWarnings(ManychatCase):
    def rule(self, state, **vals):
        vals = {"stage_id": self.stage("waiting").id, "sequence": 900, **vals}
        return self.Rule.with_user(self.mapper).create({"manychat_state": state, **vals})

    def ask(self, state):
        with Form(self.env["manychat.test.state"].with_user(self.seller)) as form:
            form.state = state
            return form.rule_id, form.stage_id

    def test_state_shows_the_rule_that_wins_and_its_stage(self):
        rule = self.env.ref("miasalud_crm.mapping_quotation_started")
        self.assertEqual(
            self.ask("  comienza COTIZACIÓN!"), (rule, self.stage("quotation_started"))
        )
        self.assertFalse(self.ask("Nunca visto")[0])
        self.assertFalse(self.ask(False)[0])

    def test_rule_of_another_team_wins_no_test(self):
        other = self.env["crm.team"].create({"name": "Other"})
        self.rule("Pidió precio", team_id=other.id)
        self.assertFalse(self.ask("Pidió precio")[0])

    def test_test_is_opened_from_the_list_and_stores_no_lead(self):
        action = self.Rule.with_user(self.mapper).action_test_state()
        self.assertEqual((action["res_model"], action["target"]), ("manychat.test.state", "new"))
        before = self.env["crm.lead"].search_count([])
        self.ask("Nunca visto")
        self.assertEqual(self.env["crm.lead"].search_count([]), before)

    def test_shipped_rules_have_no_warning(self):
        rules = self.Rule.with_user(self.seller).search([])
        self.assertEqual([rule.warning for rule in rules if rule.warning], [])

    def test_rule_behind_one_that_takes_its_states_is_marked(self):
        wide = self.rule("cita", match="contains", sequence=800)
        never = self.rule("Cita médica")
        self.assertIn("cita", never.warning)
        self.assertFalse(wide.warning)
        wide.sequence = 950
        self.env.invalidate_all()
        self.assertFalse(never.warning)

    def test_second_spelling_of_the_same_state_is_marked(self):
        self.assertIn("Nuevo", self.rule("¡NUEVO!").warning)

    def test_rule_to_another_teams_stage_is_marked(self):
        other = self.env["crm.team"].create({"name": "Other"})
        stage = self.env["crm.stage"].create({"name": "Theirs"})
        owner = stage._manychat_team_field()
        stage[owner] = other
        rule = self.rule("Pidió precio", stage_id=stage.id)
        self.assertIn("Other", rule.warning)
        rule.team_id = other
        self.assertFalse(rule.warning)
        stage[owner] = False
        rule.team_id = False
        self.env.invalidate_all()
        self.assertFalse(rule.warning)

    def test_archived_rule_has_no_warning(self):
        rule = self.rule("¡NUEVO!")
        rule.active = False
        self.assertFalse(rule.warning)

    def test_only_a_rule_that_takes_every_state_of_another_covers_it(self):
        for first, second, covers in (
            (plain("a"), plain("a"), True),
            (plain("a"), plain("a b"), False),
            (plain("a"), plain("a", "starts"), False),
            (plain("a", "starts"), plain("a b", "starts"), True),
            (plain("a", "starts"), plain("a", "contains"), False),
            (plain("a", "contains"), plain("b a", "contains"), True),
            (plain("a b", "contains"), plain("a", "contains"), False),
            (plain("a", team_id=5), plain("a"), False),
            (plain("a"), plain("a", team_id=5), True),
        ):
            self.assertIs(first.covers(second), covers, (first, second))
