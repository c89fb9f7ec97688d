from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user

from .common import ManychatCase, at, event


class TestReconcile(ManychatCase):
    """What the bridge compares, what it may mend here, and what people see of it."""

    def setUp(self):
        super().setUp()
        self.Lead = self.env["crm.lead"].with_user(self.bridge)
        self.env.cr.execute("UPDATE crm_lead SET manychat_id = NULL")
        self.env.cr.execute("DELETE FROM manychat_reconciliation")
        self.env.invalidate_all()

    def standing(self, *manychat_ids, cursor=None):
        answer = self.Lead.manychat_standing(list(manychat_ids), cursor)
        self.env.invalidate_all()
        return answer

    def test_only_the_bridge_may_compare(self):
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        for user in (internal, self.seller, self.mapper, self.env.ref("base.user_admin")):
            leads = self.env["crm.lead"].with_user(user)
            for call in (
                lambda leads=leads: leads.manychat_standing(["mc-1"]),
                leads.manychat_lead_ids,
                lambda leads=leads: leads.manychat_states(["mc-1"]),
                lambda leads=leads: leads.manychat_let_go([1]),
                lambda leads=leads: leads.env["manychat.reconciliation"].manychat_reconciled({}),
            ):
                with self.assertRaises(AccessError):
                    call()

    def test_values_come_with_the_clock_of_their_writer(self):
        self.sync_one("e1", 1, first_name="Ana", state="Nuevo")
        self.sync_one("e2", 2, phone="+51999888777", state="Comienza Cotización")
        [lead] = self.standing("mc-1", "mc-unknown")["leads"]
        clock = f"{at(2)}|{at(2)}|e2|000000"
        self.assertEqual(lead["values"]["phone"], ["+51999888777", clock])
        self.assertEqual(lead["state"], ["Comienza Cotización", clock])
        self.assertEqual((lead["lead_id"], lead["stage"]), (self.lead().id, "Comienza Cotización"))
        self.assertEqual((lead["person"], lead["active"], lead["shared"]), (None, True, False))

    def test_the_partner_is_the_contacts_even_if_a_person_took_the_customer_away(self):
        [result] = self.Lead.manychat_sync([event("e1", 1)], partners=True)
        self.env.invalidate_all()
        self.lead().with_user(self.mapper).sudo().partner_id = False
        [lead] = self.standing("mc-1")["leads"]
        self.assertEqual(lead["partner_id"], result["partner_id"])

    def test_archived_leads_stand_too(self):
        self.sync_one("e1", 1)
        self.lead().active = False
        self.assertEqual([lead["active"] for lead in self.standing("mc-1")["leads"]], [False])

    def test_a_merged_contact_is_told_by_its_survivor(self):
        self.sync(event("e1", 1, "mc-1"), event("e2", 2, "mc-2"))
        first, second = self.lead("mc-1"), self.lead("mc-2")
        (first | second).merge_opportunity()
        leads = self.standing("mc-1", "mc-2")["leads"]
        self.assertEqual(len({lead["lead_id"] for lead in leads}), 1)
        self.assertEqual([lead["shared"] for lead in leads], [True, True])

    def test_a_change_that_nobody_has_read_is_told(self):
        self.sync(event("e1", 1, "mc-1"), event("e2", 2, "mc-2"))
        self.lead("mc-1").phone = "+51911111111"
        self.assertEqual(self.standing("mc-1", "mc-2")["unread"], ["mc-1"])
        cursor = self.Lead.manychat_changes()["cursor"]
        self.assertEqual(self.standing("mc-1", "mc-2", cursor=cursor)["unread"], [])
        self.lead("mc-2").unlink()
        self.assertEqual(self.standing("mc-1", "mc-2", cursor=cursor)["unread"], ["mc-2"])

    def test_who_was_erased_is_told_while_there_is_no_new_lead(self):
        self.sync(event("e1", 1, "mc-1"), event("e2", 2, "mc-2"))
        self.Lead.manychat_erase(["mc-1"], at(30))
        self.env.invalidate_all()
        self.assertEqual(self.standing("mc-1", "mc-2")["erased"], {"mc-1": at(30)})
        self.sync(event("e3", 40, "mc-1"))
        self.assertEqual(self.standing("mc-1", "mc-2")["erased"], {})

    def twin(self, **vals):
        return self.env["crm.lead"].sudo().create({"name": "Twin", "manychat_id": "mc-1", **vals})

    def test_a_lead_beside_the_one_that_events_go_to_is_a_twin(self):
        self.sync_one("e1", 1)
        foreign = self.env["res.company"].create({"name": "Other clinic"})
        self.sync_one("e2", 2)
        stray = self.stray()
        other = self.twin(manychat_company_id=foreign.id, company_id=foreign.id)
        self.env.flush_all()
        twins = {twin["lead_id"]: twin["foreign"] for twin in self.standing("mc-1")["twins"]}
        self.assertEqual(twins, {stray.id: False, other.id: True})

    def stray(self):
        """A lead whose company was never set: no index keeps it from being a second one."""
        lead = self.env["crm.lead"].create({"name": "Stray"})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET manychat_id = 'mc-1', manychat_company_id = NULL WHERE id = %s",
            (lead.id,),
        )
        self.env.invalidate_all()
        return lead

    def test_a_twin_is_let_go_and_both_leads_say_so(self):
        self.sync_one("e1", 1)
        own = self.lead()
        stray = self.stray()
        foreign = self.env["res.company"].create({"name": "Other clinic"})
        other = self.twin(manychat_company_id=foreign.id, company_id=foreign.id)
        self.env.flush_all()
        self.assertEqual(self.Lead.manychat_let_go([own.id, stray.id, other.id]), 1)
        self.env.invalidate_all()
        self.assertEqual((stray.exists().manychat_id, stray.active), (False, True))
        self.assertEqual((own.manychat_id, other.manychat_id), ("mc-1", "mc-1"))
        self.assertIn("Stray", own.message_ids[0].body)
        self.assertIn(own.display_name, stray.message_ids[0].body)
        self.assertEqual(self.Lead.manychat_let_go([stray.id]), 0)

    def test_leads_are_listed_by_id(self):
        self.sync(*[event(f"e{n}", n, f"mc-{n}") for n in range(1, 4)])
        first = self.Lead.manychat_lead_ids(0, 2)
        self.assertEqual([manychat_id for _id, manychat_id in first], ["mc-1", "mc-2"])
        rest = self.Lead.manychat_lead_ids(first[-1][0], 2)
        self.assertEqual([manychat_id for _id, manychat_id in rest], ["mc-3"])
        soon = (fields.Datetime.now() + timedelta(days=1)).isoformat() + "Z"
        self.assertEqual(self.Lead.manychat_lead_ids(0, 2, soon), [])

    def test_states_come_in_their_order(self):
        self.sync_one("e2", 2, state="Comienza Cotización", category="B")
        self.sync_one("e1", 1, state="Nuevo")
        rows = self.Lead.manychat_states(["mc-1"])
        self.assertEqual(
            [(row["state"], row["category"]) for row in rows],
            [("Nuevo", None), ("Comienza Cotización", "B")],
        )

    def test_odd_questions_are_refused(self):
        for call in (
            lambda: self.Lead.manychat_standing("mc-1"),
            lambda: self.Lead.manychat_standing(["mc-1"], "no cursor"),
            lambda: self.Lead.manychat_standing(["x"] * 501),
            lambda: self.Lead.manychat_lead_ids("0"),
            lambda: self.Lead.manychat_lead_ids(0, 5001),
            lambda: self.Lead.manychat_lead_ids(0, 1, "yesterday"),
            lambda: self.Lead.manychat_let_go(["1"]),
            lambda: self.tell(checked=-1),
            lambda: self.tell(duplicate="3"),
            lambda: self.tell(started_at="yesterday"),
            lambda: (
                self.env["manychat.reconciliation"].with_user(self.bridge).manychat_reconciled([])
            ),
        ):
            with self.assertRaises(ValidationError):
                call()

    def test_a_page_costs_a_handful_of_statements(self):
        def cost(count):
            ids = [f"mc-{n}" for n in range(count)]
            self.sync(*[event(f"e{count}-{n}", n, f"mc-{n}", state="Nuevo") for n in range(count)])
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.standing(*ids)
            return self.env.cr.sql_log_count - before

        cost(1)
        self.assertLessEqual(cost(40), cost(4))

    def tell(self, **values):
        report = {"started_at": at(0), "finished_at": at(5), "checked": 10, **values}
        return (
            self.env["manychat.reconciliation"].with_user(self.bridge).manychat_reconciled(report)
        )

    def test_what_was_found_is_kept_once_and_shown(self):
        self.tell(older_in_odoo=3, duplicate=1)
        self.tell(older_in_odoo=3, duplicate=1)
        rows = self.env["manychat.reconciliation"].with_user(self.mapper).search([])
        self.assertEqual([(row.total, row.checked) for row in rows], [(4, 10)])
        settings = self.env["res.config.settings"].with_user(self.env.ref("base.user_admin"))
        self.assertEqual(settings.create({}).manychat_difference_count, 4)
        self.tell(started_at=at(10), finished_at=at(15), older_in_odoo=3, fixed=True)
        self.assertEqual(settings.create({}).manychat_difference_count, 0)

    def test_sellers_and_other_companies_do_not_see_it(self):
        self.tell()
        Rows = self.env["manychat.reconciliation"]
        with self.assertRaises(AccessError):
            Rows.with_user(self.seller).search([])
        foreign = self.env["res.company"].create({"name": "Other clinic"})
        manager = new_test_user(
            self.env, "elsewhere", groups="miasalud_crm.group_manager",
            company_id=foreign.id, company_ids=[(6, 0, foreign.ids)],
        )  # fmt: skip
        self.assertFalse(Rows.with_user(manager).search([]))

    def test_old_results_are_forgotten(self):
        for day in range(62):
            self.tell(started_at=at(day), finished_at=at(day + 1))
        self.assertEqual(self.env["manychat.reconciliation"].search_count([]), 60)
