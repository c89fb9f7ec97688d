from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import new_test_user

from .common import ManychatCase, event

KIND = "miasalud_crm.mail_activity_new_advisor"


class TestAssignment(ManychatCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.doctor = new_test_user(
            cls.env, "test-doctor", groups="sales_team.group_sale_salesman", lang="en_US"
        )
        cls.set_param(cls, "tell_advisors", "True")

    def given(self, event_id, minute, advisors, manychat_id="mc-1"):
        return event(event_id, minute, manychat_id, **{k: self.named(u) for k, u in advisors})

    def named(self, user):
        return user and {"odoo_id": user.id}

    def told(self, manychat_id="mc-1"):
        activities = self.lead(manychat_id).activity_ids
        return activities.filtered(lambda act: act.activity_type_id == self.env.ref(KIND))

    def test_nobody_is_told_unless_the_settings_say_so(self):
        self.set_param("tell_advisors", False)
        self.sync(self.given("e1", 1, [("commercial", self.seller)]))
        self.assertFalse(self.told())

    def test_setting_is_kept(self):
        self.set_param("tell_advisors", False)
        self.env["res.config.settings"].create({"manychat_tell_advisors": True}).execute()
        self.sync(self.given("e1", 1, [("commercial", self.seller)]))
        self.assertEqual(self.told().user_id, self.seller)

    def test_commercial_and_medical_advisor_are_told_once_and_by_no_mail(self):
        before = self.env["mail.mail"].sudo().search_count([])
        sent = self.given("e1", 1, [("commercial", self.seller), ("medical", self.doctor)])
        self.sync(sent)
        self.sync(sent)
        self.sync(self.given("e2", 2, [("commercial", self.seller), ("medical", self.doctor)]))
        self.sync_one("e3", 3, state="Nuevo")
        told = self.told()
        self.assertEqual(set(told.user_id), {self.seller, self.doctor})
        self.assertEqual(len(told), 2)
        texts = {act.user_id: act.summary for act in told}
        self.assertIn("medical", texts[self.doctor])
        self.assertIn("commercial", texts[self.seller])
        self.assertEqual(self.env["mail.mail"].sudo().search_count([]), before)
        self.assertFalse(self.lead().message_partner_ids)
        notified = [("res_partner_id", "in", told.user_id.partner_id.ids)]
        self.assertFalse(self.env["mail.notification"].search(notified))

    def test_former_advisors_activity_goes_and_the_new_one_is_told(self):
        self.sync(self.given("e1", 1, [("commercial", self.seller)]))
        self.sync(self.given("e2", 2, [("commercial", self.doctor)]))
        self.assertEqual(self.told().user_id, self.doctor)
        self.sync(self.given("e3", 3, [("commercial", False)]))
        self.assertFalse(self.told())

    def test_an_activity_that_is_refused_takes_no_event_with_it(self):
        refused = patch.object(
            type(self.env["mail.activity"]), "create", side_effect=UserError("no")
        )
        with refused, self.assertLogs("odoo.addons.miasalud_crm", "WARNING"):
            [result] = self.sync(self.given("e1", 1, [("commercial", self.seller)]))
        self.assertEqual(result["status"], "created")
        self.assertEqual(self.lead().manychat_commercial_id, self.seller)
        self.assertFalse(self.told())

    def test_assignment_that_did_not_stay_tells_nobody(self):
        self.sync(
            self.given("e1", 1, [("commercial", self.seller)]),
            self.given("e2", 2, [("commercial", self.doctor)]),
            self.given("e0", 0, [("commercial", self.seller)]),
        )
        self.assertEqual(self.told().user_id, self.doctor)

    def test_user_who_is_both_advisors_is_told_once(self):
        self.sync(self.given("e1", 1, [("commercial", self.doctor), ("medical", self.doctor)]))
        self.assertEqual(len(self.told()), 1)

    def test_advisor_who_may_not_read_leads_is_not_told(self):
        clerk = new_test_user(self.env, "clerk", groups="base.group_user")
        self.sync(self.given("e1", 1, [("medical", clerk)]))
        self.assertEqual(self.lead().manychat_medical_id, clerk)
        self.assertFalse(self.told())

    def test_bad_event_beside_it_does_not_keep_an_advisor_from_being_told(self):
        results = self.sync(
            event("bad", 1, phone=5), "nonsense", self.given("e1", 1, [("commercial", self.seller)])
        )
        self.assertEqual([r["status"] for r in results], ["rejected", "rejected", "created"])
        self.assertEqual(self.told().user_id, self.seller)

    def test_whole_batch_is_told_in_as_many_queries_as_a_small_one(self):
        def queries(name, count):
            events = [
                self.given(f"{name}{n}", 1, [("medical", self.doctor)], f"{name}{n}")
                for n in range(count)
            ]
            self.sync(*(event(f"{e['event_id']}-0", 0, e["manychat_id"]) for e in events))
            start = self.env.cr.sql_log_count
            self.env["crm.lead"].with_user(self.bridge).manychat_sync(events)
            return self.env.cr.sql_log_count - start

        queries("warm", 2)
        self.set_param("tell_advisors", False)
        plain = queries("a", 12)
        self.set_param("tell_advisors", "True")
        self.assertLess(queries("b", 12) - plain, 40)

    def test_medical_advisor_reads_and_moves_the_lead_and_sees_its_history(self):
        self.sync(event("e0", 0, state="Nuevo", commercial={"odoo_id": self.seller.id}))
        lead = self.lead().with_user(self.doctor)
        history = self.env["manychat.stage.history"].with_user(self.doctor)
        self.assertFalse(lead.has_access("read"))
        self.assertFalse(history.search_count([("lead_id", "=", lead.id)]))
        self.sync(self.given("e1", 1, [("medical", self.doctor)]))
        self.assertTrue(lead.has_access("read"))
        lead.stage_id = self.stage("medical_started")
        self.assertTrue(history.search_count([("lead_id", "=", lead.id)]))


class TestLeadLinks(ManychatCase):
    def test_partner_and_campaign_show_their_leads_as_the_rules_allow(self):
        company = self.env["res.partner"].create({"name": "Clinic", "is_company": True})
        person = self.env["res.partner"].create({"name": "Ana", "parent_id": company.id})
        self.sync_one("e1", 1, campaign={"id": None, "name": "Check-up"}, state="Nuevo")
        self.sync_one("e2", 1, "mc-2", campaign={"id": None, "name": "Check-up"})
        lead = self.lead()
        lead.write({"partner_id": person.id, "user_id": self.seller.id})
        lead.action_set_lost()
        self.lead("mc-2").user_id = new_test_user(
            self.env, "other", groups="sales_team.group_sale_salesman"
        )
        self.env["crm.lead"].create({"name": "by hand", "partner_id": person.id})
        campaign = lead.campaign_id
        for record, seller, boss in ((company, 1, 1), (person, 1, 1), (campaign, 1, 2)):
            self.env.invalidate_all()
            self.assertEqual(record.with_user(self.seller).manychat_lead_count, seller)
            self.assertEqual(record.with_user(self.mapper).manychat_lead_count, boss)
            action = record.with_user(self.seller).action_manychat_leads()
            self.assertEqual(action["display_name"], action["name"])
            self.assertEqual(action["views"][0][1], "list")
            leads = self.env["crm.lead"].with_user(self.seller).with_context(**action["context"])
            self.assertEqual(leads.search(action["domain"]), lead)

    def test_partner_form_opens_for_who_sells_nothing(self):
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        arch = self.env["res.partner"].with_user(internal).get_view(view_type="form")["arch"]
        self.assertNotIn("manychat_lead_count", arch)
        seller = self.env["res.partner"].with_user(self.seller).get_view(view_type="form")["arch"]
        self.assertIn("manychat_lead_count", seller)
