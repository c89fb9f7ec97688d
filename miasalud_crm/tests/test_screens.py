from html import escape

from odoo.exceptions import ValidationError
from odoo.tests import Form

from ..const import CHANNEL_ICONS, OTHER_CHANNEL_ICON
from ..models.res_config_account import account_number
from .common import ManychatCase, event

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class TestSalespersonScreens(ManychatCase):
    def mine(self, manychat_id="mc-1"):
        return self.lead(manychat_id).with_user(self.seller)

    def given(self, event_id, minute=0, manychat_id="mc-1", **values):
        """Sync one event of a lead that the salesperson has."""
        commercial = values.pop("commercial", {"odoo_id": self.seller.id})
        self.sync(event(event_id, minute, manychat_id, commercial=commercial, **values))
        return self.mine(manychat_id)

    def test_every_channel_has_its_icon_whatever_its_spelling(self):
        channels = ("WhatsApp", "FACEBOOK", "Facebook Ads", "instagram", "TikTok", "Fax")
        for number, name in enumerate(channels):
            lead = self.given(f"e{number}", 1, f"mc-{number}", channel=name)
            icon = CHANNEL_ICONS.get(name.lower(), OTHER_CHANNEL_ICON)
            self.assertEqual(lead.manychat_channel_icon, icon, name)

    def test_conversation_opens_where_the_account_is_known(self):
        self.set_param("account", "fb123")
        lead = self.given("e1", 1, "55/../7?x=#")
        url = "https://app.manychat.com/fb123/chat/55%2F..%2F7%3Fx%3D%23"
        self.assertEqual(lead.manychat_chat_url, url)
        self.assertEqual(lead.action_manychat_open()["url"], url)

    def test_conversation_cannot_be_opened_without_account_or_contact(self):
        lead = self.given("e1", 1)
        self.assertFalse(lead.manychat_chat_url)
        self.set_param("account", "123")
        self.env.invalidate_all()
        self.assertTrue(lead.manychat_chat_url)
        self.assertFalse(self.env["crm.lead"].create({"name": "x"}).manychat_chat_url)

    def test_account_is_a_number_or_an_address_that_holds_it(self):
        for text in ("123", " fb123 ", "https://app.manychat.com/fb123/dashboard"):
            self.assertEqual(account_number(text), "123", text)
        for text in ("", "fb", "javascript:1", "https://evil.example/fb1", "12a", "١٢"):
            self.assertEqual(account_number(text), "", text)
        with self.assertRaises(ValidationError):
            self.env["res.config.settings"].create({"manychat_account": "my page"})

    def test_waiting_is_who_has_nobody_or_whose_advisor_has_not_begun(self):
        self.given("e1", 1, "nobody", state="Comienza Atención Comercial", commercial=False)
        self.given("e2", 1, "assigned", state="Asignado a médico")
        self.given("e3", 1, "begun", state="Comienza Asesoría Médica")
        self.given("e4", 1, "sold", state="Venta exitosa", commercial=False)
        leads = self.env["crm.lead"].with_user(self.seller)
        mine = [("manychat_id", "in", ("nobody", "assigned", "begun", "sold"))]
        found = {}
        for answer in (True, False):
            found[answer] = leads.search([*mine, ("manychat_waiting", "=", answer)])
            self.assertEqual(set(found[answer].mapped("manychat_waiting")), {answer})
        self.assertEqual(set(found[True].mapped("manychat_id")), {"nobody", "assigned"})
        self.assertEqual(set(found[False].mapped("manychat_id")), {"begun", "sold"})
        self.assertEqual(leads.search([*mine, ("manychat_waiting", "!=", True)]), found[False])

    def test_search_has_the_salespersons_filters_and_groups(self):
        view = self.env.ref("crm.view_crm_case_opportunities_filter")
        arch = self.env["crm.lead"].with_user(self.seller).get_view(view.id, "search")["arch"]
        for name in (
            "manychat",
            "manychat_state_today",
            "manychat_waiting",
            "manychat_unmapped",
            "group_by_manychat_channel",
            "group_by_manychat_state",
        ):
            self.assertIn(f'name="{name}"', arch)

    def test_markup_from_manychat_is_text_in_chatter_and_activity(self):
        stage = self.stage("quotation_started").id
        self.Rule.create({"manychat_state": HOSTILE, "stage_id": stage})
        lead = self.given("e1", 1, state="Venta exitosa", first_name=HOSTILE, channel=HOSTILE)
        self.sync_one("e2", 2, state=HOSTILE, summary=HOSTILE, medical={"name": HOSTILE})
        self.assertEqual((lead.contact_name, lead.manychat_state), (HOSTILE, HOSTILE))
        # a won lead whose client is back: a note, and an activity for its salesperson
        bodies = " ".join(lead.message_ids.mapped("body"))
        self.assertIn(escape(HOSTILE), bodies)
        self.assertIn(HOSTILE, lead.activity_ids.summary)
        for html in (bodies, lead.activity_ids.note or ""):
            self.assertNotRegex(html, "<(img|script)")

    def test_form_opens_with_markup_from_manychat(self):
        lead = self.given("e1", 1, state="Nuevo", first_name=HOSTILE)
        with Form(lead, "crm.crm_lead_view_form") as form:
            self.assertEqual(form.manychat_state, "Nuevo")
            form.description = "seen"
        self.assertEqual(self.lead().name, HOSTILE)
