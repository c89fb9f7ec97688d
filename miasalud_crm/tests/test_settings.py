from unittest.mock import MagicMock, patch

import requests
from odoo.exceptions import AccessError, UserError
from odoo.tools import file_open

from ..sync.bridge_url import UnsafeUrl, checked_url
from .common import ManychatCase

GET = "odoo.addons.miasalud_crm.models.res_config_settings.requests.get"


class TestSettings(ManychatCase):
    def settings(self, url="http://127.0.0.1:8000/", **vals):
        return (
            self.env["res.config.settings"]
            .create({"manychat_bridge_url": url, "manychat_bridge_key": "key-1", **vals})
            .with_user(self.env.ref("base.user_admin"))
        )

    def answered(self, status):
        """Return the notification shown when the bridge answers with ``status``."""
        answer = MagicMock(status_code=status)
        answer.__enter__.return_value = answer
        with patch(GET, return_value=answer) as get:
            params = self.settings().action_manychat_test_connection()["params"]
        self.assertEqual(
            get.call_args.args, ("http://127.0.0.1:8000/api/v1/manychat/webhook/verify",)
        )
        self.assertEqual(get.call_args.kwargs["headers"], {"X-API-KEY": "key-1"})
        self.assertFalse(get.call_args.kwargs["allow_redirects"])
        self.assertLessEqual(get.call_args.kwargs["timeout"], 10)
        return params

    def test_settings_are_kept_and_used(self):
        team = self.env["crm.team"].create({"name": "Own"})
        self.settings(
            manychat_team_id=team.id,
            manychat_user_id=self.seller.id,
            manychat_fallback_stage_id=self.stage("waiting").id,
            manychat_unmapped="fallback",
            manychat_edited="newer",
        ).execute()
        self.assertFalse(self.env["res.config.settings"]._manychat_settings().keep_edited)
        self.sync_one("e1", 1, state="Nunca visto")
        lead = self.lead()
        self.assertEqual((lead.team_id, lead.user_id), (team, self.seller))
        self.assertEqual(lead.stage_id, self.stage("waiting"))

    def test_edited_fields_are_kept_unless_the_settings_say_otherwise(self):
        self.settings().execute()
        self.assertTrue(self.env["res.config.settings"]._manychat_settings().keep_edited)

    def test_team_of_another_company_is_not_used(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        team = self.env["crm.team"].create({"name": "Theirs", "company_id": other.id})
        self.set_param("team_id", team.id)
        self.sync_one("e1", 1)
        self.assertEqual(self.lead().team_id, self.team)

    def test_connection_test_says_what_answered(self):
        self.assertEqual(self.answered(200)["type"], "success")
        for status in (401, 302, 404, 500):
            params = self.answered(status)
            self.assertEqual(params["type"], "danger")
            self.assertIn(str(status), params["message"])

    def test_connection_test_survives_a_bridge_that_is_away(self):
        with patch(GET, side_effect=requests.ConnectionError("secret detail")):
            params = self.settings().action_manychat_test_connection()["params"]
        self.assertEqual(params["type"], "danger")
        self.assertIn("ConnectionError", params["message"])
        self.assertNotIn("secret", params["message"])

    def test_connection_test_is_for_system_administrators(self):
        settings = self.settings()
        with self.assertRaises(AccessError), patch(GET) as get:
            settings.with_user(self.mapper).sudo(False).action_manychat_test_connection()
        get.assert_not_called()

    def test_addresses_that_are_no_bridge_are_refused(self):
        for url in (
            "",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "http://",
            "http://169.254.169.254/x",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://0.0.0.0:1/",
            "http://[fd00:ec2::254]/",
            "http://2852039166/",
            "http://user:pass@127.0.0.1/",
            "http://127.0.0.1/?x=1",
            "http://127.0.0.1:99999/",
            "javascript:alert(1)",
        ):
            with self.assertRaises(UnsafeUrl, msg=url):
                checked_url(url)
            with self.assertRaises(UserError), patch(GET):
                self.settings(url).action_manychat_test_connection()

    def test_host_that_resolves_to_a_metadata_address_is_refused(self):
        found = [(2, 1, 6, "", ("10.0.0.1", 80)), (2, 1, 6, "", ("169.254.169.254", 80))]
        with patch("socket.getaddrinfo", return_value=found), self.assertRaises(UnsafeUrl):
            checked_url("http://bridge.example")

    def test_ordinary_addresses_are_taken(self):
        self.assertEqual(checked_url(" http://127.0.0.1:8000/ "), "http://127.0.0.1:8000")
        self.assertEqual(checked_url("https://10.1.2.3/base/"), "https://10.1.2.3/base")

    def test_neutralized_copy_knows_neither_bridge_nor_key(self):
        self.settings().execute()
        with file_open("miasalud_crm/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.registry.clear_cache()
        for name in ("bridge_url", "bridge_key"):
            self.assertFalse(
                self.env["ir.config_parameter"].get_param(f"miasalud_crm.{name}"), name
            )
