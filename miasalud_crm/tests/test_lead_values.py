from odoo.tests import new_test_user

from .common import ManychatCase, event


class TestLeadValues(ManychatCase):
    def test_lead_without_a_name_is_named_by_its_manychat_id(self):
        self.sync_one("e1", 1, "mc-77")
        self.assertEqual(
            (self.lead("mc-77").name, self.lead("mc-77").contact_name), ("ManyChat mc-77", False)
        )

    def test_values_land_in_their_fields(self):
        self.sync_one(
            "e1",
            1,
            first_name="Ana",
            last_name="Pérez",
            phone="+51911111111",
            email="a@mail.example",
            gender="female",
            summary="Pide cita",
            subscribed_at="2025-10-01T10:00:00.000000Z",
            entry_date="2025-10-02T10:00:00Z",
        )
        lead = self.lead()
        self.assertEqual(
            (lead.contact_name, lead.phone, lead.email_from),
            ("Ana Pérez", "+51911111111", "a@mail.example"),
        )
        self.assertEqual((lead.manychat_gender, lead.manychat_summary), ("female", "Pide cita"))
        self.assertEqual((lead.manychat_subscribed_at.day, lead.manychat_entry_date.day), (1, 2))

    def test_half_a_name_leaves_the_other_half(self):
        self.sync_one("e1", 1, first_name="Ana", last_name="Pérez")
        self.sync_one("e2", 2, last_name="Pérez Soto")
        self.assertEqual(self.lead().name, "Ana Pérez Soto")
        self.sync_one("e3", 3, first_name=False)
        self.assertEqual(self.lead().name, "Pérez Soto")

    def test_guessed_channel_fills_a_gap_and_never_beats_a_written_one(self):
        written = event("e1", 1, channel="Instagram")
        guess = {**event("e2", 9, channel="WhatsApp"), "guessed": ["channel"]}
        for contact, order in {"mc-1": (written, guess), "mc-2": (guess, written)}.items():
            for step in order:
                own = {"manychat_id": contact, "event_id": f"{contact}-{step['event_id']}"}
                self.sync({**step, **own})
            self.assertEqual(self.lead(contact).source_id.name, "Instagram")
        self.sync({**guess, "manychat_id": "mc-3"})
        self.assertEqual(self.lead("mc-3").source_id.name, "WhatsApp")

    def test_channel_is_found_by_its_folded_name_and_never_doubled(self):
        source = self.env["utm.source"].create({"name": "Tik-Tok Ads"})
        self.sync(
            event("e1", 1, "mc-1", channel="tik tok ADS"),
            event("e2", 1, "mc-2", channel="Canal Ñuevo"),
            event("e3", 1, "mc-3", channel="canal nuevo"),
        )
        self.assertEqual(self.lead("mc-1").source_id, source)
        self.assertEqual(self.lead("mc-2").source_id, self.lead("mc-3").source_id)
        self.assertEqual(self.lead("mc-2").source_id.name, "Canal Ñuevo")
        self.assertEqual(
            self.env["utm.source"].search_count([("name", "=like", "Canal Ñuevo%")]), 1
        )

    def test_channel_is_cleared(self):
        self.sync_one("e1", 1, channel="WhatsApp")
        self.sync_one("e2", 2, channel=False)
        self.assertFalse(self.lead().source_id)

    def test_campaign_is_found_by_its_folded_name_archived_or_not(self):
        campaign = self.env["utm.campaign"].create({"name": "Campaña Otoño", "active": False})
        self.sync_one("e1", 1, "mc-1", campaign={"id": 85, "name": "campana OTONO"})
        self.sync_one("e2", 1, "mc-2", campaign={"id": 85, "name": "100%_Verano"})
        self.sync_one("e3", 1, "mc-3", campaign={"id": 85, "name": "100%_verano"})
        self.sync_one("e4", 1, "mc-4", campaign={"id": 86, "name": None})
        self.assertEqual(self.lead("mc-1").campaign_id, campaign)
        self.assertEqual(self.lead("mc-2").campaign_id, self.lead("mc-3").campaign_id)
        self.assertEqual(self.lead("mc-4").campaign_id.title, "ManyChat 86")
        self.assertNotEqual(self.lead("mc-2").campaign_id.user_id, self.bridge)

    def test_advisor_is_found_by_odoo_id_else_by_email(self):
        self.sync_one(
            "e1",
            1,
            "mc-1",
            commercial={"odoo_id": self.seller.id, "name": "Somebody"},
            medical={"email": "SELLER@clinic.example"},
        )
        lead = self.lead("mc-1")
        self.assertEqual((lead.manychat_commercial_id, lead.user_id), (self.seller, self.seller))
        self.assertEqual(lead.manychat_medical_id, self.seller)
        self.assertFalse(lead.manychat_commercial_ref)

    def test_unknown_advisor_is_kept_as_text_and_is_no_error(self):
        result = self.sync_one("e1", 1, commercial={"name": "700"}, medical={"id": 12})
        lead = self.lead()
        self.assertEqual(result["status"], "created")
        self.assertEqual((lead.manychat_commercial_ref, lead.manychat_medical_ref), ("700", "12"))
        self.assertFalse(lead.manychat_commercial_id or lead.manychat_medical_id or lead.user_id)

    def test_portal_user_is_no_advisor(self):
        self.sync_one("e1", 1, commercial={"odoo_id": self.bridge.id, "name": "Bridge"})
        self.assertEqual(self.lead().manychat_commercial_ref, "Bridge")
        self.assertFalse(self.lead().user_id)

    def test_user_of_another_company_only_is_no_advisor(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        user = new_test_user(
            self.env,
            "elsewhere",
            groups="base.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
            email="elsewhere@clinic.example",
        )
        self.sync_one("e1", 1, commercial={"odoo_id": user.id, "name": "Elsewhere"})
        self.assertEqual(self.lead().manychat_commercial_ref, "Elsewhere")

    def test_unknown_advisor_gives_the_lead_to_the_default_salesperson(self):
        self.set_param("user_id", self.seller.id)
        self.sync_one("e1", 1, commercial={"name": "700"})
        self.assertEqual(self.lead().user_id, self.seller)

    def test_cleared_advisor_gives_the_lead_back(self):
        self.sync_one("e1", 1, commercial={"odoo_id": self.seller.id})
        self.sync_one("e2", 2, commercial=False)
        self.assertFalse(self.lead().user_id or self.lead().manychat_commercial_id)

    def test_lead_without_salesperson_stays_in_its_company(self):
        self.sync_one("e1", 1)
        self.sync_one("e2", 2, commercial={"odoo_id": self.seller.id})
        self.sync_one("e3", 3, commercial=False)
        self.assertEqual(self.lead().company_id, self.bridge.company_id)

    def test_advisor_of_another_team_leaves_the_lead_in_its_team_and_stage(self):
        other = self.env["crm.team"].create({"name": "Other"})
        self.env["crm.team.member"].create({"user_id": self.seller.id, "crm_team_id": other.id})
        self.sync_one("e1", 1, state="Comienza Cotización")
        self.sync_one("e2", 2, commercial={"odoo_id": self.seller.id})
        lead = self.lead()
        self.assertEqual((lead.team_id, lead.user_id), (self.team, self.seller))
        self.assertEqual(lead.stage_id, self.stage("quotation_started"))
        self.assertEqual(self.seller.crm_team_ids, other)

    def test_advisor_without_a_team_becomes_a_member(self):
        self.sync_one("e1", 1, "mc-1", commercial={"odoo_id": self.seller.id})
        self.sync_one("e2", 1, "mc-2", commercial={"odoo_id": self.seller.id})
        self.assertIn(self.seller, self.team.member_ids)

    def test_address_lands_by_its_parts(self):
        peru = self.env.ref("base.pe")
        self.sync_one(
            "e1",
            1,
            address={
                "street": "Av. Inventada 123",
                "district": "Miraflores",
                "city": "Lima",
                "state": "LIMA",
                "country": "PERÚ",
            },
        )
        lead = self.lead()
        self.assertEqual(
            (lead.street, lead.street2, lead.city), ("Av. Inventada 123", "Miraflores", "Lima")
        )
        self.assertEqual((lead.country_id, lead.state_id.country_id), (peru, peru))
        self.sync_one("e2", 2, address={"street": "Jr. Otro 5", "district": False})
        self.assertEqual(
            (self.lead().street, self.lead().street2, self.lead().city),
            ("Jr. Otro 5", False, "Lima"),
        )
        self.assertEqual(self.lead().country_id, peru)

    def test_unknown_country_and_state_are_kept_where_they_can_be_read(self):
        self.sync_one("e1", 1, address={"state": "Narnia Norte", "country": "Narnia"})
        lead = self.lead()
        self.assertFalse(lead.country_id or lead.state_id)
        self.assertEqual(lead.manychat_values["address.country"]["value"], "Narnia")

    def test_newest_writer_of_each_address_part_stands(self):
        self.sync_one("e2", 5, address={"street": "New 1"})
        self.sync_one("e1", 1, address={"street": "Old 1", "city": "Cusco"})
        self.assertEqual((self.lead().street, self.lead().city), ("New 1", "Cusco"))
