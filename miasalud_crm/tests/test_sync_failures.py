from unittest.mock import patch

from odoo.tools import mute_logger
from psycopg2 import errors

from ..models.manychat_event import ManychatEvent
from .common import ManychatCase, event

SYNC_LOGGER = "odoo.addons.miasalud_crm.models.crm_lead_sync"
from_outcome = ManychatEvent._from_outcome


def exploding(self, outcome, entries, lead_id):
    """Fail late, when the lead and its history are written already."""
    if entries.get("channel") == "Boom":
        raise RuntimeError("unexpected")
    return from_outcome(self, outcome, entries, lead_id)


class TestSyncFailures(ManychatCase):
    def ledger(self, event_id):
        return self.env["manychat.event"].search([("event_id", "=", event_id)])

    def test_wrong_type_is_rejected_for_good_and_harms_no_neighbour(self):
        results = self.sync(
            event("e1", 1, "mc-1"), event("e2", 1, "mc-2", phone=5), event("e3", 1, "mc-3")
        )
        self.assertEqual([r["status"] for r in results], ["created", "rejected", "created"])
        self.assertEqual((results[1]["retryable"], results[1]["lead_id"]), (False, None))
        self.assertIn("values.phone", results[1]["message"])
        self.assertEqual(self.ledger("e2").status, "rejected")

    def test_wrong_type_is_found_before_anything_is_written_so_the_batch_is_not_split(self):
        apply = type(self.env["crm.lead"])._manychat_apply
        sizes = []

        def counting(leads, events):
            sizes.append(len(events))
            return apply(leads, events)

        events = [event(f"e{n}", 1, f"mc-{n}") for n in range(5)]
        events[2]["values"] = {"phone": 5}
        with patch.object(type(self.env["crm.lead"]), "_manychat_apply", counting):
            self.sync(*events)
        self.assertEqual(sizes, [4])

    def test_rejected_event_sent_again_is_tried_again(self):
        self.sync_one("e1", 1, phone=5)
        self.assertEqual(self.sync_one("e1", 1, phone="+51911111111")["status"], "created")
        self.assertEqual(self.ledger("e1").status, "created")

    def test_rejected_revision_leaves_the_final_one_in_force(self):
        self.sync_one("e1", 1, state="Nuevo")
        self.assertEqual(self.sync_one("e1", 1, state=5, _revision=1)["status"], "rejected")
        self.assertEqual(self.ledger("e1").status, "created")
        self.assertEqual(self.sync_one("e1", 1, state="Nuevo")["status"], "unchanged")

    @mute_logger(SYNC_LOGGER)
    def test_unexpected_failure_is_told_apart_and_may_be_retried(self):
        events = [event(f"e{n}", 1, f"mc-{n}", channel="Instagram") for n in range(7)]
        events[4]["values"]["channel"] = "Boom"
        with patch.object(ManychatEvent, "_from_outcome", exploding):
            results = self.sync(*events)
        self.assertEqual(
            [r["status"] for r in results], ["created"] * 4 + ["rejected"] + ["created"] * 2
        )
        self.assertTrue(results[4]["retryable"])
        self.assertEqual(results[4]["message"], "unexpected: RuntimeError")
        self.assertEqual(self.sync(*events)[4]["status"], "created")

    @mute_logger(SYNC_LOGGER)
    def test_failed_event_leaves_no_trace_of_its_lead(self):
        with patch.object(ManychatEvent, "_from_outcome", exploding):
            self.sync_one("e1", 1, channel="Boom", state="Nuevo")
        self.assertFalse(self.env["crm.lead"].search([("manychat_id", "=", "mc-1")]))

    def test_event_id_of_another_contact_is_rejected(self):
        self.sync_one("e1", 1, "mc-1", state="Nuevo")
        result = self.sync_one("e1", 1, "mc-2", state="Nuevo", _revision=1)
        self.assertEqual((result["status"], result["retryable"]), ("rejected", False))
        self.assertFalse(self.env["crm.lead"].search([("manychat_id", "=", "mc-2")]))

    @mute_logger("odoo.sql_db")
    def test_lost_race_for_a_contact_is_left_to_odoos_own_retry(self):
        self.sync_one("e1", 1, state="Nuevo")
        blind = patch.object(type(self.env["crm.lead"]), "_manychat_lock", lambda *_args: {})
        with blind, self.assertRaises(errors.SerializationFailure) as caught:
            self.sync_one("e2", 2, state="Nuevo")
        self.assertEqual(caught.exception.pgcode, "40001")

    @mute_logger("odoo.sql_db")
    def test_lost_race_for_a_follower_is_left_to_odoos_own_retry(self):
        """A person assigns an activity or the lead while the sync does: nobody's event fails."""

        def follow_twice(leads, _events):
            leads.env.cr.execute(
                """INSERT INTO mail_followers (res_model, res_id, partner_id)
                   VALUES ('crm.lead', 1, %(who)s), ('crm.lead', 1, %(who)s)""",
                {"who": leads.env.user.partner_id.id},
            )

        racing = patch.object(type(self.env["crm.lead"]), "_manychat_apply", follow_twice)
        with racing, self.assertRaises(errors.SerializationFailure), self.env.cr.savepoint():
            self.sync_one("e1", 1)

    def test_failed_query_shows_no_personal_value_in_the_log(self):
        self.sync_one("e1", 1, state="Nuevo")
        blind = patch.object(type(self.env["crm.lead"]), "_manychat_lock", lambda *_args: {})
        lost = self.assertRaises(errors.SerializationFailure)
        with self.assertLogs("odoo.sql_db") as logs, blind, lost, self.env.cr.savepoint():
            self.sync_one("e2", 2, first_name="Secreta", phone="+51911111111")
        self.assertNotIn("Secreta", "".join(logs.output))
        self.assertIn("withheld", logs.output[0])

    @mute_logger("odoo.sql_db")
    def test_lock_and_serialization_errors_are_never_swallowed(self):
        for code, error in (
            ("40001", errors.SerializationFailure),
            ("40P01", errors.DeadlockDetected),
            ("55P03", errors.LockNotAvailable),
        ):

            def fail(leads, _events, code=code):
                raising = f"RAISE EXCEPTION USING ERRCODE = '{code}'"
                leads.env.cr.execute(f"DO $$ BEGIN {raising}; END $$")

            broken = patch.object(type(self.env["crm.lead"]), "_manychat_apply", fail)
            with broken, self.assertRaises(error), self.env.cr.savepoint():
                self.sync_one("e1", 1)
