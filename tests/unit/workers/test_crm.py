"""The outbox into Odoo: what is sent, what is kept, and who is blamed for a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Event as Flag
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import AwayError, BusyError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import lease, outbox
from bridge.mirror.apply import apply_events
from bridge.mirror.store import Store
from bridge.odoo.leads import SyncResult
from bridge.workers.crm import IDLE_SECONDS, CrmWorker
from tests.unit.workers.fakes import NOW, FakeFlag

DOWN = AwayError("odoo_unreachable")


class FakeLeads:
    """Answers `updated` for every event, unless `fails` raises something for the batch."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.fails: Callable[[list[str]], Exception | None] = lambda _ids: None
        self.answers: dict[str, dict[str, Any]] = {}

    def sync(self, events: Sequence[dict[str, Any]]) -> list[SyncResult]:
        ids = [event["event_id"] for event in events]
        self.calls.append(ids)
        if error := self.fails(ids):
            raise error
        plain = {"status": "updated", "lead_id": 5, "stage": "Venta exitosa"}
        return [SyncResult(id, **{**plain, **self.answers.get(id, {})}) for id in ids]


class House:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.leads = FakeLeads()
        self.probes: list[Exception | None] = []
        self.probed = 0
        self.now = NOW
        self.stop = FakeFlag()
        self.worker = self.another("holder-1")

    def another(self, holder: str, max_attempts: int = 5) -> CrmWorker:
        return CrmWorker(
            self.store,
            self.leads,
            self.probe,
            holder,
            max_attempts=max_attempts,
            now=lambda: self.now,
            rng=lambda: 0.5,
        )

    def probe(self) -> None:
        self.probed += 1
        if self.probes and (error := self.probes.pop(0)):
            raise error

    def mirrored(self, *events: tuple[str, str, int]) -> None:
        """Put (event id, contact, minute) into the mirror in one transaction."""
        pairs = []
        for event_id, contact, minute in events:
            envelope = Envelope(
                id=event_id,
                type=EventType.STAGE,
                received_at=NOW + timedelta(minutes=minute),
                occurred_at=None,
                payload={"manychat_id": contact, "stage_manychat": "Venta exitosa"},
            )
            pairs.append((read_event(envelope, Rules()), envelope))
        with self.store.transaction() as session:
            apply_events(session, pairs, NOW)

    def step(self) -> int:
        return self.worker.step(self.stop)  # type: ignore[arg-type]

    def rows(self) -> dict[str, Any]:
        with self.store.transaction() as session:
            found = session.execute(
                text("SELECT event_id, status, attempts, reason, parked FROM Outbox")
            )
            return {row.event_id: row for row in found}

    def contact(self, manychat_id: str) -> Any:
        with self.store.transaction() as session:
            return session.execute(
                text("SELECT * FROM Contact WHERE manychat_id = :id"), {"id": manychat_id}
            ).one()

    def lease_is_free(self) -> bool:
        with self.store.transaction() as session:
            free = lease.acquire(session, outbox.LEASE, "somebody", self.now, 1)
            lease.release(session, outbox.LEASE, "somebody")
        return free


@pytest.fixture
def house(mirror: Store) -> House:
    return House(mirror)


def test_a_batch_is_one_call_in_clock_order_within_each_contact(house: House) -> None:
    house.mirrored(("late", "MC-2", 9))
    house.mirrored(("early", "MC-2", 1), ("other", "MC-1", 5))
    assert house.step() == 3
    assert house.leads.calls == [["other", "early", "late"]]


def test_the_answers_are_kept_and_the_contact_is_in_sync(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.step()

    contact = house.contact("MC-1")
    assert (contact.odoo_sync_status, contact.odoo_lead_id) == ("success", 5)
    assert house.rows()["a"].status == "success"
    assert house.step() == 0


def test_a_rejected_event_is_an_error_and_its_neighbour_is_not(house: House) -> None:
    house.mirrored(("a", "MC-1", 1), ("b", "MC-2", 1))
    house.leads.answers["a"] = {"status": "rejected", "lead_id": None, "message": "no"}
    house.step()

    assert house.contact("MC-1").odoo_sync_status == "error"
    assert house.contact("MC-2").odoo_sync_status == "success"


def test_odoo_away_burns_no_attempt_and_releases_the_claim(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: DOWN
    house.probes = [DOWN]
    with pytest.raises(AwayError):
        house.step()

    row = house.rows()["a"]
    assert (row.status, row.attempts) == ("pending", 0)
    assert len(house.leads.calls) == 1
    assert house.lease_is_free()


def test_a_short_fault_is_tried_again_at_once(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    faults = [TransientError("odoo_timeout"), DOWN]
    house.leads.fails = lambda _ids: faults.pop(0) if faults else None
    house.step()
    assert len(house.leads.calls) == 3
    assert house.rows()["a"].status == "success"


def test_a_batch_that_fails_thrice_while_odoo_answers_is_split_until_the_bad_is_alone(
    house: House,
) -> None:
    house.mirrored(*((f"e{n}", f"MC-{n}", n) for n in range(4)))
    house.leads.fails = lambda ids: TransientError("odoo_value_error") if "e2" in ids else None
    house.step()

    calls = house.leads.calls
    assert calls == [
        *[["e0", "e1", "e2", "e3"]] * 3, ["e0", "e1"], *[["e2", "e3"]] * 3, *[["e2"]] * 3, ["e3"]
    ]  # fmt: skip
    rows = house.rows()
    assert [rows[id].status for id in ("e0", "e1", "e3")] == ["success"] * 3
    assert (rows["e2"].status, rows["e2"].attempts) == ("pending", 1)
    assert rows["e2"].reason == "transient: odoo_value_error"
    assert house.probed == 9


def test_a_failed_event_waits_its_time_and_is_parked_in_the_end(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: TransientError("odoo_value_error")
    house.step()
    assert house.step() == 0  # not due yet

    for _ in range(4):
        house.now += timedelta(hours=2)
        house.step()
    row = house.rows()["a"]
    assert (row.status, row.attempts, bool(row.parked)) == ("error", 5, True)
    assert house.contact("MC-1").odoo_sync_status == "error"


def test_the_configured_attempts_hold_for_rejections_and_for_failures(house: House) -> None:
    house.mirrored(("a", "MC-1", 1), ("b", "MC-2", 1))
    house.worker = house.another("holder-1", max_attempts=1)
    house.leads.answers["a"] = {"status": "rejected", "retryable": True}
    house.leads.fails = lambda ids: TransientError("odoo_value_error") if "b" in ids else None
    house.step()
    assert {bool(row.parked) for row in house.rows().values()} == {True}


def test_a_busy_odoo_is_nobodys_fault(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: BusyError("odoo_busy", retry_after=9)
    with pytest.raises(BusyError):
        house.step()
    assert len(house.leads.calls) == 1
    assert house.rows()["a"].attempts == 0
    assert house.lease_is_free()


def test_a_bug_of_ours_blames_the_row_and_keeps_the_others_going(house: House) -> None:
    house.mirrored(("a", "MC-1", 1), ("b", "MC-2", 1))
    house.leads.fails = lambda ids: KeyError("Begoña") if "a" in ids else None
    house.step()
    assert house.rows()["a"].reason == "transient: unexpected (KeyError)"
    assert house.rows()["b"].status == "success"


def test_an_answer_that_the_mirror_refuses_does_not_stop_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.mirrored(("a", "MC-1", 1), ("b", "MC-2", 1))
    record = outbox.record_results

    def refusing(session: Any, rows: Any, *rest: Any) -> None:
        if any(row.event_id == "a" for row in rows):
            raise ValueError("Begoña")
        record(session, rows, *rest)

    monkeypatch.setattr(outbox, "record_results", refusing)
    house.step()
    assert house.rows()["b"].status == "success"
    assert house.rows()["a"].attempts == 1


def test_another_workers_claim_is_respected_and_an_idle_one_holds_none(house: House) -> None:
    assert house.step() == 0
    assert house.lease_is_free()
    house.mirrored(("a", "MC-1", 1))
    with house.store.transaction() as session:
        outbox.claim(session, "holder-2", 100, NOW, 30)
    assert house.step() == 0
    house.now += timedelta(seconds=31)
    assert house.step() == 1


def test_the_claim_is_renewed_before_every_call(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))

    def slow(_ids: list[str]) -> Exception | None:
        house.now += timedelta(seconds=20)
        return TransientError("odoo_timeout") if len(house.leads.calls) < 3 else None

    house.leads.fails = slow
    renewed: list[Any] = []
    real = lease.acquire
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "acquire", lambda *given: renewed.append(given[3]) or real(*given))
        house.step()
    starts = [NOW + timedelta(seconds=seconds) for seconds in (0, 0, 20, 40)]
    assert renewed == starts


def test_a_stop_between_tries_leaves_the_row_as_it_was(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: TransientError("odoo_timeout")
    house.stop = FakeFlag(rounds=1)
    house.step()
    assert len(house.leads.calls) == 1
    assert house.rows()["a"].attempts == 0
    assert house.lease_is_free()


def test_the_loop_asks_an_idle_outbox_four_times_a_second(house: House) -> None:
    house.stop = FakeFlag(rounds=3)
    house.worker.run(house.stop)  # type: ignore[arg-type]
    assert house.stop.waits == [IDLE_SECONDS] * 3
    assert IDLE_SECONDS <= 0.25


def test_the_loop_waits_for_odoo_and_goes_on_where_it_was(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    faults: list[Exception] = [DOWN]
    house.leads.fails = lambda _ids: faults.pop(0) if faults else None
    house.probes = [DOWN, DOWN, None]
    house.stop = FakeFlag(rounds=3)
    house.worker.run(house.stop)  # type: ignore[arg-type]
    assert house.probed == 3
    assert house.rows()["a"].status == "success"


def test_a_mirror_without_tables_is_away_until_it_is_migrated(house: House) -> None:
    with house.store.transaction() as session:
        session.execute(text("DROP TABLE Outbox"))
        session.execute(text("UPDATE bridge_version SET version_num = 'old'"))
    house.stop = FakeFlag(rounds=3)
    house.worker.run(house.stop)  # type: ignore[arg-type]
    assert house.leads.calls == []
    assert house.probed == 0  # the mirror is asked first, and it is not back


def test_a_real_flag_ends_the_loop(house: House) -> None:
    stop = Flag()
    stop.set()
    house.worker.run(stop)
    assert house.leads.calls == []
