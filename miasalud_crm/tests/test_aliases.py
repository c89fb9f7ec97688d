from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger
from psycopg2 import errors

from .common import ManychatCase, event

REFOLD = "odoo.addons.miasalud_crm.models.manychat_refold"


class TestAliases(ManychatCase):
    def alias(self, value, **vals):
        vals = vals or {"user_id": self.seller.id}
        return self.env["manychat.alias"].with_user(self.mapper).create({"value": value, **vals})

    def unknown(self):
        self.env.invalidate_all()
        return self.env["manychat.unknown.advisor"].with_user(self.mapper).search([])

    def who_is(self, ref, user):
        """Do what *Who is it?* does, as the manager, and return its notification's text."""
        action = self.unknown().filtered(lambda row: row.ref == ref).action_make_alias()
        aliases = self.env["manychat.alias"].with_user(self.mapper)
        with Form(aliases.with_context(**action["context"]), action["views"][0][0]) as form:
            form.user_id = user
        return form.record.action_resolve()["params"]["message"]

    def test_advisor_is_found_by_the_alias_of_any_of_their_values(self):
        self.alias("Dra. Laura (101)")
        self.alias("12")
        self.alias("laura@old.example")
        for number, advisor in enumerate(
            ({"name": "dra laura 101"}, {"id": 12}, {"email": "LAURA@old.example", "id": 99})
        ):
            self.sync_one(f"e{number}", 1, f"mc-{number}", commercial=advisor, medical=advisor)
            lead = self.lead(f"mc-{number}")
            self.assertEqual(
                (lead.user_id, lead.manychat_commercial_id, lead.manychat_medical_id),
                (self.seller, self.seller, self.seller),
            )
            self.assertFalse(lead.manychat_commercial_ref)

    def test_id_and_email_go_before_an_alias(self):
        self.alias("700", user_id=self.mapper.id)
        self.sync_one("e1", 1, "mc-1", commercial={"name": "700", "odoo_id": self.seller.id})
        self.sync_one("e2", 1, "mc-2", commercial={"name": "700", "email": "seller@clinic.example"})
        self.assertEqual(self.lead("mc-1").user_id, self.seller)
        self.assertEqual(self.lead("mc-2").user_id, self.seller)

    def test_channel_and_campaign_aliases_go_before_a_name(self):
        source = self.env["utm.source"].create({"name": "Meta"})
        campaign = self.env["utm.campaign"].create({"name": "Winter"})
        self.env["utm.source"].create({"name": "FB ads"})
        self.alias("fb ADS", kind="source", source_id=source.id)
        self.alias("Invierno", kind="campaign", campaign_id=campaign.id)
        self.alias("86", kind="campaign", campaign_id=campaign.id)
        self.sync_one("e1", 1, "mc-1", channel="FB Ads", campaign={"id": 85, "name": "INVIERNO"})
        self.sync_one("e2", 1, "mc-2", campaign={"id": 86, "name": "Otro"})
        self.assertEqual(self.lead("mc-1").source_id, source)
        self.assertEqual(self.lead("mc-1").campaign_id, campaign)
        self.assertEqual(self.lead("mc-2").campaign_id, campaign)

    def test_alias_of_another_kind_or_company_does_not_count(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        source = self.env["utm.source"].create({"name": "Meta"})
        self.alias("700", kind="source", source_id=source.id)
        self.env["manychat.alias"].create(
            {"value": "700", "user_id": self.seller.id, "company_id": other.id}
        )
        self.sync_one("e1", 1, commercial={"name": "700"})
        self.assertEqual(self.lead().manychat_commercial_ref, "700")

    def test_alias_of_a_user_who_left_does_not_count(self):
        self.alias("700")
        self.seller.active = False
        self.sync_one("e1", 1, commercial={"name": "700"})
        self.assertEqual(self.lead().manychat_commercial_ref, "700")

    def test_unknown_advisors_are_listed_with_their_leads(self):
        self.sync(
            event("e1", 1, "mc-1", commercial={"name": "700"}),
            event("e2", 1, "mc-2", commercial={"name": "700"}, medical={"name": "700"}),
            event("e3", 1, "mc-3", medical={"id": 12}),
        )
        self.assertEqual(
            [(r.ref, r.lead_count, r.commercial_count, r.medical_count) for r in self.unknown()],
            [("700", 2, 2, 1), ("12", 1, 0, 1)],
        )
        action = self.unknown()[0].action_open_leads()
        found = self.env["crm.lead"].with_context(**action["context"]).search(action["domain"])
        self.assertEqual(set(found.mapped("manychat_id")), {"mc-1", "mc-2"})

    def test_naming_an_advisor_gives_them_every_lead_that_waits(self):
        self.sync(
            event("e1", 1, "mc-1", commercial={"name": "Asesor Uno"}),
            event("e2", 1, "mc-2", medical={"name": "ASESOR uno"}, commercial={"name": "Otra"}),
        )
        self.assertIn("2", self.who_is("Asesor Uno", self.seller))
        first, second = self.lead("mc-1"), self.lead("mc-2")
        self.assertEqual((first.user_id, first.manychat_commercial_id), (self.seller, self.seller))
        self.assertFalse(first.manychat_commercial_ref)
        self.assertEqual((second.manychat_medical_id, second.user_id.id), (self.seller, False))
        self.assertEqual(second.manychat_commercial_ref, "Otra")
        self.assertEqual(first.team_id, self.team)
        self.assertIn(self.seller, self.team.member_ids)
        self.assertEqual(self.unknown().mapped("ref"), ["Otra"])

    def test_salesperson_whom_a_person_chose_stays_when_the_advisor_is_named(self):
        self.sync_one("e1", 1, commercial={"name": "700"})
        self.lead().with_user(self.mapper).user_id = self.mapper
        self.who_is("700", self.seller)
        self.assertEqual(self.lead().user_id, self.mapper)
        self.assertEqual(self.lead().manychat_commercial_id, self.seller)

    def test_naming_an_advisor_folds_no_state_that_waits(self):
        self.sync_one("e1", 1, state="Pidió precio", commercial={"name": "700"})
        self.Rule.create(
            {"manychat_state": "Pidió precio", "stage_id": self.stage("quotation_started").id}
        )
        self.who_is("700", self.seller)
        self.assertEqual(self.lead().stage_id, self.stage("subscribed"))
        self.assertTrue(self.lead().manychat_unmapped)

    def test_alias_made_in_the_list_gives_nobody_a_lead_until_it_is_applied(self):
        self.sync_one("e1", 1, commercial={"name": "700"})
        alias = self.alias("700")
        self.assertFalse(self.lead().user_id)
        alias.action_resolve()
        self.assertEqual(self.lead().user_id, self.seller)

    def test_many_leads_are_resolved_in_slices(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", commercial={"name": "700"}) for n in range(3)))
        with patch(f"{REFOLD}.SLICE", 2):
            self.assertIn("1", self.who_is("700", self.seller))
            self.env["manychat.refold"]._cron_fold()
        self.assertFalse(self.env["manychat.refold"].search_count([]) or self.unknown())

    def test_alias_is_unique_by_kind_and_company_as_compared(self):
        self.alias("Dra. Laura")
        with self.assertRaises(ValidationError):
            self.alias("DRA LAURA")

    @mute_logger("odoo.sql_db")
    def test_two_aliases_made_at_once_are_never_the_same(self):
        vals = [{"value": value, "user_id": self.seller.id} for value in ("Laura", "LAURA")]
        with self.assertRaises(errors.UniqueViolation), self.env.cr.savepoint():
            self.env["manychat.alias"].create(vals)
            self.env.flush_all()

    def test_alias_needs_its_record_and_an_internal_advisor(self):
        for vals in ({"kind": "source"}, {"user_id": self.bridge.id}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.alias("700", **vals)

    def test_only_a_manager_works_with_aliases(self):
        alias = self.alias("700")
        other = new_test_user(self.env, "other", groups="sales_team.group_sale_salesman")
        for user in (self.seller, other, self.bridge):
            for model in ("manychat.alias", "manychat.unknown.advisor"):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([])
            with self.assertRaises(AccessError):
                alias.with_user(user).action_resolve()
