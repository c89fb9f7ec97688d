import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tools import file_open

from ..const import HINT_PATH
from ..sync import bridge_hint
from ..sync.bridge_url import read_url
from .common import ManychatCase

RING = "odoo.addons.miasalud_crm.models.manychat_change_hint.ring"


class TestWriteBack(ManychatCase):
    """What the bridge is told for ManyChat: set up in the settings and on the rules."""

    def setUp(self):
        super().setUp()
        self.env["manychat.change"].sudo().search([]).unlink()
        self.sync_one("e1", 1, state="Nuevo", commercial={"email": "seller@clinic.example"})
        self.mine = self.lead().with_user(self.seller)
        self.set_param("write_back", "on")
        self.stage_rule = self.rule_of("quotation_started")

    def rule_of(self, name):
        return self.Rule.search([("stage_id", "=", self.stage(name).id)], limit=1)

    def answer(self):
        self.env.flush_all()
        return self.env["crm.lead"].with_user(self.bridge).manychat_changes(None, 200)

    def entries(self):
        return [c.get("entry") for c in self.answer()["changes"] if c["kind"] == "stage"]

    def move(self, name):
        self.mine.stage_id = self.stage(name)

    def test_it_is_off_until_somebody_switches_it_on(self):
        self.set_param("write_back", False)
        self.stage_rule.back_tag = "hot"
        self.move("quotation_started")
        answer = self.answer()
        self.assertEqual(answer["write_back"], {"mode": "off", "fields": {}})
        self.assertEqual(self.entries(), [None])

    def test_the_settings_name_the_fields(self):
        settings = self.env["res.config.settings"].create(
            {"manychat_write_back": "record", "manychat_back_stage": " etapa "}
        )
        settings.with_user(self.env.ref("base.user_admin")).execute()
        told = {"mode": "record", "fields": {"stage": "etapa"}}
        self.assertEqual(self.answer()["write_back"], told)

    def test_a_persons_move_does_what_the_rules_of_the_stage_say(self):
        self.stage_rule.write(
            {
                "back_field": "temperatura",
                "back_value": "alta",
                "back_tag": "En cotización",
                "back_untag": "Nuevo, En asesoría,,Nuevo",
                "back_flow": "content1",
            }
        )
        self.move("quotation_started")
        entry = {
            "fields": {"temperatura": "alta"},
            "add": ["En cotización"],
            "remove": ["Nuevo", "En asesoría"],
            "flows": ["content1"],
        }
        self.assertEqual(self.entries(), [entry])

    def test_a_stage_whose_rules_say_nothing_does_nothing(self):
        self.move("quotation_started")
        self.assertEqual(self.entries(), [None])

    def test_a_value_that_is_empty_is_the_stages_name(self):
        self.stage_rule.back_field = "etapa"
        self.move("quotation_started")
        self.assertEqual(self.entries()[0]["fields"], {"etapa": self.mine.stage_id.name})

    def test_of_several_rules_every_one_counts_and_the_first_sets_the_field(self):
        other = self.stage_rule.copy(
            {"manychat_state": "Other", "sequence": 900, "back_tag": "hot", "back_field": "x"}
        )
        other.back_value = "second"
        self.stage_rule.write({"back_field": "x", "back_value": "first", "back_untag": "hot, old"})
        self.move("quotation_started")
        entry = self.entries()[0]
        self.assertEqual(entry["fields"], {"x": "first"})
        self.assertEqual((entry["add"], entry["remove"]), (["hot"], ["old"]))

    def test_rules_of_another_team_or_company_do_nothing(self):
        team = self.env["crm.team"].create({"name": "Other"})
        company = self.env["res.company"].create({"name": "Other Clinic"})
        for owner in ({"team_id": team.id}, {"company_id": company.id}):
            self.stage_rule.copy({"manychat_state": "Other", "back_tag": "theirs", **owner})
        self.move("quotation_started")
        self.assertEqual(self.entries(), [None])

    def test_a_lead_that_has_left_the_stage_gets_nothing_of_it(self):
        self.stage_rule.back_flow = "content1"
        self.move("quotation_started")
        self.move("waiting")
        self.assertEqual(self.entries(), [None, None])

    def test_what_manychat_itself_moved_starts_nothing(self):
        self.stage_rule.back_flow = "content1"
        self.sync_one("e2", 2, state=self.stage_rule.manychat_state)
        self.assertEqual(self.lead().stage_id, self.stage("quotation_started"))
        self.assertEqual(self.answer()["changes"], [])

    def test_only_a_manager_may_set_it_up(self):
        with self.assertRaises(AccessError):
            self.stage_rule.with_user(self.seller).back_flow = "content1"
        self.stage_rule.with_user(self.mapper).back_flow = "content1"

    def test_a_neutralized_copy_writes_nothing_back(self):
        with file_open("miasalud_crm/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.registry.clear_all_caches()
        self.assertEqual(self.answer()["write_back"]["mode"], "off")


class TestHint(ManychatCase):
    """The bridge is told after the commit that there is news."""

    def setUp(self):
        super().setUp()
        self.sync_one("e1", 1, state="Nuevo", commercial={"email": "seller@clinic.example"})
        self.mine = self.lead().with_user(self.seller)
        self.set_param("bridge_url", "http://127.0.0.1:8000/x")
        self.set_param("bridge_key", "key-1")
        self.env.cr.postcommit.clear()

    def rung(self):
        """Return the URLs and keys that are rung for two changes and a commit."""
        with patch(RING) as ring:
            self.mine.phone = "+51922222222"
            self.mine.phone = "+51933333333"
            self.assertFalse(ring.called)
            self.env.cr.postcommit.run()
        return [(call.args[0].url, call.args[1]) for call in ring.call_args_list]

    def test_changes_of_one_transaction_are_one_hint_after_its_commit(self):
        self.assertEqual(self.rung(), [("http://127.0.0.1:8000/x", "key-1")])

    def test_what_is_rolled_back_gives_none(self):
        with patch(RING) as ring:
            self.mine.phone = "+51922222222"
            self.env.cr.postcommit.clear()
            self.env.cr.postcommit.run()
        self.assertFalse(ring.called)

    def test_without_url_or_key_or_with_a_url_that_is_none_there_is_no_hint(self):
        for name, value in (("bridge_key", False), ("bridge_url", False), ("bridge_url", "x")):
            self.env.cr.postcommit.clear()
            self.set_param(name, value)
            self.assertEqual(self.rung(), [], name)

    def test_what_the_bridge_brings_gives_none(self):
        with patch(RING) as ring:
            self.sync_one("e2", 2, first_name="Eva")
            self.env.cr.postcommit.run()
        self.assertFalse(ring.called)


class _Bridge(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append((self.path, self.headers["X-API-KEY"]))
        self.server.go_on.wait(10)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


class TestHintSent(ManychatCase):
    def setUp(self):
        super().setUp()
        self.server = HTTPServer(("127.0.0.1", 0), _Bridge)
        self.server.asked, self.server.go_on, self.server.status = [], threading.Event(), 202
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.go_on.set)
        self.bell = bridge_hint._Bell()

    def ring(self, times=1, port=None):
        for _ in range(times):
            self.bell.ring(read_url(f"http://127.0.0.1:{port or self.server.server_port}"), "k")

    def settled(self, count):
        """Wait until so many hints arrived and none is under way."""
        deadline = time.monotonic() + 10
        while (len(self.server.asked), self.bell._busy) != (count, False):
            self.assertLess(time.monotonic(), deadline, self.server.asked)
            time.sleep(0.01)

    def test_nobody_waits_and_hints_that_come_meanwhile_are_one(self):
        self.ring(20)
        self.server.go_on.set()
        deadline = time.monotonic() + 10
        while self.bell._busy and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertIn(len(self.server.asked), (1, 2))
        self.assertEqual(set(self.server.asked), {(HINT_PATH, "k")})

    def test_a_bridge_that_refuses_or_is_away_costs_nothing_and_later_hints_go_on(self):
        self.server.go_on.set()
        self.server.status = 401
        self.ring()
        self.settled(1)
        self.ring(port=9)
        self.settled(1)
        self.ring()
        self.settled(2)
