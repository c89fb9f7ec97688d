"""What becomes of each message of a batch, and in which order things are done."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import AwayError, BusyError, PermanentError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.reading import Rules
from bridge.mirror.apply import Applied
from bridge.queue.reader import Message
from bridge.workers.handle import BatchHandler
from bridge.workers.leases import Keeper, Leases
from tests.unit.workers.fakes import (
    NOW,
    FakeApply,
    FakeDeadLetters,
    FakeReader,
    FakeStore,
    Journal,
    envelope,
    message,
)

AWAY = AwayError("mirror_away")


class House:
    """A handler with everything around it faked."""

    def __init__(self, max_attempts: int = 5) -> None:
        self.journal = Journal()
        self.reader = FakeReader(self.journal)
        self.dead = FakeDeadLetters(self.journal)
        self.store = FakeStore(self.journal)
        self.apply = FakeApply()
        self.seconds = 0.0
        self.handler = BatchHandler(
            self.reader,  # type: ignore[arg-type]
            self.dead,  # type: ignore[arg-type]
            self.store,  # type: ignore[arg-type]
            Rules(),
            max_attempts=max_attempts,
            apply=self.apply,  # type: ignore[arg-type]
            committed=lambda: self.journal.append(("committed",)),
            clock=lambda _session: NOW,
            horizon=timedelta(days=30),
            now=lambda: NOW,
            pause=lambda _seconds: None,
            rng=lambda: 0.5,
        )
        self.keeper = Keeper()

    def handle(self, *messages: Message, **options: Any) -> None:
        leases = Leases(self.reader, messages, lambda: self.seconds)  # type: ignore[arg-type]
        self.keeper.watch(leases)
        self.handler.handle(leases, **options)

    @property
    def deleted(self) -> list[str]:
        return [id for (id,) in self.journal.of("delete")]

    @property
    def buried(self) -> list[Envelope]:
        return [copy for (copy,) in self.journal.of("dead_letter")]


@pytest.fixture
def house() -> House:
    return House()


def test_a_batch_is_one_transaction_and_is_deleted_after_its_commit(house: House) -> None:
    one, two = message(envelope("a")), message(envelope("b"))
    house.handle(one, two)
    assert house.journal == [
        ("applied", ["a", "b"]), ("commit",), ("committed",),
        ("delete", one.id), ("delete", two.id),
    ]  # fmt: skip


def test_nothing_is_deleted_when_the_commit_fails(house: House) -> None:
    house.store.commit_error = AWAY
    house.store.ping_errors = [AWAY]
    with pytest.raises(AwayError):
        house.handle(message(envelope()))
    assert house.deleted == []


def test_a_bad_event_is_found_by_halving_and_its_neighbours_go_through(house: House) -> None:
    house.apply.bad["e5"] = PermanentError("cannot_be_stored")
    messages = [message(envelope(f"e{n}")) for n in range(8)]
    house.handle(*messages)

    assert sorted(id for (ids,) in house.journal.of("applied") for id in ids) == [
        "e0", "e1", "e2", "e3", "e4", "e6", "e7"
    ]  # fmt: skip
    assert [copy.id for copy in house.buried] == ["e5"]
    assert sorted(house.deleted) == sorted(one.id for one in messages)
    assert len(house.apply.seen) == 7  # 8, 4, 4, 2, 1, 1, 2


def test_the_copy_of_a_dead_letter_is_sent_before_the_original_is_deleted(house: House) -> None:
    house.apply.bad["a"] = PermanentError("cannot_be_stored", "too long")
    sent = envelope("a")
    house.handle(message(sent))

    [copy] = house.buried
    assert copy.reason == "permanent: cannot_be_stored (too long)"
    assert copy.origin == "manychat-contact-queue"
    assert copy.payload == sent.payload
    assert [entry[0] for entry in house.journal] == ["dead_letter", "delete"]


def test_a_dead_letter_that_cannot_be_sent_keeps_its_original(house: House) -> None:
    house.apply.bad["a"] = PermanentError("cannot_be_stored")
    house.dead.error = AwayError("queue_unreachable")
    one = message(envelope("a"))
    with pytest.raises(AwayError):
        house.handle(one)
    assert house.deleted == []
    assert house.journal.of("delay") == [(one.id, 2.0, None)]


def test_a_transient_error_delays_the_event_and_counts_the_attempt(house: House) -> None:
    house.apply.bad["a"] = TransientError("deadlock")
    sent = envelope("a", attempts=1)
    one = message(sent, dequeue_count=2)
    house.handle(one)

    assert house.journal.of("delay") == [(one.id, 10.0, sent.with_attempt())]
    assert house.deleted == []


def test_used_up_attempts_end_as_a_dead_letter_with_class_and_code(house: House) -> None:
    house.apply.bad["a"] = TransientError("deadlock")
    one = message(envelope("a", attempts=4), dequeue_count=5)
    house.handle(one)

    [copy] = house.buried
    assert copy.reason == "transient: deadlock"
    assert house.deleted == [one.id]


def test_a_bug_counts_attempts_and_ends_as_a_dead_letter_without_its_text(house: House) -> None:
    house.apply.bad["a"] = ValueError("Begoña's phone is secret")
    house.handle(message(envelope("a")))
    assert len(house.journal.of("delay")) == 1

    house.handle(message(envelope("a", attempts=4)))
    [copy] = house.buried
    assert copy.reason == "transient: unexpected (ValueError)"


def test_a_mirror_that_is_away_burns_no_attempt_and_frees_the_messages(house: House) -> None:
    house.apply.bad["a"] = AwayError("mirror_unreachable")
    house.store.ping_errors = [AWAY]
    one, two = message(envelope("a")), message(envelope("b"))
    with pytest.raises(AwayError):
        house.handle(one, two)

    assert house.journal.of("delay") == [(one.id, 2.0, None), (two.id, 2.0, None)]
    assert house.buried == []
    assert house.deleted == []
    assert len(house.apply.seen) == 1  # it was not even split


def test_away_is_what_the_probe_says_and_not_the_failed_call(house: House) -> None:
    house.apply.bad["a"] = AwayError("mirror_unreachable")
    sent = envelope("a")
    one, two = message(sent), message(envelope("b"))
    house.handle(one, two)  # the probe answers: it is the batch

    assert house.journal.of("applied") == [(["b"],)]
    assert house.journal.of("delay") == [(one.id, 2.5, sent.with_attempt())]


def test_a_transient_error_while_the_probe_fails_is_away(house: House) -> None:
    house.apply.bad["a"] = TransientError("mirror_timeout")
    house.store.ping_errors = [AWAY]
    one = message(envelope("a", attempts=4))
    with pytest.raises(AwayError):
        house.handle(one)
    assert house.journal.of("delay") == [(one.id, 2.0, None)]


def test_a_pause_that_was_asked_for_is_kept(house: House) -> None:
    house.apply.bad["a"] = BusyError("throttled", retry_after=30)
    house.handle(message(envelope("a")))
    [(_, seconds, _)] = house.journal.of("delay")
    assert seconds == 30.5


def test_text_that_is_no_envelope_becomes_a_dead_letter_with_its_text(house: House) -> None:
    broken = message('{"id": "known-id", "type": "stage"')
    house.handle(broken, message(envelope("good")))

    [copy] = house.buried
    assert copy.reason is not None
    assert copy.reason.startswith("permanent: bad_envelope")
    assert copy.id == broken.id
    assert isinstance(copy.payload, dict)
    assert copy.payload["cut"] == broken.text
    assert house.journal.of("applied") == [(["good"],)]
    assert broken.id in house.deleted


def test_an_id_that_can_still_be_read_names_the_dead_letter(house: House) -> None:
    text = json.dumps({"v": 1, "id": "known-id", "type": "stage", "payload": 7})
    house.handle(message(text))
    [copy] = house.buried
    assert (copy.id, copy.type) == ("known-id", "stage")


def test_a_huge_broken_message_is_cut_and_still_fits(house: House) -> None:
    house.handle(message("ñ" * 48_000))
    [copy] = house.buried
    copy.checked()
    assert isinstance(copy.payload, dict)
    assert copy.payload["length"] == 96_000


def test_an_event_that_can_never_be_read_becomes_a_dead_letter(house: House) -> None:
    one = message(envelope("a", payload={"nombre_lead": "Begoña"}))
    house.handle(one, message(envelope("b")))

    [copy] = house.buried
    assert copy.reason is not None
    assert "no_manychat_id" in copy.reason
    assert "Begoña" not in copy.reason
    assert house.journal.of("applied") == [(["b"],)]


def test_what_the_ledger_may_have_forgotten_is_given_up_and_never_applied(house: House) -> None:
    old = envelope("old", received_at=NOW - timedelta(days=31))
    house.handle(message(old), message(envelope("a", received_at=NOW - timedelta(days=30))))
    [copy] = house.buried
    assert (copy.id, copy.reason) == ("old", "permanent: too_old (received 31 days ago)")
    assert house.journal.of("applied") == [(["a"],)]


def test_a_replay_passes_the_horizon(house: House) -> None:
    house.handle(message(envelope("old", received_at=NOW - timedelta(days=99), revision=1)))
    assert house.journal.of("applied") == [(["old"],)]
    assert house.buried == []


def test_an_envelope_of_a_newer_release_is_put_back_and_never_killed(house: House) -> None:
    newer = json.dumps({"v": 99, "what": "ever"})
    one = message(newer, dequeue_count=50)
    house.handle(one)
    assert house.journal == [("put_back", one.id, 60.0)]


@pytest.mark.parametrize("count", [3, 9])
def test_a_message_seen_thrice_is_handled_alone_after_the_others(house: House, count: int) -> None:
    house.handle(
        message(envelope("suspect"), dequeue_count=count),
        message(envelope("a")),
        message(envelope("b"), dequeue_count=2),
    )
    assert house.journal.of("applied") == [(["a", "b"],), (["suspect"],)]


def test_a_suspect_says_in_the_queue_that_it_is_begun_before_it_is(house: House) -> None:
    one = message(envelope("suspect", begun=2), dequeue_count=5)
    house.handle(one)
    [(verb, id, seconds, noted), applied, *_] = house.journal
    assert (verb, id, seconds, noted.begun) == ("delay", one.id, 60.0, 3)
    assert applied == ("applied", ["suspect"])


def test_a_suspect_whose_lease_is_lost_is_not_begun(house: House) -> None:
    one = message(envelope("suspect"), dequeue_count=5)
    house.reader.lost.add(one.id)
    house.handle(one)
    assert house.journal.of("applied") == []


def test_a_suspect_that_fails_and_lets_us_live_is_as_if_never_begun(house: House) -> None:
    house.apply.bad["suspect"] = TransientError("mirror_full")
    one = message(envelope("suspect", begun=2), dequeue_count=5)
    before = one.text
    house.handle(one)
    [_noted, (_, _, delayed)] = house.journal.of("delay")
    assert (delayed.begun, delayed.attempts) == (2, 1)
    assert one.text == before


@pytest.mark.parametrize("count", [10, 49])
def test_who_waits_behind_a_killer_is_no_poison_however_often_delivered(
    house: House, count: int
) -> None:
    house.handle(message(envelope("innocent"), dequeue_count=count))
    assert house.buried == []
    assert house.journal.of("applied") == [(["innocent"],)]


def test_what_kills_whoever_reads_it_is_a_dead_letter_at_last(house: House) -> None:
    house.handle(message(envelope("unread"), dequeue_count=50))
    [copy] = house.buried
    assert copy.reason == "permanent: poison (delivered 50 times)"


def test_what_was_begun_alone_seven_times_without_an_end_is_a_dead_letter(house: House) -> None:
    one = message(envelope("killer", begun=7), dequeue_count=10)
    house.handle(one, message(envelope("a")))

    [copy] = house.buried
    assert copy.reason == "permanent: poison (delivered 10 times)"
    assert house.journal.of("applied") == [(["a"],)]
    assert house.deleted[0] == one.id


def test_delays_of_our_own_do_not_make_a_message_suspect(house: House) -> None:
    house.handle(message(envelope("a", attempts=10), dequeue_count=12), message(envelope("b")))
    assert house.journal.of("applied") == [(["a", "b"],)]


def test_a_release_of_a_message_taken_often_starts_its_count_anew(house: House) -> None:
    house.store.commit_error = AWAY
    house.store.ping_errors = [AWAY]
    once, often = message(envelope()), message(envelope(), dequeue_count=2)
    with pytest.raises(AwayError):
        house.handle(once, often)
    assert house.journal.of("delay") == [(once.id, 2.0, None)]
    assert house.journal.of("put_back") == [(often.id, 2.0)]


def test_a_dead_queue_is_asked_once_at_release_and_not_for_each_message(house: House) -> None:
    house.store.commit_error = AWAY
    house.store.ping_errors = [AWAY]
    house.reader.fail["delay"] = AwayError("queue_unreachable")
    with pytest.raises(AwayError, match="mirror_away"):
        house.handle(*(message(envelope()) for _ in range(5)))
    assert len(house.journal.of("delay")) == 1


def test_old_leases_are_renewed_before_the_next_transaction(house: House) -> None:
    house.apply.bad["c"] = PermanentError("splits_the_batch")
    lone = message(envelope("c"))

    def slow() -> None:
        house.seconds += 25

    house.store.before_commit = slow
    house.handle(message(envelope("b")), lone)

    assert house.journal.of("renew") == [(lone.id, 60.0)]


def test_what_was_lost_meanwhile_is_left_to_its_new_holder(house: House) -> None:
    house.apply.bad["c"] = PermanentError("splits_the_batch")
    lone = message(envelope("c"))
    house.reader.lost.add(lone.id)

    def slow() -> None:
        house.seconds += 25

    house.store.before_commit = slow
    house.handle(message(envelope("b")), lone)

    assert house.journal.of("applied") == [(["b"],)]
    assert house.buried == []
    assert lone.id not in house.deleted


def test_leases_are_renewed_with_the_newest_receipt_during_a_long_transaction(house: House) -> None:
    one, two = message(envelope("a")), message(envelope("b"))

    def slow() -> None:
        for _ in range(3):
            house.seconds += 21
            house.keeper.tick()

    house.store.before_commit = slow
    house.handle(one, two)

    assert house.journal.of("renew") == [(one.id, 60.0), (two.id, 60.0)] * 3
    assert house.deleted == [one.id, two.id]


def test_a_lease_lost_during_the_transaction_is_left_alone_after_it(house: House) -> None:
    one = message(envelope("a"))
    house.reader.lost.add(one.id)

    def slow() -> None:
        house.seconds += 21
        house.keeper.tick()

    house.store.before_commit = slow
    house.handle(one)
    assert house.journal.of("applied") == [(["a"],)]
    assert house.deleted == []  # whoever has it now finds it in the ledger


def test_a_keeper_survives_a_queue_that_is_away(house: House) -> None:
    house.reader.fail["renew"] = AwayError("queue_unreachable")

    def slow() -> None:
        house.seconds += 21
        house.keeper.tick()
        house.reader.fail.clear()

    house.store.before_commit = slow
    one = message(envelope("a"))
    house.handle(one)
    assert house.deleted == [one.id]


@pytest.mark.parametrize("failures", [1, 2])
def test_a_batch_that_met_another_worker_is_tried_again_whole(house: House, failures: int) -> None:
    faults = [TransientError("mirror_conflict")] * failures

    def meet() -> None:
        if faults:
            raise faults.pop()

    house.store.before_commit = meet
    house.handle(message(envelope("a")), message(envelope("b")))
    assert house.apply.seen == [["a", "b"]] * (failures + 1)
    assert len(house.deleted) == 2


def test_a_batch_that_fails_thrice_is_split(house: House) -> None:
    house.apply.bad["b"] = TransientError("mirror_conflict")
    house.handle(message(envelope("a")), message(envelope("b")))
    assert house.apply.seen == [["a", "b"]] * 3 + [["a"]] + [["b"]] * 3


def test_nobody_is_woken_for_events_that_were_known(house: House) -> None:
    house.handler._apply_events = lambda *_given: Applied(0, 1)
    house.handle(message(envelope("a")))
    assert house.journal.of("committed") == []
    assert len(house.deleted) == 1


def test_a_young_lease_is_not_renewed(house: House) -> None:
    house.handle(message(envelope()), message(envelope(), dequeue_count=3))
    assert house.journal.of("renew") == []


def test_a_lost_lease_at_the_delete_is_no_error(house: House) -> None:
    one = message(envelope("a"))
    house.reader.lost.add(one.id)
    house.handle(one)
    assert house.journal.of("applied") == [(["a"],)]


def test_a_delete_that_fails_after_the_commit_costs_the_event_nothing(house: House) -> None:
    house.reader.fail["delete"] = AwayError("queue_unreachable")
    one = message(envelope("a"))
    with pytest.raises(AwayError):
        house.handle(one)
    assert house.journal.of("applied") == [(["a"],)]
    assert house.journal.of("delay") == [(one.id, 2.0, None)]  # seen again, the ledger knows it
    assert house.buried == []


def test_a_stop_releases_what_was_not_begun(house: House) -> None:
    stop = threading.Event()
    house.store.before_commit = stop.set
    lone = message(envelope("c"), dequeue_count=3)
    first = message(envelope("b"))
    house.handle(first, lone, stopping=stop.is_set)

    assert house.deleted == [first.id]
    assert house.journal.of("put_back") == [(lone.id, 2.0)]
