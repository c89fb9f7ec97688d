from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from .common import ManychatCase, event


class TestReads(ManychatCase):
    """What the bridge may read: leads of its company, and what an event would do."""

    def leads(self, **filters):
        return self.env["crm.lead"].with_user(self.bridge).manychat_leads(filters)

    def ids(self, **filters):
        return [lead["manychat_id"] for lead in self.leads(**filters)["leads"]]

    def check(self, *args, **kwargs):
        told = self.env["crm.lead"].with_user(self.bridge).manychat_check(event(*args, **kwargs))
        self.env.invalidate_all()
        return told

    def test_only_the_bridge_may_read(self):
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        for user in (internal, self.seller, self.mapper, self.env.ref("base.user_admin")):
            leads = self.env["crm.lead"].with_user(user)
            for call in (
                leads.manychat_leads,
                lambda leads=leads: leads.manychat_check(event("x")),
            ):
                with self.assertRaises(AccessError):
                    call()

    def test_a_lead_is_shown_as_it_stands(self):
        self.sync_one(
            "e1", 1, first_name="Ana", last_name="Ruiz", phone="+51999888777", channel="Facebook",
            email="ana@correo.example", state="Comienza Cotización", summary="Pidió precio",
            campaign={"id": 7, "name": "Chequeo"}, commercial={"name": "Desconocida"},
        )  # fmt: skip
        answer = self.leads()
        self.assertEqual(answer["total"], 1)
        lead = answer["leads"][0]
        self.assertEqual(lead["lead_id"], self.lead().id)
        self.assertEqual(lead["stage"], "Comienza Cotización")
        self.assertEqual(
            (lead["contact_name"], lead["phone"], lead["channel"], lead["campaign"]),
            ("Ana Ruiz", "+51999888777", "Facebook", "Chequeo"),
        )
        self.assertEqual((lead["commercial"], lead["medical"]), ("Desconocida", None))
        self.assertEqual(lead["state_date"], "2025-10-20T22:01:00.000000Z")
        self.assertEqual(lead["dates"], {"quotation_start_date": "2025-10-20T22:01:00.000000Z"})

    def test_leads_are_found_by_what_people_know_of_them(self):
        self.sync(
            event("e1", 1, "mc-1", phone="+51999888777", state="Comienza Cotización"),
            event("e2", 2, "mc-2", email="Luz@Correo.example", state="Nuevo"),
            event("e3", 3, "mc-3", phone="123 4567"),
        )
        self.assertEqual(self.ids(), ["mc-3", "mc-2", "mc-1"])
        self.assertEqual(self.ids(manychat_id=["mc-2"]), ["mc-2"])
        self.assertEqual(self.ids(phone=["+51999888777"]), ["mc-1"])
        self.assertEqual(self.ids(phone=["123 4567"]), ["mc-3"])
        self.assertEqual(self.ids(email=["LUZ@correo.example"]), ["mc-2"])
        self.assertEqual(self.ids(state=["comienza  COTIZACION!"]), ["mc-1"])
        self.assertEqual(self.ids(lead_id=self.lead("mc-3").id), ["mc-3"])
        self.assertEqual(self.ids(manychat_id=["mc-9"]), [])

    def test_archived_leads_are_found_too_unless_only_active_ones_are_asked_for(self):
        self.sync(event("e1", 1, "mc-1"), event("e2", 2, "mc-2"))
        self.lead("mc-1").action_archive()
        self.assertEqual(self.ids(), ["mc-2", "mc-1"])
        self.assertEqual(self.ids(active=True), ["mc-2"])
        self.assertEqual(self.ids(active=False), ["mc-1"])

    def test_pages_follow_each_other(self):
        self.sync(*(event(f"e{i}", i, f"mc-{i}") for i in range(1, 6)))
        bridge = self.env["crm.lead"].with_user(self.bridge)
        pages = [bridge.manychat_leads({}, page, 2) for page in (1, 2, 3, 4)]
        self.assertEqual({page["total"] for page in pages}, {5})
        shown = [[lead["manychat_id"] for lead in page["leads"]] for page in pages]
        self.assertEqual(shown, [["mc-5", "mc-4"], ["mc-3", "mc-2"], ["mc-1"], []])

    def test_leads_of_people_and_of_other_companies_are_not_shown(self):
        self.env["crm.lead"].create({"name": "typed by somebody"})
        self.sync_one("e1", 1)
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.lead().manychat_company_id = other
        self.assertEqual(self.leads(), {"total": 0, "leads": []})

    @mute_logger("odoo.models")
    def test_what_has_no_meaning_is_refused(self):
        bridge = self.env["crm.lead"].with_user(self.bridge)
        for args in (
            ({"name": ["x"]},),
            ({"phone": "123"},),
            ({"phone": [["id", "=", 1]]},),
            ({"active": "no"},),
            ({"active": 1},),
            ({"lead_id": True},),
            (["x"],),
            ({}, 0),
            ({}, 1, 0),
            ({}, 1, 201),
            ({}, "1"),
            ({}, True),
        ):
            with self.assertRaises(ValidationError, msg=args):
                bridge.manychat_leads(*args)

    def test_a_check_tells_the_stage_of_a_new_lead_and_makes_none(self):
        told = self.check("e1", 1, first_name="Ana", state="comienza  COTIZACIÓN")
        self.assertEqual((told["status"], told["lead_id"], told["stage"]), ("created", None, None))
        self.assertEqual(told["next_stage"], "Comienza Cotización")
        self.assertEqual((told["rule"], told["action"]), ("Comienza Cotización", "stage"))
        self.assertFalse(self.leads()["total"])
        self.assertFalse(self.env["manychat.event"].search_count([]))

    def test_a_check_tells_where_a_known_lead_would_go_and_moves_it_not(self):
        self.sync_one("e1", 1, state="Nuevo")
        told = self.check("e2", 2, state="Venta exitosa")
        self.assertEqual((told["status"], told["lead_id"]), ("updated", self.lead().id))
        self.assertEqual(told["stage"], self.stage("subscribed").name)
        self.assertEqual(told["next_stage"], self.stage("sale_won").name)
        self.assertEqual(self.lead().stage_id, self.stage("subscribed"))
        self.assertEqual(self.sync_one("e2", 2, state="Venta exitosa")["stage"], told["next_stage"])

    def test_a_check_knows_that_an_older_state_moves_nobody(self):
        self.sync_one("e1", 5, state="Comienza Cotización")
        told = self.check("e2", 2, state="Nuevo")
        self.assertEqual(told["status"], "stale")
        self.assertEqual(told["next_stage"], "Comienza Cotización")
        self.assertEqual(told["next_state"], "Comienza Cotización")

    def test_a_check_of_an_unmapped_state_names_no_rule_and_the_lead_stays(self):
        self.sync_one("e1", 1, state="Comienza Cotización")
        told = self.check("e2", 2, state="Estado Inventado")
        self.assertEqual((told["rule"], told["action"]), (None, None))
        self.assertEqual(told["next_stage"], "Comienza Cotización")

    def test_a_check_leaves_a_lead_where_a_person_put_it(self):
        self.sync_one("e1", 1, state="Nuevo")
        self.lead().stage_id = self.stage("quotation_started")
        told = self.check("e2", 2, summary="Pidió precio")
        self.assertEqual(told["stage"], told["next_stage"])
        self.assertEqual(told["next_stage"], self.stage("quotation_started").name)

    def test_a_check_of_what_cannot_be_read_says_why(self):
        bridge = self.env["crm.lead"].with_user(self.bridge)
        for raw in ({}, "x", event("e1") | {"occurred_at": "yesterday"}):
            told = bridge.manychat_check(raw)
            self.assertEqual(told["status"], "rejected")
            self.assertTrue(told["message"])
