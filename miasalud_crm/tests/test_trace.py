"""What the sync writes into the chatter by itself is what Odoo would have written."""

from datetime import timedelta

from odoo.tools import html_sanitize

from .common import ManychatCase, event

NASTY = """<img src=x onerror="alert(1)"> & 'comillas' %(x)s \\ 100%"""
OWN = {"id", "res_id", "message_id", "mail_message_id"}


class TestTrace(ManychatCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.env.company.partner_id.write({"tz": "America/Lima", "lang": "en_US"})
        self.sync_leads = self.env["crm.lead"]._manychat_as_sync(self.env.company)

    def rows(self, records):
        """Return every column of each record as the database has it, without what is its own."""
        self.env.flush_all()
        self.env.cr.execute(
            f'SELECT * FROM "{records._table}" WHERE id = ANY(%s) ORDER BY id', (records.ids,)
        )
        names = [column.name for column in self.env.cr.description]
        rows = [dict(zip(names, row, strict=True)) for row in self.env.cr.fetchall()]
        return [{name: row[name] for name in row.keys() - OWN} for row in rows]

    def notes(self, lead):
        return [str(message.body) for message in lead.message_ids.sorted("id")]

    def test_note_tells_state_and_time_in_the_companys_language_and_zone(self):
        self.sync_one("e1", 1, state="Nuevo")
        self.sync_one("e2", 41, state="Derivado Asesoría Médica")
        self.assertEqual(
            self.notes(self.lead()),
            [
                "<p>ManyChat: Nuevo, 10/20 17:01</p>",
                "<p>ManyChat: Derivado Asesoría Médica, 10/20 17:41</p>",
            ],
        )

    def test_day_stands_before_the_month_where_the_language_has_it_so(self):
        self.env["res.lang"]._lang_get("en_US").date_format = "%d/%m/%Y"
        self.sync_one("e1", 41, state="Nuevo")
        self.assertEqual(self.notes(self.lead()), ["<p>ManyChat: Nuevo, 20/10 17:41</p>"])

    def test_several_events_of_a_batch_leave_one_note_with_the_last_state(self):
        states = ("Nuevo", "Comienza Cotización", "Orden de venta Confirmada")
        self.sync_one("e0", 0, first_name="Ana")
        self.sync(*(event(f"e{n}", n, state=state) for n, state in enumerate(states, 1)))
        message = self.lead().message_ids[0]
        self.assertEqual(len(self.lead().message_ids), 2)
        self.assertIn("Orden de venta Confirmada", message.body)
        self.assertEqual(
            message.sudo()
            .tracking_value_ids.filtered(lambda value: value.field_id.name == "stage_id")
            .new_value_char,
            "Orden de venta Confirmada",
        )

    def test_changed_phone_and_salesperson_are_told_with_their_old_values(self):
        self.sync_one("e1", 1, phone="+51911111111", state="Nuevo")
        self.sync_one("e2", 2, phone="+51922222222", commercial={"odoo_id": self.seller.id})
        message = self.lead().message_ids[0]
        values = message.sudo().tracking_value_ids
        self.assertEqual(message.body, "<p>ManyChat: contact details</p>")
        self.assertEqual(
            {v.field_id.name: (v.old_value_char, v.new_value_char) for v in values},
            {
                "phone": ("+51911111111", "+51922222222"),
                "user_id": ("", self.seller.name),
            },
        )

    def test_state_is_shown_as_text_whatever_it_holds(self):
        events = [event(f"e{n}", 1, f"mc-{n}", state=NASTY) for n in range(2)]
        self.sync(*events)
        for n in range(2):
            [note] = self.notes(self.lead(f"mc-{n}"))
            self.assertIn("&lt;img src=x", note)
            self.assertNotIn("<img", note)

    def test_messages_made_in_one_go_are_as_odoos_own(self):
        leads = self.sync_leads.create([{"name": name} for name in "abc"])
        leads[:2]._manychat_log([(lead, NASTY, []) for lead in leads[:2]])
        made = leads[:2].message_ids.sorted("id")
        own = self.rows(leads[2]._message_log(body=NASTY))[0]
        moment = own.pop("date")
        for row in self.rows(made):
            # a second may begin between the two
            self.assertAlmostEqual(row.pop("date"), moment, delta=timedelta(seconds=10))
            self.assertEqual({**row, "body": None}, {**own, "body": None})
            self.assertEqual(html_sanitize(row["body"]), own["body"])
        self.assertEqual(made.mapped("res_id"), leads[:2].ids)
        self.assertFalse(made.notification_ids or made.partner_ids)

    def test_tracking_values_made_in_one_go_are_as_odoos_own(self):
        by_odoo, *others = self.sync_leads.create(
            [{"name": n, "phone": "1", "expected_revenue": 2.5} for n in "abc"]
        )
        ours = self.sync_leads.concat(*others)
        changes = {
            "stage_id": self.stage("quotation_started").id,
            "user_id": self.seller.id,
            "phone": False,
            "email_from": "a@clinic.example",
            "expected_revenue": 7.25,
            "type": "lead",
            "active": False,
            "probability": 0,
        }
        self.env.flush_all()
        self.env.cr.precommit.clear()
        by_odoo.with_context(tracking_disable=False).write(dict(changes))
        self.env.cr.flush()
        before = ours._manychat_before()
        ours.write(dict(changes))
        ours._manychat_trace(before, {})
        expected = self.rows(by_odoo.message_ids.sudo().tracking_value_ids)
        self.assertGreater(len(expected), 6)
        for lead in ours:
            self.assertEqual(self.rows(lead.message_ids.sudo().tracking_value_ids), expected)

    def test_trace_costs_the_same_few_queries_for_many_leads_as_for_few(self):
        self.sync_one("warm", 0, "mc-warm", state="Nuevo")

        def queries(count, minute):
            contacts = [f"mc-{count}-{n}" for n in range(count)]
            states = ("Nuevo", "Comienza Cotización", "Venta exitosa")
            self.sync(*(event(f"n-{c}", minute, c, state=states[0]) for c in contacts))
            before = self.env.cr.sql_log_count
            self.sync(
                *(event(f"m-{c}", minute + 1, c, state=states[1]) for c in contacts),
                *(
                    event(f"a-{c}", minute, f"{c}-b", state=states[n % 2])
                    for n, c in enumerate(contacts)
                ),
            )
            return self.env.cr.sql_log_count - before

        few = queries(3, 1)
        self.assertLess(queries(60, 10), few + 12)
