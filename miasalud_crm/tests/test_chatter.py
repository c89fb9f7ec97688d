from .common import ManychatCase


class TestChatter(ManychatCase):
    def setUp(self):
        super().setUp()
        self.env["crm.team.member"].create({"user_id": self.seller.id, "crm_team_id": self.team.id})
        self.sync_one("e1", 1, first_name="Ana", state="Nuevo")

    def stage_traces(self):
        values = self.lead().message_ids.sudo().tracking_value_ids
        return [
            (value.old_value_char, value.new_value_char)
            for value in values.filtered(lambda v: v.field_id.name == "stage_id").sorted("id")
        ]

    def test_every_stage_change_has_its_tracking_value(self):
        self.sync_one("e2", 2, state="Comienza Cotización")
        self.sync_one("e3", 3, state="Venta exitosa")
        self.assertEqual(
            self.stage_traces(),
            [
                ("Recién Suscrito (Sin Asignar)", "Comienza Cotización"),
                ("Comienza Cotización", "Venta exitosa"),
            ],
        )

    def test_time_in_stage_counts_every_stage(self):
        self.sync_one("e2", 2, state="Comienza Cotización")
        self.assertEqual(
            {int(stage) for stage in self.lead().duration_tracking},
            {self.stage("subscribed").id, self.stage("quotation_started").id},
        )

    def test_event_that_moves_nothing_leaves_no_message(self):
        before = self.lead().message_ids
        self.sync_one("e2", 2, state="nuevo", gender="female")
        self.assertEqual(self.lead().message_ids, before)

    def test_sync_makes_no_follower_no_mail_and_no_notification(self):
        follower = self.env["res.partner"].create({"name": "F", "email": "f@clinic.example"})
        self.team.message_subscribe(
            follower.ids,
            self.env["mail.message.subtype"].search([("res_model", "in", (False, "crm.team"))]).ids,
        )
        mails = self.env["mail.mail"].search_count([])
        notes = self.env["mail.notification"].search_count([])
        self.sync_one("e2", 2, commercial={"odoo_id": self.seller.id}, state="Venta exitosa")
        self.sync_one("e9", 2, "mc-2", commercial={"odoo_id": self.seller.id}, state="Nuevo")
        self.assertFalse(self.lead().message_follower_ids)
        self.assertFalse(self.lead("mc-2").message_follower_ids)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertEqual(self.env["mail.notification"].search_count([]), notes)

    def test_person_who_moves_a_lead_still_notifies_as_before(self):
        self.env["crm.lead"].with_user(self.seller).create({"name": "By hand"})
        lead = self.lead().with_user(self.seller)
        lead.stage_id = self.stage("quotation_started")
        self.env.cr.flush()
        message = lead.message_ids[0]
        self.assertEqual(message.subtype_id, self.env.ref("crm.mt_lead_stage"))
