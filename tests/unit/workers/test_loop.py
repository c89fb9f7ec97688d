"""The loop around a queue: when it receives, rests, and waits."""

from __future__ import annotations

from bridge.errors import AwayError, TransientError
from bridge.events.reading import Rules
from bridge.queue.reader import Message
from bridge.workers.loop import QueueWorker
from tests.unit.workers.fakes import (
    NOW,
    FakeApply,
    FakeDeadLetters,
    FakeFlag,
    FakeReader,
    FakeStore,
    Journal,
    envelope,
    message,
)


class House:
    def __init__(self, *messages: Message) -> None:
        self.journal = Journal()
        self.reader = FakeReader(self.journal, *messages)
        self.store = FakeStore(self.journal)
        self.worker = QueueWorker(
            self.reader,  # type: ignore[arg-type]
            FakeDeadLetters(self.journal),  # type: ignore[arg-type]
            self.store,  # type: ignore[arg-type]
            Rules(),
            apply=FakeApply(),  # type: ignore[arg-type]
            now=lambda: NOW,
            monotonic=lambda: 0.0,
            rng=lambda: 1.0,
        )

    def run(self, rounds: int) -> list[float]:
        stop = FakeFlag(rounds)
        self.worker.run(stop)  # type: ignore[arg-type]
        return stop.waits


def test_a_busy_queue_is_asked_without_pause_and_an_empty_one_every_second() -> None:
    house = House(*(message(envelope()) for _ in range(40)))
    waits = house.run(rounds=2)
    assert house.journal.of("receive") == [(32,)] * 4
    assert waits == [1.0, 1.0]
    assert len(house.journal.of("delete")) == 40


def test_a_step_tells_how_many_messages_there_were() -> None:
    house = House(message(envelope()))
    assert (house.worker.step(), house.worker.step()) == (1, 0)


def test_while_the_mirror_is_away_nothing_is_taken_from_the_queue() -> None:
    house = House(message(envelope()), message(envelope()))
    house.store.commit_error = AwayError("mirror_away")
    house.store.ping_errors = [AwayError("mirror_away")] * 4
    waits = house.run(rounds=3)
    assert len(house.journal.of("receive")) == 1
    assert len(house.journal.of("ping")) == 3
    assert waits == [1.0, 2.0, 4.0]


def test_a_queue_that_fails_is_waited_for_and_then_read_again() -> None:
    house = House()
    house.reader.fail["receive"] = TransientError("queue_http_500")
    house.run(rounds=3)
    assert len(house.journal.of("receive")) == 3
    assert len(house.journal.of("queue_ping")) == 2


def test_the_probe_asks_queue_and_mirror() -> None:
    house = House()
    house.reader.fail["receive"] = AwayError("queue_unreachable")
    house.run(rounds=2)
    assert house.journal == [("receive", 32), ("ping",), ("queue_ping",), ("receive", 32)]
