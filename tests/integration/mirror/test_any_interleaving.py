"""Any interleaving of deliveries, redeliveries, crashes and replays ends as the oracle says."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.mirror.apply import apply_events
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from tests.faults.compare import Verdict, compare_mirror
from tests.faults.generator import Generator
from tests.faults.oracle import expected
from tests.faults.readings import Mirror
from tests.faults.story import Happened
from tests.integration.mirror.conftest import engine_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENTS, CONTACTS = 30, 3
RULES = Rules()
MENDED = {
    "contact": ("nombre_lead", "first_name"),
    "lead": ("first_name", "first_name"),
    "assignment": ("summary", "summary"),
    "stage": ("summary", "summary"),
    "address": ("street", "address.street"),
}
"""By kind: what a replay changes, and which value that is."""
places = st.lists(st.integers(0, EVENTS - 1), min_size=1, max_size=8)


class Crash(Exception):
    """The process dies before the commit."""


class AnyInterleaving(RuleBasedStateMachine):
    """A story of three contacts, told to an empty mirror in whatever way comes to mind."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self._folder.name) / 'mirror.db'}"
        engine = engine_of(url)
        upgrade(engine)
        self.store, self.mirror = Store(engine), Mirror(url)

    @initialize(seed=st.integers(0, 10_000))
    def begin(self, seed: int) -> None:
        posts = [p for p in Generator(seed, EVENTS * 2, CONTACTS, NOON, 0).posts() if p.good]
        self.posts = [post for post in posts if post.copy_of is None][:EVENTS]
        self.envelopes = [self._envelope(number) for number in range(EVENTS)]
        self.revisions: dict[int, int] = {}

    @rule(places=places)
    def deliver(self, places: list[int]) -> None:
        """A batch, which may hold an event twice and events that were delivered before."""
        self._apply([(place, 0) for place in places])

    @rule(places=places)
    def crash(self, places: list[int]) -> None:
        try:
            self._apply([(place, 0) for place in places], dies=True)
        except Crash:
            return
        raise AssertionError("it did not crash")

    @rule(place=st.integers(0, EVENTS - 1), revision=st.integers(1, 3))
    def replay(self, place: int, revision: int) -> None:
        """A mended body under another revision, whatever revisions came before."""
        self._apply([(place, revision)])

    def teardown(self) -> None:
        if hasattr(self, "revisions"):
            self._check()
            self._apply([(place, 0) for place in range(EVENTS)])
            self._check()
        self.store.close()
        self._folder.cleanup()

    def _envelope(self, place: int) -> Envelope:
        post = self.posts[place]
        received = NOON + timedelta(seconds=place // 3)
        body = json.loads(post.body)
        return accept(EventType(post.kind), body, post.key, received, RULES)

    def _apply(self, batch: list[tuple[int, int]], *, dies: bool = False) -> None:
        envelopes = [self._revised(place, revision) for place, revision in batch]
        with self.store.transaction() as session:
            apply_events(session, [(read_event(e, RULES), e) for e in envelopes], NOON)
            if dies:
                session.flush()
                raise Crash
        for place, revision in batch:
            self.revisions[place] = max(revision, self.revisions.get(place, 0))

    def _revised(self, place: int, revision: int) -> Envelope:
        envelope = self.envelopes[place]
        if not revision:
            return envelope
        assert isinstance(envelope.payload, dict)
        name, _ = MENDED[self.posts[place].kind]
        payload = {**envelope.payload, name: f"mended {revision}"}
        return replace(envelope, payload=payload, revision=revision)

    def _happened(self, place: int, revision: int) -> Happened:
        post, envelope = self.posts[place], self.envelopes[place]
        assert post.said is not None
        said = post.said
        if revision:
            _, key = MENDED[post.kind]
            said = replace(said, values={**said.values, key: f"mended {revision}"})
        return Happened(envelope.id, envelope.received_at, post.contact, post.kind, said)

    def _check(self) -> None:
        verdict = Verdict()
        wanted = expected(self._happened(*item) for item in self.revisions.items())
        compare_mirror(verdict, wanted, self.mirror, synced=False)
        assert verdict.mismatches == []
        delivered = sorted(self.envelopes[place].id for place in self.revisions)
        for table in ("Ledger", "Outbox"):
            rows = self.mirror.rows(f'SELECT event_id FROM "{table}"')  # noqa: S608  (ours)
            assert sorted(row["event_id"] for row in rows) == delivered


AnyInterleaving.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyInterleaving = AnyInterleaving.TestCase
