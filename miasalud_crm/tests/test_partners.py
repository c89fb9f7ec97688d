from odoo.tests import new_test_user

from ..models.in_parts import RACED_INDEXES
from .common import ManychatCase, event

PHONE = "+51911111111"
EMAIL = "ana@mail.example"


class PartnerCase(ManychatCase):
    """Syncs as the bridge does where every contact has a partner."""

    def setUp(self):
        super().setUp()
        self.env["manychat.change"].sudo().search([]).unlink()

    def sync(self, *events):
        leads = self.env["crm.lead"].with_user(self.bridge)
        results = leads.manychat_sync(list(events), partners=True)
        self.env.flush_all()
        self.env.invalidate_all()
        return results

    def partner(self, manychat_id="mc-1"):
        """Return the one partner that the contact is."""
        row = self.env["manychat.partner"].search([("manychat_id", "=", manychat_id)])
        self.assertEqual(len(row), 1)
        return row.partner_id

    def held(self, *names, manychat_id="mc-1"):
        partner = self.partner(manychat_id)
        return tuple(partner[name] for name in names)

    def page(self, cursor=None):
        self.env.flush_all()
        return self.env["crm.lead"].with_user(self.bridge).manychat_changes(cursor, 200)

    def told(self, cursor=None):
        return [(c["kind"], c["manychat_id"], c["values"]) for c in self.page(cursor)["changes"]]


class TestPartners(PartnerCase):
    """Every contact has a partner that goes along with it, and nobody's work is undone."""

    def test_every_contact_gets_a_partner_that_the_result_names(self):
        results = self.sync(
            event("e1", 1, "mc-1", first_name="Ana", last_name="Paz", phone=PHONE, email=EMAIL),
            event("e2", 1, "mc-2"),
        )
        for result, manychat_id in zip(results, ("mc-1", "mc-2"), strict=True):
            self.assertEqual(result["partner_id"], self.partner(manychat_id).id)
            self.assertEqual(self.lead(manychat_id).partner_id, self.partner(manychat_id))
        self.assertEqual(self.held("name", "phone", "email"), ("Ana Paz", PHONE, EMAIL))
        self.assertEqual(self.partner().manychat_id, "mc-1")

    def test_without_the_mode_the_result_has_no_partner(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        [result] = leads.manychat_sync([event("e1", 1, phone=PHONE)])
        self.assertNotIn("partner_id", result)
        self.assertFalse(self.lead().partner_id)

    def test_a_callers_context_switches_nothing_on(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        leads.with_context(manychat_every_contact=True).manychat_sync([event("e1", 1, phone=PHONE)])
        self.assertFalse(self.lead().partner_id)

    def test_a_rejected_event_has_no_partner(self):
        [result] = self.sync({"event_id": "e1"})
        self.assertEqual((result["status"], result["partner_id"]), ("rejected", None))

    def test_what_manychat_says_goes_on_to_the_partner(self):
        self.sync_one("e1", 1, first_name="Ana", phone=PHONE)
        made = self.partner()
        self.sync_one("e2", 2, first_name="Eva", phone="+51922222222", email=EMAIL)
        self.sync_one("e3", 3, address={"street": "Av. Sol 1", "city": "Cusco"})
        self.assertEqual(self.partner(), made)
        self.assertEqual(
            self.held("name", "phone", "email", "street", "city"),
            ("Eva", "+51922222222", EMAIL, "Av. Sol 1", "Cusco"),
        )

    def test_a_cleared_value_is_cleared_there_too(self):
        self.sync_one("e1", 1, first_name="Ana", phone=PHONE, email=EMAIL)
        self.sync_one("e2", 2, email=False)
        self.assertEqual(self.held("phone", "email"), (PHONE, False))

    def test_a_nameless_contact_is_named_later(self):
        self.sync_one("e1", 1)
        self.assertEqual(self.held("name"), ("ManyChat mc-1",))
        self.sync_one("e2", 2, first_name="Ana")
        self.assertEqual(self.held("name"), ("Ana",))

    def test_any_order_of_arrival_ends_in_the_same_partner(self):
        said = [
            event("e1", 1, first_name="Ana", phone=PHONE),
            event("e2", 2, first_name="Eva", email=EMAIL),
            event("e3", 3, phone="+51922222222", address={"city": "Cusco"}),
        ]
        ends = set()
        for number, order in enumerate(((0, 1, 2), (2, 1, 0), (1, 2, 0))):
            manychat_id = f"order-{number}"
            for place in order:
                self.sync({
                    **said[place],
                    "event_id": f"{manychat_id}-{place}",
                    "manychat_id": manychat_id,
                })  # fmt: skip
            ends.add(self.held("name", "phone", "email", "city", manychat_id=manychat_id))
            self.partner(manychat_id).write({"phone": False, "email": False})
        self.assertEqual(ends, {("Eva", "+51922222222", EMAIL, "Cusco")})

    def test_a_customer_whom_the_contact_turns_out_to_be_keeps_what_is_known(self):
        known = self.env["res.partner"].create({"name": "Ana María", "email": EMAIL})
        self.sync_one("e1", 1, first_name="Anita", email=EMAIL, phone=PHONE)
        self.assertEqual(self.partner(), known)
        self.assertEqual((known.name, known.phone), ("Ana María", PHONE))
        self.sync_one("e2", 2, first_name="Otra", phone="+51922222222")
        self.assertEqual((known.name, known.phone), ("Ana María", "+51922222222"))

    def test_a_phone_that_somebody_wrote_with_blanks_still_goes_along(self):
        self.sync_one("e1", 1, phone=PHONE)
        self.partner().phone = "+51 911 111 111"
        self.sync_one("e2", 2, phone="+51922222222")
        self.assertEqual(self.held("phone"), ("+51922222222",))

    def test_what_a_person_typed_on_the_partner_stands(self):
        self.sync_one("e1", 1, first_name="Ana", phone=PHONE, email=EMAIL)
        self.partner().with_user(self.mapper).sudo().write({"name": "Ana Luz", "phone": "+51955"})
        self.sync_one("e2", 2, first_name="Anita", phone="+51922222222", email="b@mail.example")
        self.assertEqual(
            self.held("name", "phone", "email"), ("Ana Luz", "+51955", "b@mail.example")
        )

    def test_contacts_of_one_phone_have_a_partner_each(self):
        self.sync(event("e1", 1, "mc-1", phone=PHONE), event("e2", 1, "mc-2", phone=PHONE))
        self.sync(event("e3", 1, "mc-3", phone=PHONE))
        partners = {self.partner(i) for i in ("mc-1", "mc-2", "mc-3")}
        self.assertEqual(len(partners), 3)

    def test_a_partner_that_contacts_share_is_nobodys_to_write(self):
        self.sync(event("e1", 1, "mc-1", email=EMAIL), event("e2", 1, "mc-2"))
        shared = self.partner("mc-1")
        self.lead("mc-2").with_user(self.mapper).sudo().partner_id = shared
        self.sync(event("e3", 2, "mc-1", email="new@mail.example"))
        self.assertEqual(shared.email, EMAIL)

    def test_a_users_partner_is_linked_and_never_written(self):
        user = new_test_user(self.env, "patient", groups="base.group_portal", email=EMAIL)
        self.sync_one("e1", 1, email=EMAIL, phone=PHONE, first_name="Eva")
        self.assertEqual(self.partner(), user.partner_id)
        user.active = False
        self.sync_one("e2", 2, email="thief@mail.example")
        self.assertEqual((user.partner_id.email, user.partner_id.phone), (EMAIL, False))

    def test_a_company_is_linked_and_never_written(self):
        clinic = self.env["res.partner"].create(
            {"name": "Clinic", "phone": PHONE, "is_company": True}
        )
        self.sync_one("e1", 1, phone=PHONE, email=EMAIL)
        self.assertEqual((self.partner(), clinic.email), (clinic, False))

    def test_a_lead_without_a_partner_gets_one_once_the_mode_is_on(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        leads.manychat_sync([event("e1", 1, first_name="Ana", phone=PHONE)])
        self.assertFalse(self.lead().partner_id)
        [result] = self.sync(event("fill", 2, _type="update"))
        self.assertEqual(result["partner_id"], self.lead().partner_id.id)
        self.assertEqual(self.held("name", "phone"), ("Ana", PHONE))

    def test_a_customer_whom_a_person_chose_is_the_contacts_partner(self):
        self.sync_one("e1", 1, first_name="Ana")
        chosen = self.env["res.partner"].create({"name": "Chosen", "phone": PHONE})
        self.lead().with_user(self.mapper).sudo().partner_id = chosen
        self.assertEqual(self.partner(), chosen)
        self.sync_one("e2", 2, email=EMAIL)
        self.assertEqual((self.lead().partner_id, chosen.email), (chosen, EMAIL))

    def test_a_customer_whom_a_person_took_away_does_not_come_back(self):
        self.sync_one("e1", 1, first_name="Ana", email=EMAIL)
        made = self.partner()
        self.lead().with_user(self.mapper).sudo().partner_id = False
        self.assertEqual((self.lead().contact_name, self.told()), ("Ana", []))
        [result] = self.sync(event("e2", 2, first_name="Eva", email=EMAIL))
        self.assertFalse(self.lead().partner_id)
        self.assertEqual((result["partner_id"], made.name), (made.id, "Eva"))

    def test_an_archived_partner_stays_the_contacts(self):
        self.sync_one("e1", 1, email=EMAIL)
        made = self.partner()
        made.action_archive()
        self.sync_one("e2", 2, email="new@mail.example")
        self.assertEqual((self.partner(), made.active), (made, False))

    def test_the_partner_of_another_company_is_not_taken(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        theirs = self.env["res.partner"].create(
            {"name": "Ana", "email": EMAIL, "company_id": other.id}
        )
        self.sync_one("e1", 1, email=EMAIL)
        self.assertNotEqual(self.partner(), theirs)

    def test_a_race_for_a_contacts_partner_is_run_anew(self):
        self.assertIn("manychat_partner_uniq", RACED_INDEXES)

    def test_an_erased_contacts_partner_is_erased_with_it(self):
        self.sync_one("e1", 1, first_name="Ana", email=EMAIL)
        made = self.partner()
        self.lead().with_user(self.mapper).sudo().partner_id = False
        answer = self.env["crm.lead"].with_user(self.bridge).manychat_erase(["mc-1"])
        self.env.invalidate_all()
        self.assertEqual((answer["partners"], made.active, made.email), (1, False, False))
        self.assertFalse(self.env["manychat.partner"].search([]))

    def test_only_managers_read_whose_partner_is_whose(self):
        self.sync_one("e1", 1)
        Row = self.env["manychat.partner"]
        self.assertTrue(Row.with_user(self.mapper).search([]))
        for user in (self.seller, self.bridge):
            self.assertFalse(Row.with_user(user).has_access("read"))
        self.assertFalse(Row.with_user(self.mapper).has_access("write"))


class TestPartnerChanges(PartnerCase):
    """What people do to partners is told once, and what the bridge does never."""

    def setUp(self):
        super().setUp()
        self.sync(
            event("e1", 1, "mc-1", first_name="Ana", phone=PHONE, email=EMAIL),
            event("e2", 1, "mc-2", first_name="Eva"),
        )

    def test_what_the_bridge_does_to_partners_is_never_told(self):
        self.sync_one("e3", 2, first_name="Luz", phone="+51922222222", address={"city": "Cusco"})
        self.assertEqual(self.told(), [])

    def test_a_typed_name_and_mail_are_told_as_the_contacts(self):
        self.partner().write({"name": "Ana Sol", "email": "sol@mail.example"})
        told = {}
        for kind, manychat_id, values in self.told():
            self.assertEqual((kind, manychat_id), ("values", "mc-1"))
            told.update(values)
        self.assertEqual(
            told, {"first_name": "Ana Sol", "last_name": False, "email": "sol@mail.example"}
        )

    def test_a_change_names_the_partner_and_whether_it_is_archived(self):
        self.partner().action_archive()
        [change] = self.page()["changes"]
        self.assertEqual((change["kind"], change["values"]), ("partner", {"active": False}))
        self.assertEqual(
            (change["partner_id"], change["partner_active"]), (self.partner().id, False)
        )
        self.partner().action_archive()
        self.assertEqual(len(self.told()), 1)
        self.partner().action_unarchive()
        self.assertEqual(self.told()[-1], ("partner", "mc-1", {"active": True}))

    def test_merged_partners_are_told_of_each_contact_that_has_a_new_one(self):
        mine, theirs = self.partner("mc-1"), self.partner("mc-2")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((mine | theirs).ids, mine)
        told = [c for c in self.page()["changes"] if c["kind"] == "partner"]
        self.assertEqual([c["manychat_id"] for c in told], ["mc-2"])
        self.assertEqual((told[0]["partner_id"], told[0]["values"]), (
            mine.id, {"partner_id": mine.id},
        ))  # fmt: skip
        self.assertEqual(self.lead("mc-2").partner_id, mine)
        self.assertEqual(mine.manychat_id, "mc-1, mc-2")

    def test_a_deleted_partner_is_told_and_made_anew_by_the_next_event(self):
        gone = self.partner().id
        self.partner().unlink()
        [change] = self.page()["changes"]
        self.assertEqual(change["values"], {"partner_id": False})
        self.assertEqual((change["partner_id"], change["partner_active"]), (None, None))
        self.sync_one("e3", 2, email="new@mail.example")
        self.assertNotEqual(self.partner().id, gone)

    def test_another_customer_is_told_with_what_the_lead_takes_from_it(self):
        other = self.env["res.partner"].create({"name": "Other", "phone": "+51933333333"})
        self.lead().with_user(self.mapper).sudo().partner_id = other
        told = {kind: values for kind, _id, values in self.told()}
        self.assertEqual(told["partner"], {"partner_id": other.id})
        self.assertEqual(told["values"]["phone"], "+51933333333")
        self.assertEqual(self.lead().phone, "+51933333333")

    def test_merged_leads_are_told_with_their_one_customer(self):
        survivor = (self.lead("mc-1") | self.lead("mc-2")).merge_opportunity(auto_unlink=True)
        standing = {c["manychat_id"]: c["partner_id"] for c in self.page()["changes"]}
        self.assertEqual(standing, dict.fromkeys(("mc-1", "mc-2"), survivor.partner_id.id))
        [result] = self.sync(event("e4", 3, "mc-2", first_name="Eva"))
        self.assertEqual(result["partner_id"], survivor.partner_id.id)

    def test_a_partner_of_no_contact_is_told_nothing_of(self):
        other = self.env["res.partner"].create({"name": "Other"})
        other.write({"name": "Another", "active": False})
        other.unlink()
        self.assertEqual(self.told(), [])
