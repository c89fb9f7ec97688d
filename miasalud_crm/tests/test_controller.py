import json

from odoo import release
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import event


@tagged("post_install", "-at_install")
class TestController(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bridge = new_test_user(
            cls.env, "test-bridge", groups="base.group_portal,miasalud_crm.group_bridge"
        )
        cls.seller = new_test_user(cls.env, "test-seller", groups="sales_team.group_sale_salesman")

    def key(self, user):
        return self.env["res.users.apikeys"].with_user(user).sudo()._generate(None, "test", False)

    def call(self, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.url_open(f"/miasalud/bridge/{path}", data=body, headers=headers)

    def test_batch_is_applied_and_answered_in_order(self):
        events = [event("e1", 1, state="Nuevo"), {"event_id": "e2"}]
        answer = self.call("sync", {"events": events}, self.key(self.bridge))
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(
            [result["status"] for result in answer.json()["results"]], ["created", "rejected"]
        )
        self.assertTrue(self.env["crm.lead"].search([("manychat_id", "=", "mc-1")]))

    def test_later_event_changes_team_and_salesperson_with_the_bridges_rights_alone(self):
        key = self.key(self.bridge)
        self.call("sync", {"events": [event("e1", 1)]}, key)
        self.seller.email = "seller@clinic.example"
        assigned = event("e2", 2, commercial={"email": "seller@clinic.example"})
        [result] = self.call("sync", {"events": [assigned]}, key).json()["results"]
        self.assertEqual((result["status"], result["message"]), ("updated", ""))
        lead = self.env["crm.lead"].search([("manychat_id", "=", "mc-1")])
        self.assertEqual(lead.user_id, self.seller)

    @mute_logger("odoo.http")
    def test_missing_or_wrong_key_is_401(self):
        for key in (None, "0" * 40):
            self.assertEqual(self.call("sync", {"events": []}, key).status_code, 401)
            self.assertEqual(self.call("health", key=key).status_code, 401)

    def test_key_of_another_user_is_403(self):
        key = self.key(self.seller)
        self.assertEqual(self.call("sync", {"events": []}, key).status_code, 403)
        self.assertEqual(self.call("health", key=key).status_code, 403)

    def test_body_that_cannot_be_used_has_its_own_code(self):
        key = self.key(self.bridge)
        for body in ("{broken", "\xff\xfe", "[" * 100_000, " ", [1], {}):
            self.assertEqual(self.call("sync", body, key).status_code, 422, repr(body)[:40])
        self.assertEqual(self.call("sync", {"events": 5}, key).status_code, 422)
        self.assertEqual(self.call("sync", {"events": [0] * 501}, key).status_code, 422)
        for size in (8 * 1024 * 1024 + 1, 9 * 1024 * 1024):
            self.assertEqual(self.call("sync", " " * size, key).status_code, 413)

    def test_body_without_a_length_is_counted_while_it_is_read(self):
        key = self.key(self.bridge)
        part = b" " * 65536
        url = f"{self.base_url()}/miasalud/bridge/sync"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        whole = json.dumps({"events": [event("e1", 1)]}).encode()
        small = self.opener.post(url, data=iter([whole]), headers=headers, timeout=30)
        self.assertEqual(small.json()["results"][0]["status"], "created")
        parts = (part for _number in range(8 * 1024 * 1024 // len(part) + 2))
        large = self.opener.post(url, data=parts, headers=headers, timeout=30)
        self.assertEqual(large.status_code, 413)

    def test_health_says_version_series_and_what_is_mapped(self):
        key = self.key(self.bridge)
        self.call("sync", {"events": [event("e1", 1, state="Nunca visto")]}, key)
        health = self.call("health", key=key).json()["health"]
        by_rpc = self.env["crm.lead"].with_user(self.bridge).manychat_health()
        self.assertEqual(health, by_rpc)
        rules = self.env["manychat.stage.mapping"].search_count([])
        self.assertEqual(
            health,
            {
                "addon": "miasalud_crm",
                "version": "1.0.0",
                "series": release.series,
                "mappings": rules,
                "unmapped": 1,
            },
        )

    def test_batch_by_json_rpc_gives_the_same_results(self):
        key = self.key(self.bridge)
        events = [event("e1", 1, state="Nuevo"), {"event_id": "e2"}, event("e3", 2, state="Otro")]
        by_rpc = self.make_jsonrpc_request(
            "/jsonrpc",
            {
                "service": "object",
                "method": "execute_kw",
                "args": [
                    self.env.cr.dbname,
                    self.bridge.id,
                    key,
                    "crm.lead",
                    "manychat_sync",
                    [events],
                ],
            },
        )
        self.assertEqual([r["status"] for r in by_rpc], ["created", "rejected", "updated"])
        self.assertTrue(by_rpc[2]["unmapped"])
        again = self.call("sync", {"events": events}, key).json()["results"]
        unchanged = [{**r, "status": "unchanged"} if r["lead_id"] else r for r in by_rpc]
        self.assertEqual(again, unchanged)
