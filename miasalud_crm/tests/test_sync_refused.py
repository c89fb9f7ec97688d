from unittest.mock import patch

from odoo.tests import new_test_user
from odoo.tools import mute_logger
from psycopg2 import OperationalError

from .common import ManychatCase, event

MUTED = (
    "odoo.sql_db",
    "odoo.addons.miasalud_crm.models.crm_lead_sync",
    "odoo.addons.miasalud_crm.models.crm_lead_refold",
)
REFUSE_CITY = """
CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION ''refused by the test''; END';
CREATE TRIGGER test_refuse BEFORE INSERT OR UPDATE ON crm_lead
  FOR EACH ROW WHEN (NEW.city = 'Boom') EXECUTE FUNCTION test_refuse();
"""
REFUSE_ROWS = """
CREATE TRIGGER test_refuse BEFORE INSERT ON manychat_stage_history
  FOR EACH ROW WHEN (NEW.category = 'Boom') EXECUTE FUNCTION test_refuse();
CREATE TRIGGER test_refuse BEFORE INSERT ON manychat_event
  FOR EACH ROW WHEN (NEW.event_id LIKE 'boom%' AND NEW.status <> 'rejected')
  EXECUTE FUNCTION test_refuse();
"""
REFUSE_MOVE = """
CREATE TRIGGER test_refuse_move BEFORE UPDATE ON crm_lead
  FOR EACH ROW WHEN (NEW.referred = 'Boom' AND NEW.stage_id <> OLD.stage_id)
  EXECUTE FUNCTION test_refuse();
"""
BAD = {"address": {"city": "Boom"}}


class TestSyncRefused(ManychatCase):
    """The database refuses a lead; the batch is neither lost nor done again from the start."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(mute_logger(*MUTED))
        cls.env.cr.execute(REFUSE_CITY)

    def sync_counting(self, method, *events):
        """Return the results, and how many things each call of a method of the sync had."""
        Lead = type(self.env["crm.lead"])
        original, sizes = getattr(Lead, method), []

        def counting(leads, batch, **known):
            sizes.append(len(batch))
            return original(leads, batch, **known)

        with patch.object(Lead, method, counting):
            return self.sync(*events), sizes

    def test_refused_new_lead_leaves_its_neighbours_their_first_go(self):
        events = [event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)]
        events[6]["values"].update(BAD)
        results, sizes = self.sync_counting("_manychat_apply", *events)
        self.assertEqual(
            [r["status"] for r in results], ["created"] * 6 + ["rejected"] + ["created"] * 2
        )
        self.assertEqual(sizes, [9])
        self.assertEqual(results[6]["message"], "unexpected: RaiseException")
        self.assertEqual((results[6]["retryable"], results[6]["lead_id"]), (True, None))
        self.assertFalse(self.env["crm.lead"].search([("manychat_id", "=", "mc-6")]))
        row = self.env["manychat.event"].search([("event_id", "=", "e6")])
        self.assertEqual((row.status, row.lead_id.id), ("rejected", False))
        self.assertEqual(len(self.lead("mc-8").message_ids), 1)

    def test_refused_new_leads_are_found_without_making_the_others_again_and_again(self):
        events = [event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)]
        for number in (0, 5, 8):
            events[number]["values"].update(BAD)
        results, sizes = self.sync_counting("_manychat_make", *events)
        self.assertEqual([n for n in range(9) if results[n]["status"] == "rejected"], [0, 5, 8])
        self.assertEqual(sizes, [9, 8, 7, 6])
        made = self.env["crm.lead"].search([("manychat_id", "like", "mc-")])
        self.assertEqual(len(made), 6)

    def test_refused_change_leaves_its_neighbours_their_first_go(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)))
        events = [event(f"f{n}", 2, f"mc-{n}", state="Comienza Cotización") for n in range(9)]
        events[2]["values"].update(BAD)
        results, sizes = self.sync_counting("_manychat_apply", *events)
        self.assertEqual([r["status"] for r in results].count("updated"), 8)
        self.assertEqual((results[2]["status"], results[2]["retryable"]), ("rejected", True))
        self.assertEqual(sizes, [9])
        self.assertEqual(self.lead("mc-2").manychat_state, "Nuevo")
        self.assertEqual(self.lead("mc-8").stage_id, self.stage("quotation_started"))
        self.assertEqual(len(self.lead("mc-2").manychat_history_ids), 1)

    def test_refused_row_of_history_or_ledger_leaves_neighbours_their_first_go(self):
        self.env.cr.execute(REFUSE_ROWS)
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(5)))
        events = [event(f"f{n}", 2, f"mc-{n}", state="Comienza Cotización") for n in range(9)]
        events[1]["event_id"] = "boom-1"
        events[7]["values"]["category"] = "Boom"
        results, sizes = self.sync_counting("_manychat_apply", *events)
        self.assertEqual([n for n in range(9) if results[n]["status"] == "rejected"], [1, 7])
        self.assertEqual(sizes, [9])
        self.assertEqual(self.lead("mc-1").stage_id, self.stage("subscribed"))
        self.assertFalse(self.env["crm.lead"].search([("manychat_id", "=", "mc-7")]))
        for number in (0, 2, 8):
            self.assertEqual(self.lead(f"mc-{number}").stage_id, self.stage("quotation_started"))
        ledger = self.env["manychat.event"].search([("event_id", "in", ("boom-1", "f7"))])
        self.assertEqual(ledger.mapped("status"), ["rejected"] * 2)

    def test_lead_whose_rows_are_refused_is_found_without_making_the_others_in_parts(self):
        self.env.cr.execute(REFUSE_ROWS)
        events = [event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)]
        events[6]["event_id"] = "boom-6"
        results, sizes = self.sync_counting("_manychat_make", *events)
        self.assertEqual([n for n in range(9) if results[n]["status"] == "rejected"], [6])
        self.assertEqual(sizes, [9, 8])

    def test_refused_changes_are_found_without_changing_the_others_in_parts(self):
        """One of each kind: its values, its move, its row of the ledger."""
        self.env.cr.execute(REFUSE_ROWS + REFUSE_MOVE)
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)))
        self.lead("mc-2").referred = "Boom"
        events = [event(f"f{n}", 2, f"mc-{n}", state="Comienza Cotización") for n in range(9)]
        events[0]["event_id"] = "boom-0"
        events[8]["values"].update(BAD)
        results, sizes = self.sync_counting("_manychat_change", *events)
        self.assertEqual([n for n in range(9) if results[n]["status"] == "rejected"], [0, 2, 8])
        self.assertEqual(sizes, [9, 8, 7, 6])
        for number in range(9):
            refused = number in (0, 2, 8)
            lead = self.lead(f"mc-{number}")
            stage = self.stage("subscribed" if refused else "quotation_started")
            self.assertEqual((lead.stage_id, lead.city), (stage, False))
            self.assertEqual(len(lead.manychat_history_ids), 1 if refused else 2)

    def test_changes_that_are_refused_only_together_are_done_in_parts(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)))
        Lead = type(self.env["crm.lead"])
        follow = Lead._manychat_follow

        def too_many(leads, contacts):
            if len(contacts) > 3:
                raise ValueError("no more than three")
            follow(leads, contacts)

        events = [event(f"f{n}", 2, f"mc-{n}", state="Comienza Cotización") for n in range(9)]
        with patch.object(Lead, "_manychat_follow", too_many):
            results, sizes = self.sync_counting("_manychat_change", *events)
        self.assertEqual({result["status"] for result in results}, {"updated"})
        self.assertEqual(sizes, [9, 3, 3, 3])

    def test_lost_race_in_a_step_is_done_again_by_odoo_and_searched_for_nowhere(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(3)))
        raced = OperationalError("could not serialize access")
        events = [event(f"f{n}", 2, f"mc-{n}", state="Comienza Cotización") for n in range(3)]
        with (
            patch.object(
                type(self.env["crm.lead"]), "_manychat_follow", side_effect=raced
            ) as follow,
            self.assertRaises(OperationalError),
        ):
            self.sync(*events)
        follow.assert_called_once()

    def test_other_events_of_a_refused_contact_are_applied(self):
        events = [
            event("e1", 1, "mc-1", state="Nuevo"),
            event("e2", 2, "mc-1", **BAD),
            event("e3", 1, "mc-2", state="Nuevo"),
            event("e4", 3, "mc-1", phone="+51911111111"),
        ]
        results = self.sync(*events)
        self.assertEqual(
            [r["status"] for r in results], ["created", "rejected", "created", "updated"]
        )
        self.assertEqual(self.lead("mc-1").phone_sanitized, "+51911111111")
        self.assertFalse(self.lead("mc-1").city)
        self.assertEqual(results[3]["lead_id"], self.lead("mc-1").id)

    def test_refused_contact_lets_go_of_the_lead_that_it_found(self):
        self.set_param("identity", "reach")
        made = self.env["crm.lead"].create({"name": "Hand made", "phone": "+51911111111"})
        events = [
            event("e1", 1, "mc-1", phone="+51911111111", **BAD),
            event("e2", 1, "mc-2", state="Nuevo"),
        ]
        self.assertEqual([r["status"] for r in self.sync(*events)], ["rejected", "created"])
        self.assertFalse(made.manychat_id)

    def test_refused_event_is_applied_when_the_database_takes_it(self):
        self.sync(event("e1", 1, "mc-1", **BAD), event("e2", 1, "mc-2"))
        self.env.cr.execute("DROP TRIGGER test_refuse ON crm_lead")
        self.assertEqual(self.sync_one("e1", 1, "mc-1", **BAD)["status"], "created")
        self.assertEqual(self.lead("mc-1").city, "Boom")

    def test_salesperson_who_was_deleted_is_no_reason_to_refuse_an_event(self):
        self.sync_one("e1", 1, state="Nuevo")
        gone = new_test_user(self.env, "gone", groups="sales_team.group_sale_salesman")
        self.lead().user_id = gone
        self.env.flush_all()
        self.env["crm.team.member"].search([("user_id", "=", gone.id)]).unlink()
        gone.unlink()
        result = self.sync_one("e2", 2, commercial={"email": "seller@clinic.example"})
        self.assertEqual(result["status"], "updated")
        self.assertEqual(self.lead().manychat_commercial_id, self.seller)

    def test_lead_that_cannot_be_done_again_keeps_no_other_waiting(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Algo nuevo") for n in range(3)))
        self.env.cr.execute("ALTER TABLE crm_lead DISABLE TRIGGER test_refuse")
        self.lead("mc-1").city = "Boom"
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE crm_lead ENABLE TRIGGER test_refuse")
        state = self.env["manychat.unmapped.state"].search([("state", "=", "Algo nuevo")])
        self.Rule.create(
            {"manychat_state": "Algo nuevo", "stage_id": self.stage("quotation_started").id}
        )
        self.env["manychat.refold"]._queue_states(state)
        self.assertEqual(
            [self.lead(f"mc-{n}").manychat_unmapped for n in range(3)], [False, True, False]
        )
