from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..const import MAX_LEADS
from .common import event
from .test_partners import EMAIL, PHONE, PartnerCase


class TestPartnerBridge(PartnerCase):
    """What the bridge's user may do to contacts on somebody's behalf, and nothing else."""

    def setUp(self):
        super().setUp()
        self.bridged = self.env["res.partner"].with_user(self.bridge)

    def make(self, **values):
        """Return the new partner's id."""
        answer = self.bridged.manychat_partner_create({"name": "Ana Paz", **values})
        self.assertNotIn("refused", answer)
        return answer["partner"]["partner_id"]

    def listing(self, filters=None, *args, **kwargs):
        answer = self.bridged.manychat_partners(filters, *args, **kwargs)
        return [partner["partner_id"] for partner in answer["partners"]], answer["total"]

    def test_a_contact_is_made_and_shown_as_it_was_given(self):
        values = {
            "name": "Ana Paz",
            "phone": PHONE,
            "email": EMAIL,
            "street": "Av. Sol 1",
            "district": "Wanchaq",
            "city": "Cusco",
            "state": "Cusco",
            "country": "PE",
        }
        shown = self.bridged.manychat_partner_create({**values, "manychat_id": "mc-9"})["partner"]
        self.assertEqual({key: shown[key] for key in ("name", "phone", "city")}, {
            "name": "Ana Paz", "phone": PHONE, "city": "Cusco",
        })  # fmt: skip
        self.assertEqual((shown["district"], shown["manychat_ids"]), ("Wanchaq", ["mc-9"]))
        self.assertEqual((shown["state"], shown["active"]), ("Cusco", True))
        partner = self.env["res.partner"].browse(shown["partner_id"])
        self.assertEqual((partner.country_id.code, partner.state_id.name), ("PE", "Cusco"))

    def test_places_that_are_none_are_refused_and_nothing_is_made(self):
        before = self.env["res.partner"].search_count([])
        for values, word in (
            ({"country": "Atlantis"}, "unknown_country"),
            ({"country": "PE", "state": "Nowhere"}, "unknown_state"),
        ):
            answer = self.bridged.manychat_partner_create({"name": "Ana", **values})
            self.assertEqual(answer, {"refused": word})
        self.assertEqual(self.env["res.partner"].search_count([]), before)

    def test_a_contacts_lead_gets_the_partner_that_is_made_for_it(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        leads.manychat_sync([event("e1", 1, "mc-1", first_name="Ana")])
        made = self.make(manychat_id="mc-1", phone=PHONE)
        self.assertEqual((self.lead().partner_id.id, self.lead().phone), (made, PHONE))
        told = {kind: values for kind, _id, values in self.told()}
        self.assertEqual(told["partner"], {"partner_id": made})
        self.assertEqual(told["values"], {
            "phone": PHONE, "first_name": "Ana Paz", "last_name": False,
        })  # fmt: skip

    def test_a_contact_that_comes_later_is_the_partner_made_for_it(self):
        made = self.make(manychat_id="mc-1", email=EMAIL)
        [result] = self.sync(event("e1", 1, "mc-1", first_name="Ana", last_name="Paz"))
        self.assertEqual(result["partner_id"], made)
        self.assertEqual(self.lead().partner_id.id, made)
        self.assertEqual(self.lead().email_from, EMAIL)

    def test_a_manychat_id_has_one_partner(self):
        self.make(manychat_id="mc-1")
        taken = {"refused": "manychat_id_taken"}
        create, write = self.bridged.manychat_partner_create, self.bridged.manychat_partner_write
        self.assertEqual(create({"name": "Eva", "manychat_id": " mc-1 "}), taken)
        self.assertEqual(write(self.make(), {"manychat_id": "mc-1"}), taken)
        self.sync_one("e1", 1, "mc-2")
        self.assertEqual(create({"name": "Eva", "manychat_id": "mc-2"}), taken)
        self.assertEqual(write(self.partner("mc-1").id, {"manychat_id": "mc-3"}), taken)
        self.assertIn("partner", write(self.partner("mc-1").id, {"manychat_id": "mc-1"}))

    @mute_logger("odoo.sql_db")
    def test_of_two_who_are_at_it_the_slower_one_is_told(self):
        self.make(manychat_id="mc-1")
        Row = self.env["manychat.partner"]
        # what a transaction sees that began before the other one's commit
        with patch.object(type(Row), "search", return_value=Row):
            answer = self.bridged.manychat_partner_create({"name": "Eva", "manychat_id": "mc-1"})
        self.assertEqual(answer, {"refused": "manychat_id_taken"})

    def test_a_write_changes_what_is_given_and_is_told_as_a_persons(self):
        self.sync_one("e1", 1, first_name="Ana", phone=PHONE, email=EMAIL)
        made = self.partner().id
        shown = self.bridged.manychat_partner_write(
            made, {"name": "Ana Luz", "email": False, "city": "Lima"}
        )["partner"]
        self.assertEqual(
            (shown["name"], shown["email"], shown["phone"], shown["city"]),
            ("Ana Luz", None, PHONE, "Lima"),
        )
        told = {}
        for kind, _id, values in self.told():
            self.assertEqual(kind, "values")
            told.update(values)
        self.assertEqual(told["first_name"], "Ana Luz")

    def test_a_new_country_takes_the_old_state_with_it(self):
        made = self.make(country="PE", state="Cusco")
        shown = self.bridged.manychat_partner_write(made, {"country": "BO"})["partner"]
        self.assertEqual(shown["state"], None)
        shown = self.bridged.manychat_partner_write(made, {"country": False})["partner"]
        self.assertEqual(shown["country"], None)

    def test_what_another_addons_rule_refuses_is_refused(self):
        made = self.make()
        Partner = type(self.env["res.partner"])
        with patch.object(Partner, "_manychat_change", side_effect=ValidationError("no")):
            answer = self.bridged.manychat_partner_write(made, {"city": "Lima"})
        self.assertEqual(answer, {"refused": "refused_by_odoo"})

    def test_a_removed_contact_is_archived(self):
        made = self.make(manychat_id="mc-1")
        self.assertFalse(self.bridged.manychat_partner_remove(made)["partner"]["active"])
        self.assertFalse(self.env["res.partner"].browse(made).active)
        self.assertEqual(self.listing({"partner_id": made}), ([made], 1))
        self.assertEqual(self.listing({"partner_id": made, "active": True}), ([], 0))

    def test_only_a_manychat_contact_is_deleted(self):
        made = self.make()
        answer = self.bridged.manychat_partner_remove(made, hard=True)
        self.assertEqual(answer, {"refused": "no_manychat_id"})
        theirs = self.make(manychat_id="mc-1")
        self.assertEqual(self.bridged.manychat_partner_remove(theirs, True), {"partner": None})
        self.assertFalse(self.env["res.partner"].browse(theirs).exists())
        self.assertTrue(self.env["res.partner"].browse(made).exists())

    def test_a_contact_of_another_companys_manychat_is_not_deleted(self):
        made = self.make(manychat_id="mc-1")
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.env["manychat.partner"].search([]).company_id = other
        answer = self.bridged.manychat_partner_remove(made, hard=True)
        self.assertEqual(answer, {"refused": "no_manychat_id"})

    def test_a_contact_that_something_points_at_is_not_deleted(self):
        made = self.env["res.partner"].browse(self.make(manychat_id="mc-1"))
        Partner = type(made)
        with patch.object(Partner, "unlink", side_effect=ValidationError("an invoice")):
            answer = self.bridged.manychat_partner_remove(made.id, hard=True)
        self.assertEqual(answer, {"refused": "still_used"})

    def test_users_and_companies_are_read_and_never_touched(self):
        portal = new_test_user(self.env, "patient", groups="base.group_portal", email=EMAIL)
        gone = new_test_user(self.env, "gone", groups="base.group_portal")
        gone.active = False
        rows = self.env["manychat.partner"]
        rows._point({"mc-1": portal.partner_id}, self.env.company)
        for partner, word in (
            (portal.partner_id, "is_user"),
            (gone.partner_id, "is_user"),
            (self.env.user.partner_id, "is_user"),
            (self.env.company.partner_id, "is_company"),
        ):
            number, refused = partner.id, {"refused": word}
            self.assertEqual(self.bridged.manychat_partner_write(number, {"email": "x"}), refused)
            self.assertEqual(self.bridged.manychat_partner_remove(number), refused)
            self.assertEqual(self.bridged.manychat_partner_remove(number, True), refused)
            self.assertEqual(self.listing({"partner_id": number})[1], 1)
        self.assertEqual(portal.partner_id.email, EMAIL)

    def test_another_companys_contact_is_not_there(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        theirs = self.env["res.partner"].create({"name": "Ana", "company_id": other.id})
        self.assertEqual(self.listing({"partner_id": theirs.id}), ([], 0))
        for number in (theirs.id, 0, 2**31 - 1, "1", True):
            answer = self.bridged.manychat_partner_write(number, {"city": "Lima"})
            self.assertEqual(answer, {"refused": "not_found"})
        self.bridge.write({"company_ids": [(4, other.id)]})
        with self.assertRaises(AccessError):
            elsewhere = self.bridged.with_context(allowed_company_ids=[other.id, 10**6])
            elsewhere.manychat_partners()

    def test_contacts_are_found_by_what_they_are_asked_for(self):
        made = self.make(manychat_id="mc-1", phone=PHONE, email="Ana@Mail.example")
        self.make(name="Eva")
        for filters in (
            {"manychat_id": ["mc-1"]},
            {"phone": [PHONE]},
            {"email": ["ANA@mail.example"]},
            {"search": "mc-1"},
            {"search": "na pa"},
            {"search": "911111"},
            {"partner_id": made, "active": True},
        ):
            self.assertEqual(self.listing(filters), ([made], 1), filters)
        self.assertEqual(self.listing({"search": "100%"}), ([], 0))

    def test_pages_are_in_the_order_that_was_asked_for(self):
        made = [self.make(name=f"Zz {number % 3}") for number in range(5)]
        wanted = {"search": "Zz "}
        by_name = [made[0], made[3], made[1], made[4], made[2]]
        self.assertEqual(self.listing(wanted, 1, 3, "name"), (by_name[:3], 5))
        self.assertEqual(self.listing(wanted, 2, 3, "name"), (by_name[3:], 5))
        self.assertEqual(self.listing(wanted, order="-id")[0], made[::-1])

    def test_a_listing_of_no_meaning_is_refused(self):
        for args in (
            ({"name": "x"},), ({"phone": "x"},), ({"phone": [1]},), ({"active": 1},),
            ({}, 0), ({}, 1, MAX_LEADS + 1), ({}, True), ({}, 1, 1, "password"), ("x",),
            ({}, 1, 1, "id; DROP TABLE res_partner"),
        ):  # fmt: skip
            with self.assertRaises(ValidationError):
                self.bridged.manychat_partners(*args)

    def test_values_of_no_meaning_are_refused(self):
        for values in (
            {"name": ""}, {"name": "x", "user_ids": [1]}, {"name": 7}, [],
            {"name": "x", "vat": "1"}, {"name": "x", "manychat_id": "9" * 300},
        ):  # fmt: skip
            with self.assertRaises(ValidationError):
                self.bridged.manychat_partner_create(values)
        with self.assertRaises(ValidationError):
            self.bridged.manychat_partner_write(self.make(), {"active": False})

    def test_only_the_bridge_may(self):
        made = self.make()
        for user in (self.seller, self.mapper, self.env.ref("base.user_admin")):
            partners = self.env["res.partner"].with_user(user)
            for call in (
                lambda p=partners: p.manychat_partners(),
                lambda p=partners: p.manychat_partner_create({"name": "x"}),
                lambda p=partners: p.manychat_partner_write(made, {"city": "x"}),
                lambda p=partners: p.manychat_partner_remove(made),
            ):
                with self.assertRaises(AccessError):
                    call()


class TestMirrorCampaigns(PartnerCase):
    """The mirror's campaigns are UTM campaigns here, one a name."""

    def keep(self, *names):
        campaigns = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
        return self.env["utm.campaign"].with_user(self.bridge).manychat_campaigns(campaigns)

    def named(self, name):
        return self.env["utm.campaign"].search([("title", "=ilike", name)])

    def test_a_campaign_is_made_once_whoever_names_it_first(self):
        self.sync_one("e1", 1, campaign={"id": 1, "name": "Invierno 2025"})
        self.assertEqual(self.keep("invierno 2025", "Otoño", "OTONO"), {"campaigns": 2})
        self.keep("Invierno 2025", "Otoño")
        self.assertEqual(self.named("invierno 2025"), self.lead().campaign_id)
        self.assertEqual(len(self.named("Otoño")), 1)

    def test_only_the_bridge_and_only_a_list_of_campaigns(self):
        with self.assertRaises(AccessError):
            self.env["utm.campaign"].with_user(self.mapper).manychat_campaigns([])
        mine = self.env["utm.campaign"].with_user(self.bridge)
        for wrong in ("x", [1], [{"id": 1}], [{"id": "1", "name": "x"}], [{"id": 1, "name": " "}]):
            with self.assertRaises(ValidationError):
                mine.manychat_campaigns(wrong)
