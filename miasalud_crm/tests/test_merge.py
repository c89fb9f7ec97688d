from .common import ManychatCase


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
