import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import patch

import requests
from odoo.exceptions import AccessError, UserError

from ..sync import bridge_request
from ..sync.bridge_url import UnsafeUrl, read_url, safe_address
from .common import ManychatCase

ENDPOINTS = json.dumps({"status": "ok", "endpoints": ["POST /a", "POST /b"]})
LOOK_UP = socket.getaddrinfo


class _Bridge(BaseHTTPRequestHandler):
    """Answers as its server is told, and remembers what was asked."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def bridge(status=200, body=ENDPOINTS, **headers):
    """Serve one bridge on a free port of the loopback; ``asked`` lists what it was asked."""
    server = HTTPServer(("127.0.0.1", 0), _Bridge)
    server.status, server.body, server.headers, server.asked = status, body, headers, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestConnection(ManychatCase):
    def settings(self, url, key="key-1"):
        vals = {"manychat_bridge_url": url, "manychat_bridge_key": key}
        admin = self.env.ref("base.user_admin")
        return self.env["res.config.settings"].create(vals).with_user(admin)

    def tried(self, server, host="127.0.0.1", key="key-1"):
        """Return the notification that a test of ``server`` ends in."""
        settings = self.settings(f"http://{host}:{server.server_port}/", key)
        return settings.action_manychat_test_connection()["params"]

    def param(self, name):
        return self.env["ir.config_parameter"].get_param(f"miasalud_crm.{name}")

    def test_bridge_that_takes_the_key_is_told_with_its_webhooks(self):
        with bridge() as server:
            said = self.tried(server)
        self.assertEqual(said["type"], "success")
        self.assertIn("2", said["message"])
        [(path, headers)] = server.asked
        self.assertEqual(path, "/api/v1/manychat/webhook/verify")
        self.assertEqual(headers["X-API-KEY"], "key-1")

    def test_whatever_else_answers_is_told_and_is_no_success(self):
        for status, body in ((200, "<html>"), (200, "[]"), (401, "{}"), (404, ""), (500, "x")):
            with bridge(status, body) as server:
                said = self.tried(server)
            self.assertEqual(said["type"], "danger")
            self.assertIn(str(status), said["message"])

    def test_redirect_is_not_followed(self):
        with bridge() as other:
            target = f"http://127.0.0.1:{other.server_port}/"
            with bridge(302, Location=target) as server:
                said = self.tried(server)
        self.assertIn("302", said["message"])
        self.assertEqual((said["type"], other.asked), ("danger", []))

    def test_bridge_that_is_away_is_told_without_details(self):
        with patch.object(
            requests.Session, "request", side_effect=requests.ConnectionError("secret")
        ):
            said = self.settings("http://127.0.0.1:1").action_manychat_test_connection()["params"]
        self.assertEqual(said["type"], "danger")
        self.assertIn("ConnectionError", said["message"])
        self.assertNotIn("secret", said["message"])

    def test_the_test_waits_no_longer_than_ten_seconds(self):
        with patch.object(requests.Session, "request", side_effect=requests.Timeout) as get:
            self.settings("http://127.0.0.1:1").action_manychat_test_connection()
        self.assertLessEqual(get.call_args.kwargs["timeout"], 10)

    def test_only_a_system_administrator_may_test(self):
        settings = self.settings("http://127.0.0.1:1")
        with self.assertRaises(AccessError), patch.object(requests.Session, "request") as get:
            settings.with_user(self.mapper).sudo(False).action_manychat_test_connection()
        get.assert_not_called()

    def test_key_is_sent_to_no_other_host_than_it_was_typed_for(self):
        with bridge() as first, bridge() as second:
            self.settings(f"http://127.0.0.1:{first.server_port}").execute()
            self.assertEqual(self.tried(first, key=False)["type"], "success")
            for host in ("127.0.0.1", "localhost"):
                with self.assertRaises(UserError):
                    self.tried(second, host, key=False)
            self.assertEqual(second.asked, [])
            self.assertEqual(self.tried(second, key="key-2")["type"], "success")
        self.assertEqual(first.asked[0][1]["X-API-KEY"], "key-1")
        self.assertEqual(second.asked[0][1]["X-API-KEY"], "key-2")

    def test_saved_key_stays_while_the_host_does(self):
        self.settings("https://bridge.example").execute()
        self.settings("https://bridge.example/base", key=False).execute()
        self.assertEqual(self.param("bridge_key"), "key-1")
        for url in ("http://bridge.example", "https://other.example", "https://bridge.example:8"):
            with self.assertRaises(UserError, msg=url), self.env.cr.savepoint():
                self.settings(url, key=False).execute()
        self.settings("https://other.example", key="key-2").execute()
        self.assertEqual(self.param("bridge_key"), "key-2")

    def test_no_url_is_no_link_and_no_key(self):
        self.settings("https://bridge.example").execute()
        self.settings(False, key=False).execute()
        self.assertFalse(self.param("bridge_url") or self.param("bridge_key"))

    def test_saved_key_is_shown_to_nobody(self):
        settings = self.settings("https://bridge.example")
        settings.execute()
        self.assertFalse(settings.manychat_bridge_key)
        shown = self.env["res.config.settings"].create({})
        self.assertEqual(shown.manychat_bridge_url, "https://bridge.example")
        self.assertFalse(shown.manychat_bridge_key)
        self.assertTrue(shown.manychat_bridge_key_kept)
        with self.assertRaises(AccessError):
            shown.with_user(self.mapper).read(["manychat_bridge_url"])

    def test_other_settings_can_be_saved_beside_a_url_that_was_never_one(self):
        self.set_param("bridge_url", "nonsense")
        self.set_param("bridge_key", "key-1")
        self.settings("nonsense", key=False).execute()
        self.assertEqual(self.param("bridge_key"), "key-1")
        with self.assertRaises(UserError):
            self.settings("other nonsense").execute()

    def test_addresses_that_are_no_bridge_are_refused(self):
        for url in (
            "",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "http://",
            "http://169.254.169.254/x",
            "http://[fe80::1]/",
            "http://[fe80::1%25eth0]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "http://0.0.0.0:1/",
            "http://[::]/",
            "http://224.0.0.1/",
            "http://[fd00:ec2::254]/",
            "http://2852039166/",
            "http://user:pass@127.0.0.1/",
            "http://127.0.0.1/?x=1",
            "http://127.0.0.1:99999/",
            "javascript:alert(1)",
        ):
            with self.assertRaises(UserError, msg=url), patch.object(requests.Session, "request"):
                self.settings(url).action_manychat_test_connection()

    def test_host_of_which_one_address_is_link_local_is_refused(self):
        found = [(2, 1, 6, "", ("10.0.0.1", 80)), (2, 1, 6, "", ("169.254.169.254", 80))]
        with patch("socket.getaddrinfo", return_value=found), self.assertRaises(UnsafeUrl):
            safe_address(read_url("http://bridge.example"))

    def test_name_that_is_looked_up_again_leads_nowhere_else(self):
        """The check saw a harmless address; a second answer must not be connected to."""
        looked_up = []

        def rebinding(host, *args, **kwargs):
            if host != "bridge.example":
                return LOOK_UP(host, *args, **kwargs)
            looked_up.append(host)
            address = "127.0.0.1" if len(looked_up) == 1 else "169.254.169.254"
            return [(2, 1, 6, "", (address, args[0]))]

        with bridge() as server, patch("socket.getaddrinfo", rebinding):
            said = self.tried(server, "bridge.example")
        self.assertEqual((said["type"], len(looked_up)), ("success", 1))
        [(_path, headers)] = server.asked
        self.assertEqual(headers["Host"], f"bridge.example:{server.server_port}")

    def test_certificate_is_asked_for_by_name_though_the_address_is_used(self):
        made = bridge_request._NamedHost("bridge.example").poolmanager.connection_pool_kw
        self.assertEqual(made["server_hostname"], "bridge.example")
        self.assertEqual(made["assert_hostname"], "bridge.example")

    def test_urls_are_read_in_parts(self):
        for text, url in (
            (" http://127.0.0.1:8000/ ", "http://127.0.0.1:8000"),
            ("https://10.1.2.3/base/", "https://10.1.2.3/base"),
            ("https://Bridge.Example:443", "https://bridge.example"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ):
            self.assertEqual(read_url(text).url, url)
