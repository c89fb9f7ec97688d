from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger
from psycopg2 import errors

from ..models.crm_lead import SYNC_FIELDS
from .common import ManychatCase, event


class TestRights(ManychatCase):
    def setUp(self):
        super().setUp()
        self.sync_one("e1", 1, first_name="Ana", state="Nuevo")

    def assert_denied(self, call):
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            call()
            self.env.flush_all()

    def test_only_the_bridge_may_sync(self):
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        portal = new_test_user(self.env, "portal-only", groups="base.group_portal")
        for user in (internal, portal, self.seller, self.mapper, self.env.ref("base.user_admin")):
            leads = self.env["crm.lead"].with_user(user)
            self.assert_denied(lambda leads=leads: leads.manychat_sync([event("e2", 2)]))
            self.assert_denied(lambda leads=leads: leads.manychat_health())

    def test_bridge_reads_and_writes_nothing_by_itself(self):
        lead = self.lead()
        for model in (
            "crm.lead",
            "crm.stage",
            "manychat.event",
            "manychat.stage.history",
            "manychat.stage.mapping",
            "crm.team",
            "utm.source",
        ):
            records = self.env[model].with_user(self.bridge)
            self.assert_denied(lambda records=records: records.search([]))
        mine = lead.with_user(self.bridge)
        self.assert_denied(lambda: mine.read(["name"]))
        self.assert_denied(lambda: mine.write({"name": "x"}))
        self.assert_denied(mine.unlink)
        self.assert_denied(lambda: mine.create({"name": "x"}))

    def test_salesperson_and_manager_cannot_write_sync_fields(self):
        lead = self.lead()
        lead.user_id = self.seller
        for user in (self.seller, self.mapper, self.env.ref("base.user_admin")):
            for name in SYNC_FIELDS:
                self.assert_denied(
                    lambda name=name, user=user: lead.with_user(user).write({name: False})
                )

    def test_token_in_an_rpc_context_opens_nothing(self):
        lead = self.lead().with_user(self.mapper).with_context(manychat_sync_token=True)
        self.assert_denied(lambda: lead.write({"manychat_state": "x"}))
        lead.stage_id = self.stage("quotation_started")
        self.assertEqual(self.lead().manychat_history_ids[0].kind, "person")

    def test_salesperson_cannot_create_a_lead_with_sync_fields(self):
        leads = self.env["crm.lead"].with_user(self.seller)
        self.assert_denied(lambda: leads.create({"name": "x", "manychat_id": "mc-9"}))
        self.assert_denied(
            lambda: leads.with_context(default_manychat_id="mc-9").create({"name": "x"})
        )
        self.env["ir.default"].set("crm.lead", "manychat_state", "x", user_id=self.seller.id)
        self.assert_denied(lambda: leads.create({"name": "x"}))

    def test_blank_sync_fields_do_not_hinder_a_salesperson(self):
        lead = (
            self.env["crm.lead"]
            .with_user(self.seller)
            .create({"name": "x", "manychat_unmapped": False, "manychat_id": ""})
        )
        self.assertFalse(lead.manychat_id)

    def test_copy_of_a_lead_is_no_manychat_contact(self):
        copy = self.lead().with_user(self.mapper).copy()
        self.assertFalse(
            any(copy.sudo().mapped(name)[0] for name in SYNC_FIELDS if copy.sudo().mapped(name))
        )
        self.assertFalse(copy.manychat_history_ids)

    def test_blank_manychat_id_is_no_id(self):
        leads = self.env["crm.lead"].create([{"name": "a", "manychat_id": " "}, {"name": "b"}])
        leads.write({"manychat_id": ""})
        self.env.flush_all()
        self.env.cr.execute("SELECT manychat_id FROM crm_lead WHERE id IN %s", [tuple(leads.ids)])
        self.assertEqual(self.env.cr.fetchall(), [(None,), (None,)])

    @mute_logger("odoo.sql_db")
    def test_two_leads_of_a_company_never_share_an_id_archived_or_not(self):
        self.lead().action_archive()
        with self.assertRaises(errors.UniqueViolation), self.env.cr.savepoint():
            self.env["crm.lead"].create({"name": "double", "manychat_id": "mc-1"})
            self.env.flush_all()

    def test_salesperson_reads_the_history_of_own_and_unassigned_leads_only(self):
        other = new_test_user(self.env, "other", groups="sales_team.group_sale_salesman")
        history = self.env["manychat.stage.history"].with_user(self.seller)
        mine = [("lead_id", "=", self.lead().id)]
        self.assertEqual(history.search_count(mine), 1)
        self.lead().user_id = other
        self.assertEqual(history.search_count(mine), 0)
        self.assertEqual(history.with_user(self.mapper).search_count(mine), 1)
        self.lead().user_id = self.seller
        self.lead().action_archive()
        self.assertEqual(history.search_count([*mine, ("kind", "=", "manychat")]), 1)

    def test_history_and_events_of_another_company_are_not_seen(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.lead().write({"company_id": other.id, "team_id": False, "user_id": False})
        self.env["manychat.event"].search([]).company_id = other
        for model in ("manychat.stage.history", "manychat.event"):
            self.assertFalse(self.env[model].with_user(self.mapper).search([]), model)

    def test_nobody_writes_history_or_events(self):
        row = self.lead().manychat_history_ids
        ledger = self.env["manychat.event"].search([("event_id", "=", "e1")])
        for user in (self.seller, self.mapper):
            self.assert_denied(lambda user=user: row.with_user(user).write({"state": "x"}))
            self.assert_denied(row.with_user(user).unlink)
            self.assert_denied(lambda user=user: ledger.with_user(user).write({"status": "stale"}))

    def test_salesperson_reads_rules_and_only_a_manager_writes_them(self):
        rule = self.Rule.search([], limit=1)
        self.assertTrue(rule.with_user(self.seller).read(["manychat_state"]))
        self.assert_denied(lambda: rule.with_user(self.seller).write({"sequence": 1}))
        self.assert_denied(lambda: self.env["manychat.event"].with_user(self.seller).search([]))
        rule.with_user(self.mapper).sequence = 1
        sales_manager = new_test_user(self.env, "boss", groups="sales_team.group_sale_manager")
        rule.with_user(sales_manager).sequence = 2

    def test_kept_values_are_for_system_administrators(self):
        for name, record in (
            ("manychat_values", self.lead()),
            ("values", self.env["manychat.event"].search([], limit=1)),
        ):
            self.assert_denied(
                lambda name=name, record=record: record.with_user(self.mapper).read([name])
            )

    def test_what_is_left_to_compute_is_not_read_with_the_bridges_rights(self):
        """As in a request, whose first environment is the caller's: a cursor flushes with it."""
        caller = self.env["crm.lead"].with_user(self.bridge).env
        transaction = type(self.env.cr.transaction)
        nobody = {"id": False, "odoo_id": False, "email": "nobody@clinic.example", "name": "x"}
        with patch.object(transaction, "flush", lambda _transaction: caller.flush_all()):
            result = self.sync_one("e2", 2, campaign={"id": 1, "name": "Otoño"}, commercial=nobody)
        self.assertEqual((result["status"], result["message"]), ("updated", ""))
