from odoo.exceptions import AccessError

from ..models.crm_lead import SHARED_FIELDS, SYNC_FIELDS
from .common import ManychatCase, at, event


class TestMerge(ManychatCase):
    def merge(self, *leads):
        """Merge as a sales manager would and return the survivor."""
        both = self.env["crm.lead"].browse([lead.id for lead in leads])
        return both.with_user(self.mapper).merge_opportunity()

    def test_survivor_takes_the_id_history_and_events_of_the_lead_that_goes(self):
        self.sync_one("e1", 1, state="Comienza Cotización", summary="Pide cita")
        gone = self.lead()
        by_hand = self.env["crm.lead"].create(
            {
                "name": "By hand",
                "type": "opportunity",
                "probability": 99,
                "user_id": False,
                "stage_id": self.stage("order_confirmed").id,
                "team_id": self.team.id,
            }
        )
        survivor = self.merge(by_hand, gone)
        self.assertEqual(self.lead(), survivor)
        self.assertEqual(survivor.manychat_company_id, self.env.company)
        self.assertEqual(survivor.manychat_state, "Comienza Cotización")
        self.assertEqual(survivor.manychat_summary, "Pide cita")
        self.assertEqual(survivor.quotation_start_date.minute, 1)
        self.assertIn("e1", survivor.manychat_history_ids.mapped("event_id"))
        self.assertEqual(
            self.env["manychat.event"].search([("event_id", "=", "e1")]).lead_id, survivor
        )

    def test_merging_two_contacts_does_not_crash_and_keeps_the_survivors_id_and_stage(self):
        self.sync_one("e1", 1, "mc-1", state="Comienza Cotización", phone="+51911111111")
        self.sync_one("e2", 5, "mc-2", state="Nuevo", email="a@mail.example")
        first, second = self.lead("mc-1"), self.lead("mc-2")
        first.probability, second.probability = 90, 10
        survivor = self.merge(first, second)
        self.assertEqual((survivor, survivor.manychat_id), (first, "mc-1"))
        self.assertEqual(survivor.stage_id, self.stage("quotation_started"))
        self.assertEqual(survivor.manychat_state, "Nuevo")
        self.assertEqual((survivor.phone, survivor.email_from), ("+51911111111", "a@mail.example"))
        self.assertEqual(set(survivor.manychat_history_ids.mapped("event_id")), {"e1", "e2", False})

    def test_survivors_stage_outlives_the_next_old_event(self):
        self.sync_one("e1", 1, "mc-1", state="Comienza Cotización")
        self.sync_one("e2", 5, "mc-2", state="Nuevo")
        first, second = self.lead("mc-1"), self.lead("mc-2")
        first.probability, second.probability = 90, 10
        self.merge(first, second)
        self.sync_one("e3", 6, "mc-1", state="Asignado a campaña")
        self.assertEqual(self.lead("mc-1").stage_id, self.stage("quotation_started"))

    def merge_two(self):
        """Merge mc-2 into mc-1, whose lead is returned."""
        self.sync_one("e1", 1, "mc-1", state="Comienza Cotización", phone="+51911111111")
        self.sync_one("e2", 5, "mc-2", state="Nuevo", email="a@mail.example")
        first, second = self.lead("mc-1"), self.lead("mc-2")
        first.probability, second.probability = 90, 10
        return self.merge(first, second)

    def leads(self):
        return self.env["crm.lead"].search([("manychat_company_id", "!=", False)])

    def test_later_event_of_either_contact_lands_on_the_survivor(self):
        survivor = self.merge_two()
        moment = "2100-01-01T00:00:00Z"
        for number, manychat_id in enumerate(("mc-2", "mc-1"), start=3):
            sent = event(f"e{number}", manychat_id=manychat_id, summary=f"Said by {manychat_id}")
            [result] = self.sync({**sent, "occurred_at": moment, "received_at": moment})
            self.assertEqual((result["status"], result["lead_id"]), ("updated", survivor.id))
            self.assertEqual(self.lead("mc-1").manychat_summary, f"Said by {manychat_id}")
        self.assertEqual(self.leads(), survivor)
        said = self.env["manychat.event"].search([("event_id", "=", "e3")])
        self.assertEqual((said.manychat_id, said.lead_id), ("mc-2", survivor))

    def test_events_of_both_contacts_in_one_call_are_folded_together(self):
        survivor = self.merge_two()
        late = {"occurred_at": "2100-01-01T00:00:00Z", "received_at": "2100-01-01T00:00:00Z"}
        results = self.sync(
            {**event("e3", manychat_id="mc-2", state="Orden de venta Confirmada"), **late},
            {**event("e4", manychat_id="mc-1", state="orden de venta confirmada"), **late},
            event("e5", 2, "mc-3", state="Nuevo"),
        )
        self.assertEqual([r["status"] for r in results], ["updated", "unchanged", "created"])
        self.assertEqual([r["lead_id"] == survivor.id for r in results], [True, True, False])
        self.assertEqual(self.lead("mc-1").stage_id, self.stage("order_confirmed"))
        rows = self.lead("mc-1").manychat_history_ids
        self.assertTrue({"e3", "e4"} <= set(rows.mapped("event_id")))

    def test_event_of_the_merged_contact_that_comes_again_changes_nothing(self):
        survivor = self.merge_two()
        result = self.sync_one("e2", 5, "mc-2", state="Nuevo", email="a@mail.example")
        self.assertEqual((result["status"], result["lead_id"]), ("unchanged", survivor.id))

    def test_mended_event_of_the_merged_contact_replaces_its_own_row(self):
        survivor = self.merge_two()
        result = self.sync_one("e2", 5, "mc-2", state="Asignado a campaña", _revision=1)
        self.assertEqual((result["status"], result["lead_id"]), ("updated", survivor.id))
        row = survivor.manychat_history_ids.filtered(lambda r: r.event_id == "e2")
        self.assertEqual((row.state, row.revision), ("Asignado a campaña", 1))

    def test_bridge_finds_the_survivor_by_either_id(self):
        survivor = self.merge_two()
        for manychat_id in ("mc-1", "mc-2"):
            found = (
                self.env["crm.lead"]
                .with_user(self.bridge)
                .manychat_leads({"manychat_id": [manychat_id]})
            )
            self.assertEqual([lead["lead_id"] for lead in found["leads"]], [survivor.id])

    def test_contact_merged_twice_follows_the_last_survivor(self):
        self.merge_two()
        self.sync_one("e6", 6, "mc-3", state="Orden de venta Confirmada")
        last = self.lead("mc-3")
        self.merge(last, self.lead("mc-1"))
        for manychat_id in ("mc-1", "mc-2", "mc-3"):
            result = self.sync_one(f"late-{manychat_id}", 7, manychat_id, summary="x")
            self.assertEqual(result["lead_id"], last.id)

    def test_contact_whose_survivor_is_deleted_starts_anew(self):
        self.merge_two().sudo().unlink()
        result = self.sync_one("e3", 6, "mc-2", state="Nuevo")
        self.assertEqual(result["status"], "created")
        self.assertEqual(self.lead("mc-2").id, result["lead_id"])

    def test_manager_takes_a_merge_back_for_later_events(self):
        survivor = self.merge_two()
        merged = self.env["manychat.merged.contact"].with_user(self.mapper).search([])
        with self.assertRaises(AccessError):
            merged.manychat_id = "mc-1"
        with self.assertRaises(AccessError):
            merged.with_user(self.seller).unlink()
        merged.unlink()
        result = self.sync_one("e3", 6, "mc-2", state="Nuevo")
        self.assertEqual(result["status"], "created")
        self.assertNotEqual(self.lead("mc-2"), survivor)

    def test_contact_of_another_companys_manychat_is_not_sent_across(self):
        survivor = self.merge_two()
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.bridge.write({"company_ids": [(4, other.id)], "company_id": other.id})
        result = self.sync_one("e9", 6, "mc-2", state="Nuevo")
        self.assertEqual(result["status"], "created")
        self.assertNotEqual(result["lead_id"], survivor.id)

    def test_every_field_of_the_sync_has_its_place_in_a_merge(self):
        """A field that is added without a thought for merging fails here."""
        self.sync_one("e1", 1, "mc-1", state="Comienza Cotización", initial_state="Nuevo")
        self.sync_one(
            "e2",
            5,
            "mc-2",
            state="Nunca visto",
            summary="Pide cita",
            subscribed_at=at(0),
            entry_date=at(1),
            gender="m",
            commercial={"email": "seller@clinic.example"},
            medical={"name": "Dr. Nadie"},
        )
        states = ("Asignado a campaña", "Comienza Atención Comercial", "Asignado a médico")
        for minute, state in enumerate(states, start=6):
            self.sync_one(f"e{minute}", minute, "mc-2", state=state)
        first, second = self.lead("mc-1"), self.lead("mc-2")
        newest = {
            name: second[name]
            for name in (*SYNC_FIELDS, *SHARED_FIELDS)
            if name not in ("manychat_id", "manychat_synced_at", "manychat_values")
            and second[name]
            and second._fields[name].type != "one2many"
        }
        newest["manychat_initial_state"] = "Nuevo"
        self.merge(first, second)
        head = self.lead("mc-1")
        self.assertEqual({name: head[name] for name in newest}, newest)
        self.assertEqual(head.manychat_values["summary"]["value"], "Pide cita")
        undecided = {
            name
            for name, field in head._fields.items()
            if name.startswith("manychat_")
            and field.store
            and not field.compute
            and name not in (*SYNC_FIELDS, *SHARED_FIELDS)
        }
        self.assertEqual(undecided, set())
