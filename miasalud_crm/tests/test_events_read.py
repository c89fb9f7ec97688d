from odoo.tests import BaseCase, tagged

from ..sync.reading import Refused, read_event
from ..sync.text import fold, storable
from .common import at, event


@tagged("post_install", "-at_install")
class TestEventsRead(BaseCase):
    def refused(self, **changes):
        with self.assertRaises(Refused) as caught:
            read_event({**event("e1"), **changes})
        return str(caught.exception)

    def test_text_is_compared_without_case_accents_spaces_and_punctuation(self):
        self.assertEqual(fold("  Derivado:  ASESORÍA médica! "), "derivado asesoria medica")
        self.assertEqual(fold("(Sin Asignar)"), fold("sin-asignar"))
        self.assertEqual(fold("Año Ñandú"), "ano nandu")
        self.assertEqual(fold("¿…?"), "")
        self.assertEqual(fold(False), "")

    def test_text_that_postgresql_refuses_is_cleaned(self):
        self.assertEqual(storable(" a\x00b\ud800 "), "ab")

    def test_clock_is_occurred_received_id_and_revision_in_fixed_width(self):
        read = read_event({**event("e1", 1, received=2), "revision": 3})
        self.assertEqual(read.clock, f"{at(1)}|{at(2)}|e1|000003")

    def test_time_of_another_zone_is_read_as_utc(self):
        read = read_event({**event("e1"), "occurred_at": "2025-10-20T17:00:00-05:00"})
        self.assertTrue(read.clock.startswith("2025-10-20T22:00:00.000000Z|"))

    def test_event_never_happens_after_it_was_received(self):
        read = read_event(event("e1", minute=90, received=10))
        self.assertEqual(read.occurred_at, read.received_at)

    def test_wrong_types_are_refused_and_named(self):
        self.assertIn("event_id", self.refused(event_id=7))
        self.assertIn("manychat_id", self.refused(manychat_id="  "))
        self.assertIn("manychat_id", self.refused(manychat_id=123))
        self.assertIn("type", self.refused(type=None))
        self.assertIn("revision", self.refused(revision=True))
        self.assertIn("revision", self.refused(revision="1"))
        self.assertIn("revision", self.refused(revision=-1))
        self.assertIn("occurred_at", self.refused(occurred_at="yesterday"))
        self.assertIn("received_at", self.refused(received_at=1760000000))
        self.assertIn("values", self.refused(values=[]))

    def test_guesses_that_are_no_list_of_keys_are_refused(self):
        for guessed in ("channel", [1], {"channel": True}):
            self.assertIn("guessed", self.refused(guessed=guessed))

    def test_wrong_types_inside_values_are_refused_and_named(self):
        for key, value in {
            "first_name": 3,
            "phone": None,
            "state": True,
            "subscribed_at": "soon",
            "campaign": "85",
            "commercial": 700,
            "medical": {"odoo_id": "7"},
            "address": "Lima",
            "summary": "x" * 30_000,
        }.items():
            self.assertIn(f"values.{key}", self.refused(values={key: value}), key)
        self.assertIn("address.city", self.refused(values={"address": {"city": 1}}))

    def test_event_that_is_no_object_is_refused(self):
        for raw in (None, [], "event", 5):
            with self.assertRaises(Refused):
                read_event(raw)

    def test_unknown_keys_are_ignored_and_said(self):
        raw = {**event("e1", color="red", address={"planet": "Earth", "city": "Lima"}), "extra": 1}
        read = read_event(raw)
        self.assertEqual(read.entries, {"address.city": "Lima"})
        self.assertEqual(len(read.notes), 3)

    def test_blank_is_unchanged_and_false_clears(self):
        read = read_event(event("e1", phone="  ", email=False, commercial={"id": None}))
        self.assertEqual(read.entries, {"email": False})

    def test_state_cannot_be_cleared(self):
        self.assertIsNone(read_event(event("e1", state=False)).state)

    def test_cleared_address_clears_every_part(self):
        read = read_event(event("e1", address=False))
        self.assertEqual(set(read.entries.values()), {False})
        self.assertEqual(len(read.entries), 5)
