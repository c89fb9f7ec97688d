from odoo.tools import convert_file

from ..const import SHIPPED_STATES
from .common import ManychatCase


class TestDemo(ManychatCase):
    def load(self):
        convert_file(self.env, "miasalud_crm", "demo/manychat_demo.xml", {}, mode="init")
        self.env.flush_all()

    def leads(self):
        return self.env["crm.lead"].search([("manychat_id", "=like", "demo-%")])

    def test_demo_shows_every_stage_and_what_waits_for_somebody(self):
        self.load()
        leads = self.leads()
        shipped = {self.stage(s.key) for s in SHIPPED_STATES if s.action == "stage"}
        self.assertEqual(set(leads.stage_id), shipped)
        self.assertTrue(all(leads.mapped("source_id")))
        self.assertEqual(len(leads.filtered("manychat_unmapped")), 3)
        self.assertEqual(leads.filtered("manychat_commercial_ref").contact_name, "Tadeo Inga")
        rejected = self.env["manychat.event"].search([("status", "=", "rejected")])
        self.assertEqual(rejected.mapped("event_id"), ["demo-rejected"])

    def test_demo_advisors_see_their_own_leads_and_no_colleagues(self):
        self.load()
        bruno = self.env.ref("miasalud_crm.demo_user_bruno")
        seen = self.leads().with_user(bruno)._filtered_access("read")
        self.assertEqual(seen.user_id, bruno)
        self.assertFalse(bruno.has_group("miasalud_crm.group_manager"))

    def test_demo_loaded_again_changes_nothing(self):
        self.load()
        before = self.env["manychat.event"].search_count([]), len(self.leads())
        self.load()
        self.assertEqual((self.env["manychat.event"].search_count([]), len(self.leads())), before)
