from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form

from ..const import FUNNEL_DATES, MAX_CHANGES
from ..models import manychat_change
from .common import ManychatCase, event


class TestChanges(ManychatCase):
    """What people change reaches the feed; what the bridge brought never does."""

    def setUp(self):
        super().setUp()
        self.env["manychat.change"].sudo().search([]).unlink()
        self.env["crm.team.member"].create({"user_id": self.seller.id, "crm_team_id": self.team.id})
        self.sync_one(
            "e1",
            1,
            first_name="Ana",
            phone="+51911111111",
            email="a@mail.example",
            state="Nuevo",
            commercial={"email": "seller@clinic.example"},
        )
        self.mine = self.lead().with_user(self.seller)

    def page(self, cursor=None, limit=200):
        self.env.flush_all()
        return self.env["crm.lead"].with_user(self.bridge).manychat_changes(cursor, limit)

    def told(self, cursor=None):
        """Return ``(kind, values)`` of each change."""
        return [(c["kind"], c["values"]) for c in self.page(cursor)["changes"]]

    def test_what_the_bridge_brings_is_never_fed_back(self):
        self.sync_one("e2", 2, first_name="Eva", state="Comienza Cotización", medical=False)
        self.Rule.create({"manychat_state": "Perdido", "action": "lost"})
        self.sync_one("e3", 3, state="Perdido")
        self.assertFalse(self.lead().active)
        self.assertEqual(self.told(), [])

    def test_a_typed_name_phone_and_mail_are_told_under_the_bridges_keys(self):
        self.mine.write(
            {"contact_name": "Eva", "phone": "+51922222222", "email_from": "e@x.example"}
        )
        values = {
            "first_name": "Eva",
            "last_name": False,
            "phone": "+51922222222",
            "email": "e@x.example",
        }
        self.assertEqual(self.told(), [("values", values)])

    def test_a_change_carries_contact_lead_clock_and_where_the_lead_stands(self):
        self.mine.stage_id = self.stage("quotation_started")
        change = self.page()["changes"][0]
        lead = self.lead()
        self.assertEqual(change["manychat_id"], "mc-1")
        self.assertEqual(change["lead_id"], lead.id)
        self.assertEqual(change["clock"], lead.manychat_history_ids[:1].clock)
        told = {"stage": lead.stage_id.name, "stage_id": lead.stage_id.id}
        self.assertEqual(change["values"], told)
        self.assertEqual((change["stage"], change["active"]), (lead.stage_id.name, True))
        self.assertEqual(set(change["dates"]), {n for n, _l in FUNNEL_DATES if lead[n]})

    def test_a_change_and_the_sync_tell_where_the_lead_stands_alike(self):
        self.mine.stage_id = self.stage("quotation_started")
        change = self.page()["changes"][0]
        result = self.sync_one("e1", 1)
        told = {key: change[key] for key in ("lead_id", "stage", "dates")}
        self.assertEqual(told, {key: result[key] for key in told})

    def test_a_person_names_the_advisors(self):
        doctor = self.seller.copy(
            {"login": "doctor", "email": "d@clinic.example", "name": "Dr. Sol"}
        )
        named = {"odoo_id": doctor.id, "email": "d@clinic.example", "name": "Dr. Sol"}
        self.mine.manychat_medical_id = doctor
        self.lead().user_id = False
        self.assertEqual(
            self.told(), [("advisors", {"medical": named}), ("advisors", {"commercial": False})]
        )

    def test_a_doctor_whom_a_person_named_stands_against_manychat(self):
        doctor = self.seller.copy({"login": "doctor", "email": "d@clinic.example"})
        self.mine.manychat_medical_id = doctor
        self.sync_one("e2", 2, medical={"email": "seller@clinic.example"})
        self.assertEqual(self.lead().manychat_medical_id, doctor)
        self.assertFalse(self.lead().manychat_medical_ref)

    def test_lost_archived_and_restored_are_told_apart(self):
        self.mine.action_set_lost()
        self.lead().action_unarchive()
        self.lead().action_archive()
        self.assertEqual([kind for kind, _ in self.told()], ["lost", "restored", "archived"])

    def test_a_merge_tells_each_contact_its_new_lead(self):
        self.sync(event("f1", 2, manychat_id="mc-2", first_name="Eva"))
        both = self.lead() | self.lead("mc-2")
        survivor = both.merge_opportunity(auto_unlink=True)
        into = survivor.manychat_id
        merged = [c for c in self.page()["changes"] if c["kind"] == "merged"]
        self.assertEqual({c["manychat_id"] for c in merged}, {"mc-1", "mc-2"})
        self.assertEqual({c["lead_id"] for c in merged}, {survivor.id})
        self.assertEqual({c["values"]["into"] for c in merged}, {into})

    def test_a_deleted_lead_is_told_without_a_standing(self):
        lead_id = self.lead().id
        self.lead().unlink()
        change = self.page()["changes"][0]
        self.assertEqual((change["kind"], change["lead_id"]), ("deleted", lead_id))
        self.assertEqual((change["stage"], change["dates"], change["active"]), (None, None, None))

    def test_leads_that_a_manager_folds_again_are_told(self):
        self.sync_one("e2", 2, state="Quiere cita")
        states = self.env["manychat.unmapped.state"].with_user(self.mapper)
        action = states.search([("folded", "=", "quiere cita")]).action_map()
        with Form(
            self.env["manychat.map.state"].with_user(self.mapper).browse(action["res_id"])
        ) as form:
            form.stage_id = self.stage("quotation_started")
        form.record.action_apply()
        change = self.page()["changes"][0]
        self.assertEqual(change["kind"], "refolded")
        self.assertEqual(change["stage"], self.stage("quotation_started").name)

    def test_an_advisor_who_is_named_later_is_told_as_of_the_event_that_named_them(self):
        self.sync_one("e2", 2, commercial={"name": "700"}, medical={"name": "700"})
        self.sync_one("e3", 3, "mc-2", commercial={"name": "800"})
        alias = self.env["manychat.alias"].create({"value": "700", "user_id": self.seller.id})
        alias.action_resolve()
        seller = self.seller._manychat_as_advisor()
        self.assertEqual(
            self.told(), [("advisors", {"commercial": seller}), ("advisors", {"medical": seller})]
        )
        event_clock = self.lead().manychat_values["commercial"]["clock"]
        mended = event_clock[:-1] + "1"
        for change in self.page()["changes"]:
            self.assertLess(event_clock, change["clock"])
            self.assertLess(change["clock"], mended)
        alias.action_resolve()
        self.assertEqual(len(self.told()), 2)

    def test_what_was_typed_on_a_lead_that_a_contact_adopts_is_told(self):
        self.set_param("identity", "reach")
        vals = {"name": "By hand", "contact_name": "Eva", "phone": "+51922222222"}
        lead = self.env["crm.lead"].create({**vals, "user_id": self.seller.id})
        self.env["crm.lead"].create({"name": "Untouched", "user_id": False})
        self.sync_one("e2", 2, "mc-2", phone="+51922222222", first_name="Evita")
        self.assertEqual(self.lead("mc-2"), lead)
        values = {"title": "By hand", "first_name": "Eva", "last_name": False, "phone": lead.phone}
        commercial = self.seller._manychat_as_advisor()
        self.assertEqual(
            self.told(), [("values", values), ("advisors", {"commercial": commercial})]
        )
        clocks = {change["clock"] for change in self.page()["changes"]}
        self.assertEqual(clocks, {lead.manychat_values["title"]["clock"]})

    def test_a_partners_phone_mail_and_name_are_told_as_the_leads(self):
        partner = self.env["res.partner"].create(
            {"name": "Ana", "phone": "+51911111111", "email": "a@mail.example"}
        )
        self.lead().partner_id = partner
        cursor = self.page()["cursor"]
        partner.write({"name": "Ana Sol", "phone": "+51933333333"})
        told = {}
        for _kind, values in self.told(cursor):
            told.update(values)
        self.assertEqual(
            told, {"phone": "+51933333333", "first_name": "Ana Sol", "last_name": False}
        )
        self.assertEqual(self.lead().phone, "+51933333333")

    def test_what_the_bridge_writes_reaches_no_partner_and_is_not_told(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": "+51911111111"})
        self.lead().partner_id = partner
        cursor = self.page()["cursor"]
        self.sync_one("e2", 2, phone="+51944444444")
        self.assertEqual((self.lead().phone, partner.phone), ("+51944444444", "+51911111111"))
        self.assertEqual(self.told(cursor), [])

    def test_a_cursor_goes_on_where_the_last_answer_ended(self):
        for number in range(5):
            self.mine.phone = f"+5192222222{number}"
        first = self.page(limit=2)
        second = self.page(first["cursor"], limit=2)
        third = self.page(second["cursor"], limit=2)
        phones = [c["values"]["phone"][-1] for a in (first, second, third) for c in a["changes"]]
        self.assertEqual("".join(phones), "01234")
        self.assertEqual([a["more"] for a in (first, second, third)], [True, True, False])
        again = self.page(third["cursor"])
        self.assertEqual((again["changes"], again["cursor"]), ([], third["cursor"]))

    def test_a_lost_answer_is_given_again(self):
        self.mine.phone = "+51922222222"
        self.assertEqual(self.page()["changes"], self.page()["changes"])

    def test_without_news_reading_writes_nothing(self):
        cursor = self.page()["cursor"]
        self.env.cr.execute("SELECT xmin FROM manychat_change_feed")
        before = self.env.cr.fetchone()
        self.page(cursor)
        self.env.cr.execute("SELECT xmin FROM manychat_change_feed")
        self.assertEqual(self.env.cr.fetchone(), before)

    def test_another_companys_changes_are_not_read(self):
        other = self.env["res.company"].create({"name": "Other clinic"})
        self.mine.phone = "+51922222222"
        self.env["manychat.change"].sudo().search([]).company_id = other
        self.assertEqual(self.told(), [])

    def test_only_the_bridge_reads_the_feed(self):
        for user in (self.seller, self.mapper):
            with self.assertRaises(AccessError):
                self.env["crm.lead"].with_user(user).manychat_changes()

    def test_the_bridge_cannot_read_the_table_itself(self):
        self.mine.phone = "+51922222222"
        with self.assertRaises(AccessError):
            self.env["manychat.change"].with_user(self.bridge).search([]).read(["clock"])

    def test_a_salesperson_can_neither_read_nor_write_changes(self):
        Change = self.env["manychat.change"].with_user(self.seller)
        with self.assertRaises(AccessError):
            Change.search([])
        with self.assertRaises(AccessError):
            Change.create({"manychat_id": "mc-1", "kind": "stage", "clock": "x"})

    def test_cursor_or_limit_of_no_meaning_is_refused(self):
        for cursor, limit in (("x", 1), ("a:b", 1), (7, 1), (None, 0), (None, MAX_CHANGES + 1)):
            with self.assertRaises(ValidationError):
                self.page(cursor, limit)

    def test_old_changes_are_deleted_and_a_reader_who_missed_them_is_told(self):
        self.mine.phone = "+51922222222"
        start = self.page(limit=1)["cursor"]
        self.mine.phone = "+51933333333"
        self._age()
        self.env["manychat.change"]._cron_forget()
        answer = self.page(start)
        self.assertEqual((answer["changes"], answer["gap"]), ([], True))
        self.assertFalse(self.page(answer["cursor"])["gap"] and self.page(start)["changes"])

    def test_young_changes_are_kept(self):
        self.mine.phone = "+51922222222"
        self.env["manychat.change"]._cron_forget()
        answer = self.page()
        self.assertEqual((len(answer["changes"]), answer["gap"]), (1, False))

    def test_old_changes_go_in_slices(self):
        self.patch(manychat_change, "SLICE", 2)
        for number in range(3):
            self.mine.phone = f"+5192222222{number}"
        self._age()
        self.env["manychat.change"]._cron_forget()
        self.assertEqual(self.env["manychat.change"].sudo().search_count([]), 1)

    def test_a_cursor_of_a_restored_or_other_database_starts_anew(self):
        self.mine.phone = "+51922222222"
        database = self.page()["cursor"].partition(":")[0]
        for cursor in (f"{database}:999999", "deadbeef:1"):
            answer = self.page(cursor)
            self.assertEqual((len(answer["changes"]), answer["gap"]), (1, True))

    def _age(self):
        """Make every change so far older than what is kept."""
        self.env.flush_all()
        old = fields.Datetime.now() - timedelta(days=manychat_change.KEEP_DAYS + 1)
        self.env.cr.execute("UPDATE manychat_change SET create_date = %s", (old,))
        self.env.invalidate_all()
