from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from ..sync.clock import iso, now
from .common import ManychatCase, event

PERSON = ("Zoila", "Quilluya", "zoila@mail.example", "+51955555555", "Calle Falsa", "Sufre de asma")


class TestErase(ManychatCase):
    def setUp(self):
        super().setUp()
        first, last, email, phone, street, summary = PERSON
        self.values = {
            "first_name": first,
            "last_name": last,
            "email": email,
            "phone": phone,
            "address": {"street": street, "city": "Lima"},
            "summary": summary,
            "state": "Comienza Cotización",
        }
        self.sync_one("e1", 1, **self.values)
        self.erased = self.lead()

    def erase(self, *manychat_ids, erased_at=None):
        ids = list(manychat_ids) or ["mc-1"]
        answer = self.env["crm.lead"].with_user(self.bridge).manychat_erase(ids, erased_at)
        self.env.flush_all()
        self.env.invalidate_all()
        return answer

    def leads(self, manychat_id="mc-1"):
        leads = self.env["crm.lead"].with_context(active_test=False)
        return leads.search([("manychat_id", "=", manychat_id)])

    def tables_that_name(self, *words):
        """Return the tables of which a text holds one of the words: nobody knows all fields."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT table_name FROM information_schema.tables
                WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"""
        )
        found = []
        for (table,) in self.env.cr.fetchall():
            patterns = [f"%{word}%" for word in words]
            self.env.cr.execute(
                SQL(
                    "SELECT 1 FROM %s t WHERE t::text LIKE ANY(%s) LIMIT 1",
                    SQL.identifier(table),
                    patterns,
                )
            )
            if self.env.cr.fetchone():
                found.append(table)
        return sorted(found)

    def live_with(self, lead):
        """What people leave on a lead: a note, an activity, a file, a meeting, a follower."""
        lead.message_post(body="Zoila Quilluya llamó")
        lead.activity_schedule("mail.mail_activity_data_todo", summary="Llamar a Zoila")
        lead.with_user(self.seller).sudo().name = "Zoila Quilluya quiere cita"
        mine = lead.sudo(False).with_user(self.seller)
        lead.user_id = self.seller
        mine.write({"contact_name": "Zoila Q.", "stage_id": self.stage("sale_won").id})
        self.env["ir.attachment"].create(
            {"name": "Zoila.txt", "res_model": "crm.lead", "res_id": lead.id, "raw": b"x"}
        )
        self.env["calendar.event"].create(
            {
                "name": "Cita con Zoila",
                "opportunity_id": lead.id,
                "start": "2025-11-01 10:00:00",
                "stop": "2025-11-01 11:00:00",
            }
        )

    def test_no_table_names_the_person_afterwards(self):
        self.live_with(self.erased)
        named = self.tables_that_name("Zoila")
        self.assertTrue({"crm_lead", "manychat_change", "mail_message"} <= set(named), named)
        answer = self.erase()
        self.assertEqual(answer, {"leads": 1, "partners": 0, "partners_kept": 0})
        words = [*PERSON, "955555555", "mc-1"]
        self.assertEqual(self.tables_that_name(*words), [])
        self.assertEqual(self.leads(), self.env["crm.lead"])
        self.assertTrue(self.erased.exists())

    def test_what_says_nothing_of_the_person_stays(self):
        stage, date = self.erased.stage_id, self.erased.quotation_start_date
        self.erase()
        self.assertEqual((self.erased.stage_id, self.erased.quotation_start_date), (stage, date))
        self.assertEqual(self.erased.team_id, self.team)
        self.assertFalse(self.erased.manychat_history_ids)

    def test_an_archived_lead_is_erased_too(self):
        self.erased.active = False
        self.assertEqual(self.erase()["leads"], 1)
        self.assertEqual(self.tables_that_name("Zoila"), [])

    def test_events_received_before_are_dropped_and_later_ones_start_anew(self):
        self.erase(erased_at="2025-10-20T22:30:00.000000Z")
        result = self.sync_one("e1", 1, **self.values)
        self.assertEqual((result["status"], result["message"]), ("stale", "erased"))
        self.assertEqual(self.sync_one("late", 2, received=30, first_name="Z")["status"], "stale")
        self.assertFalse(self.leads())
        answer = self.sync(event("new", 2, received=31, first_name="Zoe"), event("e2", 1))
        self.assertEqual([r["status"] for r in answer], ["created", "stale"])
        self.assertEqual(self.lead().contact_name, "Zoe")
        self.assertNotEqual(self.lead(), self.erased)

    def test_pressed_again_it_leaves_the_lead_of_a_client_who_came_back(self):
        until = iso(now())
        self.erase(erased_at=until)
        later = event("new", 2, first_name="Zoe")
        later["received_at"] = later["occurred_at"] = "2100-01-01T00:00:00Z"
        self.sync(later)
        self.env.cr.execute("UPDATE crm_lead SET create_date = '2100-01-01' WHERE id = %s",
                            (self.leads().id,))  # fmt: skip
        self.assertEqual(self.erase(erased_at=until)["leads"], 0)
        self.assertEqual(self.lead().contact_name, "Zoe")

    def test_other_contacts_and_companies_are_untouched(self):
        self.sync_one("other", 1, manychat_id="mc-2", first_name="Rosa")
        self.erase("mc-1", "nobody")
        self.assertEqual(self.lead("mc-2").contact_name, "Rosa")
        other = self.env["res.company"].create({"name": "Other"})
        stones = self.env["manychat.tombstone"].search([])
        self.assertEqual(len(stones), 2)
        self.assertFalse(stones.filtered(lambda stone: stone.company_id == other))

    def test_a_contact_whose_lead_was_merged_is_found(self):
        self.sync_one("other", 1, manychat_id="mc-2", first_name="Zoila")
        (self.erased | self.lead("mc-2")).merge_opportunity()
        self.env.flush_all()
        self.assertEqual(self.erase("mc-1", "mc-2")["leads"], 1)
        self.assertEqual(self.tables_that_name("Zoila", "mc-1", "mc-2"), [])

    def partner(self, **vals):
        partner = self.env["res.partner"].create(
            {"name": "Zoila Quilluya", "email": "zoila@mail.example", **vals}
        )
        self.erased.partner_id = partner
        self.env.flush_all()
        return partner

    def test_a_partner_that_nothing_else_uses_is_erased_too(self):
        partner = self.partner(comment="Sufre de asma")
        partner.message_post(body="Zoila")
        self.assertEqual(self.erase()["partners"], 1)
        self.assertEqual(self.tables_that_name("Zoila", "zoila", "Sufre"), [])
        self.assertFalse(partner.active)

    def test_a_partner_of_another_lead_stays_and_leaves_this_one(self):
        partner = self.partner()
        self.env["crm.lead"].create({"name": "Other", "partner_id": partner.id})
        self.env.flush_all()
        answer = self.erase()
        self.assertEqual((answer["partners"], answer["partners_kept"]), (0, 1))
        self.assertEqual((partner.name, partner.active), ("Zoila Quilluya", True))
        self.assertFalse(self.erased.partner_id)

    def test_a_partner_with_a_user_or_people_of_its_own_stays(self):
        partner = self.partner()
        self.env["res.partner"].create({"name": "Child", "parent_id": partner.id})
        self.assertEqual(self.erase()["partners_kept"], 1)
        self.sync_one("new", 2, received=10**6, first_name="Zoe")
        self.erased = self.lead()
        self.erased.partner_id = self.seller.partner_id
        self.assertEqual(self.erase(erased_at="2100-01-01T00:00:00Z")["partners_kept"], 1)
        self.assertTrue(self.seller.partner_id.active)

    def test_only_the_bridge_erases_and_only_what_it_can_read(self):
        for user in (self.seller, self.mapper):
            with self.assertRaises(AccessError):
                self.env["crm.lead"].with_user(user).manychat_erase(["mc-1"])
        lead = self.env["crm.lead"].with_user(self.bridge)
        for ids in ("mc-1", [1], [""], ["x"] * 501, None):
            with self.assertRaises(ValidationError):
                lead.manychat_erase(ids)
        for moment in ("soon", 5):
            with self.assertRaises(ValidationError):
                lead.manychat_erase(["mc-1"], moment)
        self.assertEqual(self.lead().contact_name, "Zoila Quilluya")
