from itertools import permutations

from odoo import SUPERUSER_ID, api, sql_db
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import LockNotAvailable, SerializationFailure

from ..sync.reading import read_event
from .common import ManychatCase, event

PHONE, EMAIL = "+51911111111", "ana@mail.example"


class IdentityCase(ManychatCase):
    def setUp(self):
        super().setUp()
        self.set_param("identity", "reach")

    def by_hand(self, **vals):
        """Return a lead that a salesperson made."""
        stage = self.stage("medical_started").id
        made = {"name": "By hand", "type": "opportunity", "user_id": self.seller.id}
        return self.env["crm.lead"].create(
            {**made, "team_id": self.team.id, "stage_id": stage, **vals}
        )

    def later(self, event_id, minute=0, manychat_id="mc-1", **values):
        """Return an event that happens after whatever the test did before."""
        moment = f"2100-01-01T00:{minute:02d}:00Z"
        return {
            "event_id": event_id,
            "type": "contact",
            "manychat_id": manychat_id,
            "occurred_at": moment,
            "received_at": moment,
            "values": values,
        }

    def notes(self, lead):
        return " ".join(lead.message_ids.mapped("body"))


class TestIdentity(IdentityCase):
    def test_contact_adopts_the_lead_of_its_phone_or_mail(self):
        by_phone = self.by_hand(phone="911 111 111", country_id=self.env.ref("base.pe").id)
        by_mail = self.by_hand(email_from="Ana <ANA@mail.example>")
        self.assertEqual(by_phone.phone_sanitized, PHONE)
        results = self.sync(
            self.later("e1", phone=PHONE, first_name="Ana"),
            self.later("e2", manychat_id="mc-2", email=EMAIL),
        )
        self.assertEqual([r["status"] for r in results], ["updated", "updated"])
        self.assertEqual([r["lead_id"] for r in results], [by_phone.id, by_mail.id])
        self.assertEqual(self.lead("mc-1").manychat_company_id, self.env.company)
        self.sync(self.later("e3", 1, "mc-2", state="Comienza Cotización"))
        self.assertEqual(self.lead("mc-2").stage_id, self.stage("quotation_started"))

    def test_nobody_is_identified_by_phone_unless_the_settings_say_so(self):
        for value in ("id", False):
            self.set_param("identity", value)
            lead = self.by_hand(phone=PHONE)
            result = self.sync_one(f"e-{value}", 1, f"mc-{value}", phone=PHONE, email=EMAIL)
            self.assertEqual(result["status"], "created")
            self.assertFalse(lead.manychat_id)

    def test_lead_of_another_contact_is_never_taken(self):
        self.sync_one("e1", 1, "mc-1", phone=PHONE)
        result = self.sync_one("e2", 2, "mc-2", phone=PHONE)
        self.assertEqual(result["status"], "created")

    def test_lead_is_found_by_its_partner_without_a_manychat_contact(self):
        partner = self.env["res.partner"].create({"name": "Ana", "email": EMAIL})
        lead = self.by_hand(partner_id=partner.id, email_from="other@mail.example")
        partner.email = EMAIL
        lead.email_from = "other@mail.example"
        partner.email = EMAIL
        self.assertEqual(self.sync_one("e1", 1, email=EMAIL)["lead_id"], lead.id)
        again = self.by_hand(partner_id=partner.id, email_from="third@mail.example")
        partner.email = EMAIL
        again.email_from = False
        self.assertEqual(self.sync_one("e2", 2, "mc-2", email=EMAIL)["status"], "created")

    def test_archived_and_lost_leads_are_found_too(self):
        lost, archived = self.by_hand(phone=PHONE), self.by_hand(email_from=EMAIL)
        lost.action_set_lost()
        archived.active = False
        self.assertEqual(self.sync_one("e1", 1, phone=PHONE)["lead_id"], lost.id)
        self.assertEqual(self.sync_one("e2", 1, "mc-2", email=EMAIL)["lead_id"], archived.id)
        self.assertFalse(self.lead("mc-1").active)

    def test_of_several_leads_the_newest_open_one_is_taken_and_all_are_told(self):
        older, newer = self.by_hand(name="Older", phone=PHONE), self.by_hand(email_from=EMAIL)
        lost = self.by_hand(name="Lost", phone=PHONE)
        lost.action_set_lost()
        won = self.by_hand(name="Won", phone=PHONE, stage_id=self.stage("sale_won").id)
        result = self.sync_one("e1", 1, phone=PHONE, email=EMAIL)
        self.assertEqual(result["lead_id"], newer.id)
        for name in ("Older", "Lost", "Won"):
            self.assertIn(name, self.notes(newer))
        for other in (older, lost, won):
            self.assertIn("By hand", self.notes(other))
            self.assertFalse(other.manychat_id)

    def test_event_that_changes_nothing_finds_no_lead(self):
        self.sync_one("e1", 1, "mc-9", phone=PHONE)
        self.lead("mc-9").sudo().unlink()
        lead = self.by_hand(phone=PHONE)
        self.assertEqual(self.sync_one("e1", 1, "mc-9", phone=PHONE)["status"], "unchanged")
        self.assertEqual(self.sync_one("e1", 1, "mc-1", phone=PHONE)["status"], "rejected")
        lead.invalidate_recordset()
        self.assertFalse(lead.manychat_id)
        mended = self.sync_one("e1", 1, "mc-9", phone=PHONE, _revision=1)
        self.assertEqual(mended["lead_id"], lead.id)

    def test_two_contacts_of_one_call_never_get_the_same_lead(self):
        lead = self.by_hand(phone=PHONE)
        results = self.sync(
            self.later("e1", manychat_id="mc-1", phone=PHONE),
            self.later("e2", manychat_id="mc-2", phone=PHONE),
        )
        self.assertEqual([r["status"] for r in results], ["updated", "created"])
        self.assertEqual(self.lead("mc-1"), lead)

    def test_lead_of_another_company_is_not_taken(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        lead = self.by_hand(phone=PHONE, user_id=False, team_id=False, company_id=other.id)
        self.assertEqual(lead.company_id, other)
        self.assertEqual(self.sync_one("e1", 1, phone=PHONE)["status"], "created")

    def test_where_a_person_placed_the_lead_stays_in_its_history(self):
        lead = self.by_hand(phone=PHONE)
        self.sync_one("e1", 1, phone=PHONE, state="Comienza Cotización")
        self.assertEqual(self.lead().stage_id, self.stage("medical_started"))
        self.assertEqual(self.lead().manychat_state, "Comienza Cotización")
        kinds = lead.manychat_history_ids.sorted("clock").mapped("kind")
        self.assertEqual(kinds, ["manychat", "person"])
        self.sync(self.later("e2", state="Orden de venta Confirmada"))
        self.assertEqual(self.lead().stage_id, self.stage("order_confirmed"))

    def test_what_a_person_typed_on_the_lead_is_kept(self):
        self.by_hand(phone=PHONE, contact_name="Ana María")
        self.sync(self.later("e1", phone=PHONE, first_name="Anita", email=EMAIL, summary="Cita"))
        lead = self.lead()
        self.assertEqual((lead.name, lead.contact_name), ("By hand", "Ana María"))
        self.assertEqual((lead.user_id, lead.email_from), (self.seller, EMAIL))
        self.assertEqual(lead.manychat_summary, "Cita")

    def test_lead_enters_the_pipeline(self):
        lead = self.by_hand(phone=PHONE, type="lead", user_id=self.mapper.id)
        stood = (lead.team_id, lead.stage_id, lead.user_id, lead.company_id)
        self.sync_one("e1", 1, phone=PHONE)
        self.assertEqual(self.lead().type, "opportunity")
        self.assertEqual((lead.team_id, lead.stage_id, lead.user_id, lead.company_id), stood)

    def test_merged_contact_stays_with_its_survivor(self):
        self.sync_one("e1", 1, "mc-1", state="Comienza Cotización")
        self.sync_one("e2", 2, "mc-2")
        survivor = (self.lead("mc-1") | self.lead("mc-2")).merge_opportunity()
        gone = {"mc-1", "mc-2"} - {survivor.manychat_id}
        self.by_hand(phone=PHONE)
        self.assertEqual(self.sync_one("e3", 3, gone.pop(), phone=PHONE)["lead_id"], survivor.id)

    def test_lead_that_a_person_touched_is_no_stub(self):
        self.sync_one("e1", 1, state="Nuevo")
        touched = self.lead()
        touched.with_user(self.mapper).name = "Implant"
        self.by_hand(phone=PHONE)
        self.assertEqual(self.sync_one("e2", 2, phone=PHONE)["lead_id"], touched.id)

    def test_stub_brings_its_chatter_and_ledger_along(self):
        self.sync_one("e1", 1, state="Nunca visto", summary="Pide cita")
        stub = self.lead()
        lead = self.by_hand(phone=PHONE)
        self.sync_one("e2", 2, phone=PHONE)
        self.assertFalse(stub.exists())
        self.assertEqual(self.lead(), lead)
        self.assertIn("Nunca visto", self.notes(lead))
        self.assertEqual(lead.manychat_summary, "Pide cita")
        self.assertTrue(lead.manychat_unmapped)
        ledger = self.env["manychat.event"].search([("manychat_id", "=", "mc-1")])
        self.assertEqual(ledger.lead_id, lead)
        again = self.sync_one("e1", 1, state="Nunca visto", summary="Pide cita")
        self.assertEqual((again["status"], again["lead_id"]), ("unchanged", lead.id))

    def test_dry_run_tells_the_lead_and_keeps_nothing(self):
        lead = self.by_hand(phone=PHONE)
        notes = self.notes(lead)
        told = (
            self.env["crm.lead"]
            .with_user(self.bridge)
            .manychat_check(event("e1", 1, phone=PHONE, state="Comienza Cotización"))
        )
        self.assertEqual((told["status"], told["lead_id"]), ("updated", lead.id))
        lead.invalidate_recordset()
        self.assertFalse(lead.manychat_id or lead.manychat_history_ids)
        self.assertEqual(self.notes(lead), notes)

    @mute_logger("odoo.sql_db")
    def test_lead_that_one_caller_looks_at_cannot_be_adopted_by_the_next(self):
        connection = sql_db.db_connect(self.env.cr.dbname)
        name = ("phone", "+51987654321")
        with connection.cursor() as maker:
            leads = api.Environment(maker, SUPERUSER_ID, {})["crm.lead"]
            lead_id = leads.create({"name": "Raced", "phone": name[1]}).id
        try:
            with connection.cursor() as first, connection.cursor() as second:
                callers = [
                    api.Environment(cr, SUPERUSER_ID, {})["crm.lead"] for cr in (first, second)
                ]
                self.assertEqual(list(callers[0]._manychat_candidates({name})), [lead_id])
                second.execute("SET LOCAL lock_timeout = '100ms'")
                with self.assertRaises(LockNotAvailable):
                    callers[1]._manychat_candidates({name})
                second.rollback()
        finally:
            with connection.cursor() as cleaner:
                api.Environment(cleaner, SUPERUSER_ID, {})["crm.lead"].browse(lead_id).unlink()

    def test_cost_of_looking_is_the_same_however_many_contacts_there_are(self):
        leads = self.env["crm.lead"].with_user(self.bridge)
        sync = leads._manychat_as_sync(self.env.company)

        def queries(count):
            events = [
                self.later(f"q{count}-{n}", 0, f"q{count}-{n}", phone=f"+5192{n:07d}")
                for n in range(count)
            ]
            readable = [read_event({"revision": 0, **raw}) for raw in events]
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            sync._manychat_identify(readable)
            return self.env.cr.sql_log_count - before

        queries(1)
        self.assertEqual(queries(40), queries(2))


@tagged("post_install", "-at_install")
class TestIdentityOrder(IdentityCase):
    """Whatever arrives first, the contact ends in the same lead, which looks the same."""

    def picture(self, manychat_id, lead):
        lead.invalidate_recordset()
        rows = lead.manychat_history_ids.sorted("clock")
        return {
            "id": self.lead(manychat_id) == lead,
            "stage": lead.stage_id.name,
            "state": lead.manychat_state,
            "values": [lead.name, lead.contact_name, lead.phone, lead.email_from],
            "summary": lead.manychat_summary,
            "advisors": [lead.user_id, lead.manychat_commercial_id],
            "dates": [lead.quotation_start_date, lead.commercial_assignment_date],
            "rows": [(r.kind, r.state, r.stage_id.name, r.changed) for r in rows],
            "keys": sorted(lead.manychat_values),
        }

    def told(self, number, year):
        """Return the three events of a contact, a lead for each arrival order."""
        manychat_id, phone = f"mc-{number}", f"+519{number:08d}"
        events = [
            self.later(f"{number}-a", 1, manychat_id, state="Asignado a campaña", summary="Uno"),
            self.later(
                f"{number}-b",
                2,
                manychat_id,
                phone=phone,
                first_name="Anita",
                email=f"a{phone}@m.pe",
            ),
            self.later(
                f"{number}-c",
                3,
                manychat_id,
                state="Comienza Cotización",
                commercial={"email": "seller@clinic.example"},
            ),
        ]
        for sent in events:
            for name in ("occurred_at", "received_at"):
                sent[name] = sent[name].replace("2100", str(year))
        return events, self.by_hand(phone=phone, user_id=self.mapper.id)

    def ends(self, year):
        pictures = []
        for number, order in enumerate(permutations(range(3)), start=year):
            events, lead = self.told(number, year)
            for position in order:
                self.sync(events[position])
            picture = self.picture(f"mc-{number}", lead)
            picture["values"] = [str(v).replace(f"{number:08d}", "N") for v in picture["values"]]
            pictures.append(picture)
        return pictures

    def test_events_after_the_lead_was_made(self):
        pictures = self.ends(2100)
        self.assertTrue(pictures[0]["id"])
        self.assertEqual(pictures[0]["stage"], "Comienza Cotización")
        for picture in pictures[1:]:
            self.assertEqual(picture, pictures[0])

    def test_events_from_before_the_lead_was_made(self):
        pictures = self.ends(2025)
        self.assertTrue(pictures[0]["id"])
        self.assertEqual(pictures[0]["stage"], self.stage("medical_started").name)
        for picture in pictures[1:]:
            self.assertEqual(picture, pictures[0])


class TestLinkContacts(ManychatCase):
    def setUp(self):
        super().setUp()
        self.set_param("link_contacts", "True")

    def partners(self):
        return self.env["res.partner"].search([("email", "=", EMAIL)])

    def test_new_lead_gets_a_new_partner(self):
        self.sync_one("e1", 1, first_name="Ana", last_name="Paz", phone=PHONE, email=EMAIL)
        partner = self.lead().partner_id
        self.assertEqual((partner.name, partner.email, partner.phone), ("Ana Paz", EMAIL, PHONE))
        self.assertFalse(partner.company_id)
        self.assertFalse(partner.user_ids)

    def test_partner_is_found_by_mail_or_phone_and_not_made_twice(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": PHONE})
        self.sync_one("e1", 1, "mc-1", phone=PHONE, first_name="Anita")
        self.assertEqual(self.lead("mc-1").partner_id, partner)
        self.sync_one("e2", 2, "mc-2", email=EMAIL)
        self.sync_one("e3", 3, "mc-3", email=EMAIL.upper())
        self.assertEqual(len(self.partners()), 1)
        self.assertEqual(self.lead("mc-2").partner_id, self.lead("mc-3").partner_id)

    def test_partner_of_two_contacts_in_one_call_is_made_once(self):
        self.sync(event("e1", 1, "mc-1", email=EMAIL), event("e2", 2, "mc-2", email=EMAIL))
        self.assertEqual(len(self.partners()), 1)

    @mute_logger("odoo.sql_db")
    def test_partner_of_two_callers_is_not_made_by_the_second_before_the_first_is_done(self):
        connection = sql_db.db_connect(self.env.cr.dbname)
        self.addCleanup(self.forget_claims, connection)
        with connection.cursor() as first, connection.cursor() as second:
            self.assertFalse(self.look(first))
            second.execute("SET LOCAL lock_timeout = '100ms'")
            with self.assertRaises(LockNotAvailable):
                self.look(second)
            second.rollback()
            second.execute("SELECT")  # what it sees is from here on
            first.commit()
            with self.assertRaises(SerializationFailure):
                self.look(second)

    def test_claims_are_forgotten_once_no_call_can_need_them(self):
        self.sync_one("e1", 1, email=EMAIL)
        Claim = self.env["manychat.partner.claim"]
        Claim._forget()
        self.assertEqual(Claim.search_count([]), 1)
        self.env.cr.execute(
            "UPDATE manychat_partner_claim SET write_date = write_date - interval '2 hours'"
        )
        Claim._forget()
        self.assertEqual(Claim.search_count([]), 0)

    def look(self, cr):
        """Look for the partner of a lead, as one caller."""
        leads = api.Environment(cr, SUPERUSER_ID, {})["crm.lead"]
        return leads.new({"name": "Ana", "email_from": EMAIL})._manychat_partners()

    def forget_claims(self, connection):
        with connection.cursor() as cleaner:
            cleaner.execute("DELETE FROM manychat_partner_claim")

    def test_nothing_that_is_known_of_a_partner_is_overwritten(self):
        known = {"name": "Ana María", "phone": "+51922222222", "email": EMAIL, "city": "Cusco"}
        partner = self.env["res.partner"].create(dict(known))
        self.sync_one("e1", 1, first_name="Anita", phone=PHONE, email=EMAIL)
        self.assertEqual(self.lead().partner_id, partner)
        self.sync_one("e2", 2, phone="+51933333333", email="new@mail.example")
        self.sync_one("e3", 3, first_name="Otra", address={"city": "Lima"})
        partner.invalidate_recordset()
        self.assertEqual({name: partner[name] for name in known}, known)
        lead = self.lead()
        self.assertEqual((lead.phone, lead.email_from), ("+51933333333", "new@mail.example"))
        self.assertEqual((lead.contact_name, lead.city), ("Otra", "Lima"))

    def test_partner_that_a_person_linked_is_not_overwritten_either(self):
        self.set_param("link_contacts", False)
        self.sync_one("e1", 1, phone=PHONE)
        partner = self.env["res.partner"].create({"name": "Ana"})
        self.lead().with_user(self.mapper).partner_id = partner
        partner.phone = "+51944444444"
        self.sync_one("e2", 2, email="new@mail.example", phone="+51933333333")
        partner.invalidate_recordset()
        self.assertEqual((partner.email, partner.phone), (False, "+51944444444"))

    def test_lead_says_what_manychat_said_and_takes_the_rest_from_its_partner(self):
        self.env["res.partner"].create(
            {"name": "Ana María", "phone": "+51922222222", "email": EMAIL, "city": "Cusco"}
        )
        self.sync_one("e1", 1, email=EMAIL, first_name="Anita")
        lead = self.lead()
        self.assertEqual((lead.contact_name, lead.email_from), ("Anita", EMAIL))
        self.assertEqual((lead.phone, lead.city), ("+51922222222", "Cusco"))

    def test_partner_comes_with_the_first_phone_or_mail(self):
        self.sync_one("e1", 1, first_name="Ana")
        self.assertFalse(self.lead().partner_id)
        self.sync_one("e2", 2, email=EMAIL)
        self.assertEqual(self.lead().partner_id.email, EMAIL)

    def test_partner_of_another_company_is_not_taken(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        theirs = self.env["res.partner"].create(
            {"name": "Ana", "email": EMAIL, "company_id": other.id}
        )
        self.sync_one("e1", 1, email=EMAIL)
        partner = self.lead().partner_id
        self.assertNotEqual(partner, theirs)
        self.assertEqual(partner.company_id, self.env.company)

    def test_no_partner_unless_the_settings_say_so(self):
        self.set_param("link_contacts", False)
        self.sync_one("e1", 1, email=EMAIL, phone=PHONE)
        self.assertFalse(self.lead().partner_id or self.partners())

    def test_phone_is_written_as_odoo_formats_it(self):
        self.env.company.country_id = self.env.ref("base.pe")
        self.sync_one("e1", 1, phone="911 111 111")
        self.assertEqual(self.lead().phone, PHONE)
        self.sync_one("e2", 2, phone="no number")
        self.assertEqual(self.lead().phone, "no number")
