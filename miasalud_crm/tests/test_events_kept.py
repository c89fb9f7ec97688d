from datetime import timedelta
from unittest.mock import patch

from lxml import etree
from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user
from odoo.tools.safe_eval import safe_eval

from .common import ManychatCase, event

RETENTION = "odoo.addons.miasalud_crm.models.manychat_event_retention"


class TestEventsKept(ManychatCase):
    def ledger(self):
        self.env.invalidate_all()
        return self.env["manychat.event"].search([]).mapped("event_id")[::-1]

    def forget(self):
        self.env["manychat.event"]._cron_forget()
        self.env.flush_all()

    def test_events_are_kept_for_ever_where_the_settings_say_nothing(self):
        self.sync_one("e1", 1)
        for days in ("", "0", "-3", "nonsense"):
            self.set_param("retention_days", days)
            self.forget()
            self.assertEqual(self.ledger(), ["e1"], days)

    def test_old_events_are_deleted_and_rejected_mended_and_young_ones_stay(self):
        self.set_param("retention_days", "30")
        self.sync_one("e1", 1, state="Nuevo")
        self.sync_one("bad", 1, phone=5)
        self.sync_one("mended", 1, _revision=1)
        self.sync_one("young", 2)
        rows = {row.event_id: row for row in self.env["manychat.event"].search([])}
        rows["bad"].received_at = rows["e1"].received_at
        rows["young"].received_at = fields.Datetime.now() - timedelta(days=29)
        self.forget()
        self.assertEqual(self.ledger(), ["bad", "mended", "young"])
        self.assertEqual(self.lead().manychat_history_ids.event_id, "e1")

    def test_old_events_are_deleted_in_slices(self):
        self.set_param("retention_days", "30")
        self.sync(*(event(f"e{n}", n) for n in range(3)))
        triggers = [("cron_id", "=", self.env.ref("miasalud_crm.cron_forget").id)]
        with patch(f"{RETENTION}.SLICE", 2):
            self.forget()
            self.assertEqual(self.ledger(), ["e2"])
            self.assertEqual(self.env["ir.cron.trigger"].search_count(triggers), 1)
            self.forget()
        self.assertFalse(self.ledger())
        self.assertEqual(self.env["ir.cron.trigger"].search_count(triggers), 1)

    def test_the_daily_job_runs(self):
        self.set_param("retention_days", "30")
        self.sync_one("e1", 1)
        self.env.ref("miasalud_crm.cron_forget").ir_actions_server_id.run()
        self.assertFalse(self.ledger())

    def test_event_that_comes_again_after_it_was_deleted_changes_nothing(self):
        self.set_param("retention_days", "30")
        sent = event("e1", 1, state="Comienza Cotización", phone="+51911111111")
        self.sync(sent)
        self.sync_one("e2", 2, state="Orden de venta Confirmada", phone="+51922222222")
        before = self.picture()
        self.forget()
        self.assertFalse(self.ledger())
        self.assertIn(self.sync(sent)[0]["status"], ("stale", "unchanged"))
        self.assertEqual(self.picture(), before)

    def test_move_of_a_person_stands_when_a_deleted_event_comes_again(self):
        self.set_param("retention_days", "30")
        sent = event("e1", 1, state="Comienza Cotización")
        self.sync(sent)
        lead = self.lead()
        lead.user_id = self.seller
        lead.with_user(self.seller).write({"stage_id": self.stage("waiting").id, "phone": "1"})
        before = self.picture()
        self.forget()
        self.sync(sent)
        self.assertEqual(self.picture(), before)

    def test_first_revision_of_a_mended_event_changes_nothing_after_the_days_to_keep(self):
        self.set_param("retention_days", "30")
        first = event("e1", 1, state="Comienza Cotización")
        self.sync(first)
        self.sync(event("e1", 1, state="Orden de venta Confirmada", _revision=1))
        before = self.picture()
        self.forget()
        self.sync(first)
        self.assertEqual(self.picture(), before)

    def picture(self):
        """Return what a person sees of the lead, and its history."""
        lead = self.lead()
        names = ("manychat_state", "manychat_state_date", "phone", "quotation_start_date")
        return lead.stage_id, [lead[name] for name in names], self.shown(lead)


class TestCockpit(ManychatCase):
    def figures(self, user):
        """Return rejected, unmapped, unknown and today's events as ``user``'s settings show."""
        settings = self.env["res.config.settings"].with_user(user).create({})
        return (
            settings.manychat_event_count,
            settings.manychat_rejected_count,
            settings.manychat_waiting_count,
            settings.manychat_unknown_count,
        )

    def test_settings_show_the_last_event_and_what_needs_somebody(self):
        boss = new_test_user(
            self.env, "boss", groups="base.group_system,miasalud_crm.group_manager"
        )
        self.assertEqual(self.figures(boss), (0, 0, 0, 0))
        self.sync_one("e1", 1, state="Pidió precio", commercial={"name": "700"})
        self.sync_one("bad", 1, phone=5)
        self.assertEqual(self.figures(boss), (2, 1, 1, 1))
        settings = self.env["res.config.settings"].with_user(boss).create({})
        self.assertGreater(
            settings.manychat_last_event_at, fields.Datetime.now() - timedelta(minutes=5)
        )

    def test_settings_form_shows_the_figures_when_it_opens(self):
        boss = new_test_user(
            self.env, "boss", groups="base.group_system,miasalud_crm.group_manager"
        )
        self.sync_one("e1", 1, state="Pidió precio")
        shown = ("manychat_event_count", "manychat_waiting_count", "manychat_unmapped_count")
        settings = self.env["res.config.settings"].with_user(boss)
        opened = settings.onchange({}, [], {name: {} for name in (*shown, "company_id")})
        self.assertEqual([opened["value"][name] for name in shown], [1, 1, 1])

    def test_administrator_without_sales_rights_sees_no_figures_and_no_error(self):
        self.sync_one("e1", 1, state="Pidió precio")
        system = new_test_user(self.env, "system", groups="base.group_system")
        self.assertEqual(self.figures(system), (0, 0, 0, 0))

    def test_each_figure_links_to_its_list(self):
        arch = self.env["res.config.settings"].get_view(
            self.env.ref("crm.res_config_settings_view_form").id, "form"
        )["arch"]
        cockpit = etree.fromstring(arch).find(".//setting[@id='manychat_cockpit']")
        links = {
            button.find("field").get("name"): (int(button.get("name")), button.get("context"))
            for button in cockpit.iter("button")
        }
        ref = self.env.ref
        events = ref("miasalud_crm.manychat_event_action").id
        self.assertEqual(
            links,
            {
                "manychat_event_count": (events, "{'search_default_day': 1}"),
                "manychat_rejected_count": (events, "{'search_default_rejected': 1}"),
                "manychat_waiting_count": (
                    ref("miasalud_crm.manychat_unmapped_state_action").id,
                    None,
                ),
                "manychat_unknown_count": (
                    ref("miasalud_crm.manychat_unknown_advisor_action").id,
                    None,
                ),
                "manychat_difference_count": (
                    ref("miasalud_crm.manychat_reconciliation_action").id,
                    None,
                ),
            },
        )

    def test_days_to_keep_are_a_setting_and_never_negative(self):
        Settings = self.env["res.config.settings"]
        Settings.create({"manychat_retention_days": 90}).execute()
        self.assertEqual(
            self.env["ir.config_parameter"].get_param("miasalud_crm.retention_days"), "90"
        )
        with self.assertRaises(ValidationError):
            Settings.create({"manychat_retention_days": -1})


class TestLedgerScreens(ManychatCase):
    def test_every_filter_of_the_ledger_finds_its_events(self):
        self.sync_one("new", 1, state="Pidió precio", _type="contact")
        self.sync_one("late", 0, state="Nuevo", _type="stage", received=2)
        self.sync_one("odd", 3, first_name="Ana", nonsense=1, _type="address")
        self.sync_one("bad", 4, phone=5)
        found = {
            "rejected": {"bad"},
            "applied": {"new", "odd"},
            "stale": {"late"},
            "noted": {"odd", "bad"},
            "unmapped": {"new", "late", "odd"},
            "contact": {"new"},
            "stage": {"late"},
            "address": {"odd"},
            "assignment": set(),
            "update": set(),
        }
        ledger = self.env["manychat.event"].with_user(self.mapper)
        search = etree.fromstring(ledger.get_view(view_type="search")["arch"])
        for name, event_ids in found.items():
            domain = search.find(f".//filter[@name='{name}']").get("domain")
            rows = ledger.search(safe_eval(domain))
            self.assertEqual(set(rows.mapped("event_id")), event_ids, name)

    def test_kinds_are_told_in_words_and_an_unknown_one_is_kept_as_sent(self):
        self.sync_one("e1", 1, _type="stage")
        self.sync_one("e2", 2, _type="from-a-newer-bridge")
        rows = self.env["manychat.event"].with_user(self.mapper).search([], order="event_id")
        self.assertEqual(rows.mapped("kind"), ["stage", False])
        self.assertEqual(rows.mapped("type"), ["stage", "from-a-newer-bridge"])

    def test_ledger_has_a_graph_and_a_pivot(self):
        ledger = self.env["manychat.event"].with_user(self.mapper)
        for kind in ("graph", "pivot"):
            self.assertIn("status", ledger.get_view(view_type=kind)["arch"])
        action = self.env.ref("miasalud_crm.manychat_event_action")
        self.assertEqual(action.view_mode, "list,graph,pivot,form")
