"""Inbox and dead letters: nothing is forgotten before it is somewhere else."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import AwayError, BridgeError, PermanentError
from bridge.events.envelope import Envelope
from bridge.mirror import dead_letters, inbox, pauses
from bridge.mirror.store import Store
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE
from bridge.queue.reader import Message
from bridge.workers.schedule import Schedule
from tests.unit.workers.fakes import NOW, FakeFlag, FakeReader, Journal, envelope, message


class FakeWriter:
    def __init__(self, journal: Journal, name: str) -> None:
        self.journal, self.name = journal, name
        self.errors: dict[str, BridgeError] = {}

    def send(self, envelope: Envelope) -> None:
        if error := self.errors.get(envelope.id):
            raise error
        self.journal.append(("send", self.name, envelope.id))


class House:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.journal = Journal()
        self.reader = FakeReader(self.journal)
        self.reader.queue_name = DEAD_LETTER_QUEUE
        names = (CONTACT_QUEUE, CAMPAIGN_QUEUE, DEAD_LETTER_QUEUE)
        self.writers = {name: FakeWriter(self.journal, name) for name in names}
        self.now = NOW
        self.minutes = itertools.count(0.0, 60.0)
        self.watched: list[FakeReader] = []
        self.first = self.another("holder-1")

    def another(self, holder: str) -> Schedule:
        return Schedule(
            self.store,
            self.writers,  # type: ignore[arg-type]
            self.reader,  # type: ignore[arg-type]
            holder=holder,
            interval=10,
            watched=self.watched,  # type: ignore[arg-type]
            clock=lambda _session: self.now,
            monotonic=lambda: next(self.minutes),
        )

    def round(self, schedule: Schedule | None = None) -> None:
        (schedule or self.first).round(FakeFlag())  # type: ignore[arg-type]

    def keep(self, queue: str, id: str) -> None:
        with self.store.transaction() as session:
            inbox.keep(session, queue, envelope(id), NOW)

    def dead(self, *messages: Message) -> None:
        self.reader.waiting.extend(messages)

    def waiting(self) -> list[str]:
        with self.store.transaction() as session:
            return [kept.envelope.id for kept in inbox.oldest(session, 100)]

    def letters(self) -> dict[str, Any]:
        with self.store.transaction() as session:
            return {letter.event_id: letter for letter in dead_letters.listing(session)}


@pytest.fixture
def house(mirror: Store) -> House:
    return House(mirror)


def given_up(id: str) -> Envelope:
    return envelope(id).with_reason("permanent: x", CONTACT_QUEUE)


def test_the_inbox_is_fed_in_order_into_the_queues_it_was_meant_for(house: House) -> None:
    house.keep(CONTACT_QUEUE, "a")
    house.keep(CAMPAIGN_QUEUE, "b")
    house.keep(DEAD_LETTER_QUEUE, "c")
    house.round()
    assert house.journal.of("send") == [
        (CONTACT_QUEUE, "a"), (CAMPAIGN_QUEUE, "b"), (DEAD_LETTER_QUEUE, "c")
    ]  # fmt: skip
    assert house.waiting() == []


def test_an_envelope_is_forgotten_only_after_its_send(house: House) -> None:
    for id in ("a", "b", "c"):
        house.keep(CONTACT_QUEUE, id)
    house.writers[CONTACT_QUEUE].errors["b"] = AwayError("queue_unreachable")
    house.round()
    assert house.waiting() == ["b", "c"]

    house.writers[CONTACT_QUEUE].errors.clear()
    house.round()
    assert [id for _, id in house.journal.of("send")] == ["a", "b", "c"]


def test_one_that_no_queue_can_take_becomes_a_dead_letter_and_blocks_nobody(house: House) -> None:
    house.keep(CONTACT_QUEUE, "a")
    house.keep(CONTACT_QUEUE, "b")
    house.writers[CONTACT_QUEUE].errors["a"] = PermanentError("too_large")
    house.round()
    assert house.waiting() == []
    assert house.letters()["a"].reason == "permanent: too_large"
    assert [id for _, id in house.journal.of("send")] == ["b"]


def test_more_than_one_page_is_fed_in_one_round(house: House) -> None:
    for number in range(230):
        house.keep(CONTACT_QUEUE, f"e{number}")
    house.round()
    assert house.waiting() == []


def test_dead_letters_are_deleted_after_they_are_kept(house: House) -> None:
    house.dead(message(given_up("a")), message(given_up("b")))
    house.round()
    letters = house.letters()
    assert set(letters) == {"a", "b"}
    assert (letters["a"].hop, letters["a"].reason) == (CONTACT_QUEUE, "permanent: x")
    assert len(house.journal.of("delete")) == 2


def test_a_mirror_that_fails_keeps_the_dead_letters_in_their_queue(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: Any) -> None:
        raise AwayError("mirror_away")

    monkeypatch.setattr(dead_letters, "record", away)
    house.dead(message(given_up("a")))
    house.round()
    assert house.journal.of("delete") == []


def test_a_letter_that_cannot_be_kept_goes_back_and_its_neighbours_are_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dead_letters.record

    def choosy(session: Any, letters: Any, now: Any) -> None:
        if any(letter.id == "bad" for letter in letters):
            raise PermanentError("mirror_data")
        real(session, letters, now)

    monkeypatch.setattr(dead_letters, "record", choosy)
    bad = message(given_up("bad"))
    house.dead(message(given_up("a")), bad, message(given_up("b")))
    house.round()
    assert set(house.letters()) == {"a", "b"}
    assert house.journal.of("put_back") == [(bad.id, 300.0)]
    assert bad.id not in [id for (id,) in house.journal.of("delete")]


def test_a_dead_letter_that_is_no_envelope_is_kept_with_its_text(house: House) -> None:
    broken = message("what is this?")
    house.dead(broken)
    house.round()
    letter = house.letters()[broken.id]
    assert letter.reason.startswith("permanent: bad_envelope")
    assert letter.hop == DEAD_LETTER_QUEUE


def test_a_dead_letter_of_a_newer_release_is_put_back(house: House) -> None:
    newer = message(json.dumps({"v": 99}))
    house.dead(newer)
    house.round()
    assert house.journal.of("put_back") == [(newer.id, 300.0)]
    assert house.letters() == {}


def test_only_the_holder_of_the_lease_works_and_another_follows_it(house: House) -> None:
    house.round()
    house.keep(CONTACT_QUEUE, "a")
    second = house.another("holder-2")
    house.round(second)
    assert house.waiting() == ["a"]

    house.now += timedelta(seconds=21)
    house.round(second)
    assert house.waiting() == []


def test_the_lease_is_given_up_at_the_end(house: House) -> None:
    stop = FakeFlag(rounds=1)
    house.first.run(stop)  # type: ignore[arg-type]
    assert stop.waits == [10]
    house.keep(CONTACT_QUEUE, "a")
    house.round(house.another("holder-2"))
    assert house.waiting() == []


def test_a_short_interval_asks_the_queue_and_counts_what_waits_no_more_often(house: House) -> None:
    house.minutes = itertools.chain([0.0] * 3, [0.25] * 3, itertools.count(60.0, 60.0))
    for received in (1, 1, 2):
        house.round()
        assert len(house.journal.of("receive")) == received


def test_a_round_of_another_leader_asks_no_queue(house: House) -> None:
    house.round(house.another("holder-2"))
    house.journal.clear()
    house.round()
    assert house.journal.of("receive") == []


def test_a_paused_schedule_does_nothing(house: House) -> None:
    house.keep(CONTACT_QUEUE, "a")
    with house.store.transaction() as session:
        pauses.pause(session, "schedule", NOW)
    house.round()
    assert house.waiting() == ["a"]


def test_a_fault_in_one_job_stops_neither_the_other_nor_the_process(house: House) -> None:
    house.keep(CONTACT_QUEUE, "a")
    del house.writers[CONTACT_QUEUE]
    house.dead(message(given_up("b")))
    house.round()
    assert set(house.letters()) == {"b"}
    assert house.waiting() == ["a"]


def test_a_stop_ends_a_long_round(house: House) -> None:
    for number in range(230):
        house.keep(CONTACT_QUEUE, f"e{number}")
    stop = FakeFlag()
    stop.set()
    house.first.round(stop)  # type: ignore[arg-type]
    assert len(house.waiting()) == 100
    with house.store.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM Inbox")).scalar_one() == 230


def test_old_dead_letters_are_forgotten_a_day_after_workers_would_refuse_them(
    house: House,
) -> None:
    def keep(id: str, days: int) -> None:
        with house.store.transaction() as session:
            dead_letters.record(session, [given_up(id)], NOW - timedelta(days=days))

    keep("old", 182)
    keep("young", 180)
    house.round()
    assert set(house.letters()) == {"young"}


def test_forgetting_goes_on_slice_by_slice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.workers.schedule.FORGET_BATCH", 2)
    with house.store.transaction() as session:
        letters = [given_up(f"old-{number}") for number in range(5)]
        dead_letters.record(session, letters, NOW - timedelta(days=400))
    house.round()
    assert house.letters() == {}
