"""What the metrics say after something happened to events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bridge import metrics
from bridge.errors import AwayError, PermanentError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import dead_letters, pauses, reconciliations
from bridge.mirror.store import Store
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE
from bridge.workers import measuring
from bridge.workers.waiting import wait_until_back
from tests.unit.workers.fakes import NOW, FakeFlag, FakeReader, envelope, message
from tests.unit.workers.test_crm import House as CrmHouse
from tests.unit.workers.test_loop import House as QueueHouse
from tests.unit.workers.test_schedule import House as ScheduleHouse

HOP = {"hop": CONTACT_QUEUE}
ODOO = {"hop": "odoo"}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Grown:
    """How much a sample has grown since it was made."""

    def __init__(self) -> None:
        self.before = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in REGISTRY.collect()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        before = self.before.get((name, tuple(sorted(labels.items()))), 0.0)
        return value(name, **labels) - before


@pytest.fixture
def grown() -> Grown:
    return Grown()


def test_a_batch_tells_its_size_its_lag_and_its_latency(grown: Grown) -> None:
    messages = [message(envelope(received_at=NOW - timedelta(seconds=2))) for _ in range(3)]
    for one in messages:
        one.inserted_at = NOW - timedelta(seconds=1)
    house = QueueHouse(*messages)
    house.worker.step()
    assert grown("bridge_events_total", **HOP, outcome="mirrored") == 3
    assert (grown("bridge_batch_size_sum", **HOP), grown("bridge_batch_size_count", **HOP)) == (
        3,
        1,
    )
    assert grown("bridge_receive_lag_seconds_sum", **HOP) == 3
    assert grown("bridge_webhook_to_mirror_seconds_sum") == 6
    assert grown("bridge_call_seconds_count", **HOP) == 1
    assert value("bridge_last_event_timestamp_seconds", **HOP) == NOW.timestamp()


def test_retries_and_dead_letters_are_counted_by_code(grown: Grown) -> None:
    house = QueueHouse(message(envelope("a")), message(envelope("b")), message("junk"))
    house.apply.bad = {"a": PermanentError("cannot_be_stored"), "b": TransientError("deadlock")}
    house.worker.step()
    assert grown("bridge_dead_letters_total", **HOP, code="cannot_be_stored") == 1
    assert grown("bridge_dead_letters_total", **HOP, code="bad_envelope") == 1
    assert grown("bridge_events_total", **HOP, outcome="dead_lettered") == 2
    assert grown("bridge_retries_total", **HOP, code="deadlock") == 3  # twice at once, once later


def test_a_call_to_odoo_tells_its_outcomes_and_the_whole_way(mirror: Store, grown: Grown) -> None:
    house = CrmHouse(mirror)
    house.mirrored(("a", "MC-1", 0), ("b", "MC-2", 0))
    house.leads.answers["b"] = {"status": "created"}
    house.step()
    assert grown("bridge_events_total", **ODOO, outcome="updated") == 1
    assert grown("bridge_events_total", **ODOO, outcome="created") == 1
    assert grown("bridge_batch_size_sum", **ODOO) == 2
    assert grown("bridge_webhook_to_odoo_seconds_sum") == 2 * 3600
    assert grown("bridge_call_seconds_count", **ODOO) == 1


def test_a_part_that_is_away_is_shown_until_the_last_lane_is_back() -> None:
    shown: list[float] = []

    def probe() -> None:
        shown.append(value("bridge_breaker_open", part="odoo"))

    flag: Any = FakeFlag()
    with measuring.away("odoo_timeout"):
        wait_until_back(flag, AwayError("odoo_unreachable"), probe)
        assert value("bridge_breaker_open", part="odoo") == 1
    assert (shown, value("bridge_breaker_open", part="odoo")) == ([1.0], 0.0)
    with measuring.away("schema_missing"):
        assert value("bridge_breaker_open", part="mirror") == 1


def waiting_letter(id: str, reason: str) -> Envelope:
    return envelope(id, type=EventType.STAGE).with_reason(reason, CONTACT_QUEUE)


def test_what_waits_is_shown_every_round(mirror: Store) -> None:
    house = ScheduleHouse(mirror)
    crm = CrmHouse(mirror)
    crm.mirrored(("a", "MC-1", 0), ("b", "MC-2", 0))
    house.keep("no-such-queue", "kept")
    house.now = NOW + timedelta(seconds=90)
    with mirror.transaction() as session:
        letters = [waiting_letter("x", "permanent: too_old (31 days)"),
                   waiting_letter("y", "no_manychat_id: the field is missing")]  # fmt: skip
        dead_letters.record(session, letters, NOW)
        pauses.pause(session, "crm", NOW)
    house.round()
    assert value("bridge_outbox_waiting") == 2
    assert value("bridge_outbox_oldest_seconds") == 90
    assert value("bridge_inbox_waiting") == 1
    assert value("bridge_hop_paused", hop="crm") == 1
    assert value("bridge_hop_paused", hop="contact") == 0
    for code in ("too_old", "no_manychat_id"):
        assert value("bridge_dead_letters_waiting", **HOP, code=code) == 1
    assert value("bridge_queue_depth", queue=DEAD_LETTER_QUEUE) == 0
    with mirror.transaction() as session:
        dead_letters.mark_replayed(session, [1, 2], NOW)
    house.round()
    assert value("bridge_dead_letters_waiting", **HOP, code="too_old") == 0


def test_the_age_of_what_a_queue_hop_reads_next_is_shown(mirror: Store) -> None:
    house = ScheduleHouse(mirror)
    house.watched = [FakeReader(house.journal, message(envelope())), FakeReader(house.journal)]
    house.watched[1].queue_name = CAMPAIGN_QUEUE
    house.round(house.another("holder-2"))
    assert value("bridge_queue_oldest_seconds", hop="contact") == 75
    assert value("bridge_queue_oldest_seconds", hop="campaign") == 0


def test_parked_rows_are_shown(mirror: Store) -> None:
    crm = CrmHouse(mirror)
    crm.worker = crm.another("holder", max_attempts=1)
    crm.mirrored(("a", "MC-1", 0))
    crm.leads.answers["a"] = {"status": "rejected"}
    crm.step()
    ScheduleHouse(mirror).round()
    assert (value("bridge_outbox_parked"), value("bridge_outbox_waiting")) == (1, 0)
    assert value("bridge_outbox_oldest_seconds") == 0


def test_states_without_a_stage_are_counted_as_they_come(mirror: Store) -> None:
    crm = CrmHouse(mirror)
    crm.mirrored(("a", "MC-1", 0), ("b", "MC-2", 0))
    crm.leads.answers["a"] = {"unmapped": True}
    before = value("bridge_unmapped_events_total")
    crm.step()
    assert value("bridge_unmapped_events_total") - before == 1


def test_the_tables_that_grow_are_counted_now_and_then(mirror: Store) -> None:
    crm, house = CrmHouse(mirror), ScheduleHouse(mirror)
    crm.mirrored(("a", "MC-1", 0), ("b", "MC-2", 0))
    house.round()
    assert value("bridge_mirror_rows", table="Ledger") == 2
    assert value("bridge_mirror_rows", table="Outbox") == 2
    crm.mirrored(("c", "MC-3", 0))
    house.round()
    assert value("bridge_mirror_rows", table="Ledger") == 2


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("permanent: bad_envelope (ValueError)", "bad_envelope"),
        ("transient: unexpected (KeyError)", "unexpected"),
        ("no_manychat_id: missing", "no_manychat_id"),
        ("", "unknown"),
        (None, "unknown"),
        ("¿qué?", "unknown"),
    ],
)
def test_a_label_is_the_code_of_a_reason_and_nothing_else(reason: str | None, code: str) -> None:
    read: Callable[[str | None], str] = metrics.code_in
    assert read(reason) == code


def test_the_last_comparison_is_shown_less_what_it_mended(mirror: Store) -> None:
    with mirror.transaction() as session:
        begun = reconciliations.note_begun(session, "mirror", NOW, fixed=True)
        counts = {"duplicate": 3, "older_in_odoo": 1}
        done = replace(begun, finished_at=NOW, counts=counts, mended={"duplicate": 2})
        reconciliations.save(session, done)
    ScheduleHouse(mirror).round()
    assert value("bridge_differences", kind="duplicate") == 1
    assert value("bridge_differences", kind="older_in_odoo") == 1
    assert value("bridge_differences", kind="missing_in_odoo") == 0
    assert value("bridge_reconciled_timestamp_seconds") == NOW.timestamp()
