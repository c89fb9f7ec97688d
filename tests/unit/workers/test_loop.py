"""The loop around a queue: when it receives, rests, waits, and what it does at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from threading import Event as Flag
from typing import Any

import pytest

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

PATIENCE = 20.0


class PatientFlag(FakeFlag):
    """Its waits last until `holds`: how far the lanes are is not left to the machine's load."""

    def __init__(self, rounds: int, holds: Callable[[], bool]) -> None:
        super().__init__(rounds)
        self.holds = holds

    def wait(self, timeout: float | None = None) -> bool:
        for _ in range(int(PATIENCE * 100)):
            if self.holds():
                break
            Flag().wait(0.01)
        return super().wait(timeout)


class House:
    """A worker whose queue, mirror and clock are fakes; its threads are real."""

    def __init__(self, *messages: Message, concurrency: int = 1) -> None:
        self.journal = Journal()
        self.reader = FakeReader(self.journal, *messages)
        self.store = FakeStore(self.journal)
        self.apply = FakeApply()
        self.worker = QueueWorker(
            self.reader,  # type: ignore[arg-type]
            FakeDeadLetters(self.journal),  # type: ignore[arg-type]
            self.store,  # type: ignore[arg-type]
            Rules(),
            apply=self.apply,  # type: ignore[arg-type]
            concurrency=concurrency,
            clock=lambda _session: NOW,
            now=lambda: NOW,
            monotonic=lambda: 0.0,
            pause=lambda _seconds: None,
            rng=lambda: 1.0,
        )

    def run(self, rounds: int, until_deleted: int = 0) -> list[float]:
        """The receiver's waits; none ends before the lanes have deleted so many."""
        stop = PatientFlag(rounds, lambda: self.deleted() >= until_deleted)
        self.worker.run(stop)  # type: ignore[arg-type]
        return stop.waits

    def deleted(self) -> int:
        return len(self.journal.of("delete"))


def until_stopped(worker: QueueWorker, holds: Callable[[], bool]) -> None:
    """Run the worker in a thread until `holds`, then stop it."""
    stop = Flag()
    thread = Thread(target=worker.run, args=(stop,))
    thread.start()
    for _ in range(int(PATIENCE * 100)):
        if holds() or not thread.is_alive():
            break
        thread.join(0.01)
    held = holds()
    stop.set()
    thread.join(PATIENCE)
    assert held
    assert not thread.is_alive()


def test_a_busy_queue_is_asked_without_pause_and_an_empty_one_less_and_less() -> None:
    house = House(*(message(envelope()) for _ in range(40)))
    waits = house.run(rounds=7, until_deleted=40)
    assert len(house.journal.of("receive")) == 2 + 7
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert house.deleted() == 40


def test_a_queue_that_was_always_empty_is_asked_every_second() -> None:
    assert House().run(rounds=3) == [1.0, 1.0, 1.0]


def test_a_step_tells_how_many_messages_there_were() -> None:
    house = House(message(envelope()))
    assert (house.worker.step(), house.worker.step()) == (1, 0)


def test_the_next_batch_is_received_while_this_one_commits() -> None:
    house = House(*(message(envelope()) for _ in range(64)))

    def wait_for_the_next() -> None:
        if len(house.apply.seen) == 1:
            received.wait(PATIENCE)

    received = Flag()
    plain = house.reader.receive

    def receive(*given: Any) -> list[Message]:
        taken = plain(*given)
        if len(house.journal.of("receive")) == 2:
            received.set()
        return taken

    house.reader.receive = receive  # type: ignore[method-assign]
    house.store.before_commit = wait_for_the_next
    until_stopped(house.worker, lambda: house.deleted() == 64)
    assert received.is_set()


def test_no_more_than_one_batch_waits_while_another_commits() -> None:
    house = House(*(message(envelope()) for _ in range(32 * 5)))
    begun, go_on = Flag(), Flag()

    def hold() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    house.store.before_commit = hold
    stop = Flag()
    thread = Thread(target=house.worker.run, args=(stop,))
    thread.start()
    assert begun.wait(PATIENCE)
    thread.join(0.5)  # what else it would take, it would have taken
    assert len(house.journal.of("receive")) == 2
    stop.set()
    go_on.set()
    thread.join(PATIENCE)
    assert house.deleted() == 32  # the begun one
    assert len(house.journal.of("delay")) == 32  # the waiting one, released


def test_as_many_batches_as_asked_are_applied_at_once() -> None:
    house = House(*(message(envelope()) for _ in range(64)), concurrency=2)
    both = Barrier(2)
    house.store.before_commit = lambda: both.wait(PATIENCE) and None
    until_stopped(house.worker, lambda: house.deleted() == 64)


def test_a_batch_with_a_suspect_is_applied_while_no_other_is() -> None:
    messages = [message(envelope()) for _ in range(32 * 3)]
    messages[40].dequeue_count = 3
    house = House(*messages, concurrency=3)
    at_once: list[int] = []
    inside = 0

    def note() -> None:
        nonlocal inside
        inside += 1
        at_once.append(inside)
        Flag().wait(0.02)
        inside -= 1

    house.store.before_commit = note
    until_stopped(house.worker, lambda: house.deleted() == 96)
    assert at_once == [1] * 4  # 32, 31, the suspect, 32


def test_while_the_mirror_is_away_nothing_is_taken_from_the_queue() -> None:
    house = House(message(envelope()), message(envelope()))
    house.store.commit_error = AwayError("mirror_away")
    house.store.ping_errors = [AwayError("mirror_away")] * 6
    house.worker._room.acquire()  # so that the receiver sees the failure before it goes on
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


def test_a_delete_that_fails_keeps_no_other_from_being_deleted() -> None:
    messages = [message(envelope()) for _ in range(5)]
    house = House(*messages)
    plain = house.reader.delete

    def delete(one: Message) -> bool:
        if one.id == messages[0].id:
            raise AwayError("queue_unreachable")
        return plain(one)

    house.reader.delete = delete  # type: ignore[method-assign]
    with pytest.raises(AwayError):
        house.worker.step()
    assert house.deleted() == 4
    assert house.journal.of("delay") == [(messages[0].id, 2.0, None)]


def test_a_paused_hop_takes_nothing_until_it_is_resumed() -> None:
    house = House(message(envelope()))
    answers = [True, True, False]
    house.worker._paused = lambda: answers.pop(0) if answers else False
    until_stopped(house.worker, lambda: house.deleted() == 1)
    assert answers == []


def test_a_bug_in_a_lane_ends_the_worker_and_not_in_silence() -> None:
    house = House(message(envelope()))

    def broken(*_given: Any) -> None:
        raise KeyError("a bug")

    house.worker._handler.handle = broken  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        house.worker.run(Flag())
