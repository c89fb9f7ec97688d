from datetime import datetime

from odoo.tests import BaseCase, tagged

from ..sync.history import Ground, HistoryRow, fold_history
from ..sync.rules import Rule, RuleTable, StageRank
from ..sync.text import fold

FALLBACK, FIRST, SECOND, WON = 1, 2, 3, 4


def rule(state, stage=None, **kwargs):
    defaults = {
        "id": 1,
        "folded": fold(state),
        "match": "exact",
        "stage_id": stage,
        "team_id": None,
        "action": "stage" if stage else "ignore",
        "lost_reason_id": None,
        "date_field": None,
        "move_policy": "always",
    }
    return Rule(**{**defaults, **kwargs})


def said(minute, state):
    return HistoryRow(f"{minute:02d}", "manychat", datetime(2025, 1, 1, 0, minute), state)


def moved(minute, stage=None, lost_change=None):
    when = datetime(2025, 1, 1, 0, minute)
    return HistoryRow(f"{minute:02d}", "person", when, stage_id=stage, lost_change=lost_change)


@tagged("post_install", "-at_install")
class TestHistoryFold(BaseCase):
    def fold(self, *rows, rules=(), **ground):
        stages = {n: StageRank((n, n), n == WON) for n in (FALLBACK, FIRST, SECOND, WON)}
        rules = rules or (
            rule("a", FIRST, date_field="quotation_start_date"),
            rule("b", SECOND),
            rule("sold", WON),
            rule("quiet", date_field="conversation_closed_date"),
            rule("gone", action="lost", lost_reason_id=9),
        )
        table = RuleTable(tuple(rules), stages)
        return fold_history(rows, Ground(table, ground.pop("team_id", None), FALLBACK, **ground))

    def test_nothing_known_stands_in_the_fallback_stage(self):
        picture = self.fold()
        self.assertEqual((picture.stage_id, picture.state, picture.lost), (FALLBACK, None, None))

    def test_initial_state_stands_only_while_no_other_is_known(self):
        self.assertEqual(self.fold(initial_state="b").stage_id, SECOND)
        self.assertEqual(self.fold(initial_state="b").state, "b")
        self.assertEqual(self.fold(said(1, "a"), initial_state="b").stage_id, FIRST)
        self.assertEqual(self.fold(said(1, "a"), initial_state="b").state, "a")

    def test_initial_state_fills_no_funnel_date(self):
        self.assertEqual(self.fold(initial_state="a").dates, {})

    def test_initial_stage_holds_while_no_state_moves(self):
        picture = self.fold(said(1, "quiet"), said(2, "who knows"), initial_state="b")
        self.assertEqual(picture.stage_id, SECOND)

    def test_repeated_state_moves_nothing_after_a_person_moved(self):
        picture = self.fold(said(1, "a"), moved(2, SECOND), said(3, "A!"))
        self.assertEqual(picture.stage_id, SECOND)
        self.assertEqual([step.changed for step in picture.steps], [True, True, False])

    def test_state_keeps_its_first_spelling_and_date_while_repeated(self):
        picture = self.fold(said(1, "a"), said(5, "A!"))
        self.assertEqual((picture.state, picture.state_date.minute), ("a", 1))

    def test_unmapped_state_is_kept_and_moves_nothing(self):
        picture = self.fold(said(1, "a"), said(2, "who knows"))
        self.assertEqual((picture.state, picture.stage_id), ("who knows", FIRST))
        self.assertTrue(picture.unmapped)

    def test_unmapped_state_moves_to_the_fallback_where_settings_say_so(self):
        picture = self.fold(said(1, "a"), said(2, "who knows"), unmapped_stage_id=FALLBACK)
        self.assertEqual(picture.stage_id, FALLBACK)

    def test_ignored_state_moves_nothing_and_fills_its_date(self):
        picture = self.fold(said(1, "b"), said(2, "quiet"))
        self.assertEqual((picture.stage_id, picture.unmapped), (SECOND, False))
        self.assertEqual(picture.dates["conversation_closed_date"].minute, 2)

    def test_earliest_time_of_a_state_is_its_funnel_date(self):
        picture = self.fold(said(3, "a"), said(4, "b"), said(5, "a"))
        self.assertEqual(picture.dates["quotation_start_date"].minute, 3)

    def test_forward_rule_moves_only_to_a_later_stage(self):
        rules = (rule("a", FIRST, move_policy="forward"), rule("b", SECOND))
        self.assertEqual(self.fold(said(1, "b"), said(2, "a"), rules=rules).stage_id, SECOND)
        self.assertEqual(self.fold(moved(1, FALLBACK), said(2, "a"), rules=rules).stage_id, FIRST)

    def test_forward_rule_does_not_compete_with_the_initial_state(self):
        rules = (rule("a", FIRST, move_policy="forward"), rule("b", SECOND))
        picture = self.fold(said(1, "a"), rules=rules, initial_state="b")
        self.assertEqual(picture.stage_id, FIRST)

    def test_respecting_rule_waits_until_manychat_moves_again_by_another_rule(self):
        rules = (
            rule("a", FIRST, move_policy="respect_manual"),
            rule("b", SECOND),
            rule("sold", WON),
        )
        rows = [said(1, "b"), moved(2, FALLBACK), said(3, "a")]
        self.assertEqual(self.fold(*rows, rules=rules).stage_id, FALLBACK)
        rows += [said(4, "b"), said(5, "a")]
        self.assertEqual(self.fold(*rows, rules=rules).stage_id, FIRST)

    def test_lost_rule_loses_and_keeps_the_stage(self):
        picture = self.fold(said(1, "a"), said(2, "gone"))
        self.assertEqual((picture.stage_id, picture.lost, picture.lost_reason_id), (FIRST, True, 9))

    def test_later_state_moves_a_lost_lead_and_leaves_it_lost(self):
        picture = self.fold(said(1, "gone"), said(2, "b"))
        self.assertEqual((picture.stage_id, picture.lost), (SECOND, True))

    def test_later_state_reopens_a_lost_or_won_lead_where_its_rule_says_so(self):
        again = rule("b", SECOND, reopen_policy="reopen")
        rules = (rule("sold", WON), rule("gone", action="lost"), again)
        for first in ("gone", "sold"):
            picture = self.fold(said(1, first), said(2, "b"), rules=rules)
            self.assertEqual((picture.stage_id, bool(picture.lost)), (SECOND, False))
            self.assertFalse(picture.steps[1].returned)

    def test_later_state_leaves_a_won_lead_and_tells_that_its_client_is_back(self):
        picture = self.fold(said(1, "sold"), said(2, "b"), said(3, "who knows"))
        self.assertEqual((picture.stage_id, picture.state), (WON, "who knows"))
        self.assertEqual([step.returned for step in picture.steps], [False, True, False])

    def test_unmapped_state_never_takes_a_sale_back_to_the_fallback(self):
        picture = self.fold(said(1, "sold"), said(2, "who knows"), unmapped_stage_id=FALLBACK)
        self.assertEqual(picture.stage_id, WON)

    def test_won_initial_state_holds_no_lead_back(self):
        self.assertEqual(self.fold(said(1, "a"), initial_state="sold").stage_id, FIRST)

    def test_sale_takes_a_lead_out_of_the_lost_ones(self):
        self.assertIs(self.fold(said(1, "gone"), said(2, "sold")).lost, False)

    def test_lead_that_stands_in_a_won_stage_is_not_lost(self):
        self.assertIsNone(self.fold(said(1, "sold"), said(2, "gone")).lost)
        self.assertIsNone(self.fold(moved(1, WON), said(2, "gone")).lost)

    def test_person_who_restores_a_lost_lead_is_respected(self):
        picture = self.fold(said(1, "gone"), moved(2, lost_change="restored"))
        self.assertIs(picture.lost, False)

    def test_person_losing_a_lead_does_not_count_as_a_move(self):
        picture = self.fold(said(1, "a"), moved(5, FIRST, "lost"), said(6, "b"))
        self.assertEqual((picture.stage_id, picture.lost), (SECOND, True))

    def test_first_fitting_rule_wins(self):
        rules = (
            rule("sold", WON),
            rule("so", FIRST, match="starts"),
            rule("l", SECOND, match="contains"),
        )
        table = RuleTable(rules, {})
        self.assertEqual(table.find("Sold", None).stage_id, WON)
        self.assertEqual(table.find("so far", None).stage_id, FIRST)
        self.assertEqual(table.find("all", None).stage_id, SECOND)
        self.assertIsNone(table.find("…", None))

    def test_rule_of_another_team_does_not_fit(self):
        table = RuleTable((rule("a", FIRST, team_id=5), rule("a", SECOND)), {})
        self.assertEqual(table.find("a", 5).stage_id, FIRST)
        self.assertEqual(table.find("a", 6).stage_id, SECOND)
