"""The outbox into Odoo: what is sent, what is kept, and who is blamed for a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import AwayError, BusyError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import claims, outbox, pauses
from bridge.mirror.apply import apply_events
from bridge.mirror.store import Store
from bridge.odoo.leads import SyncResult
from bridge.workers.bell import Bell
from bridge.workers.crm import IDLE_SECONDS, CrmWorker
from bridge.workers.pushing import Pusher
from bridge.workers.tempo import Tempo
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
        self.now = NOW + timedelta(hours=1)
        self.stop = FakeFlag()
        self.tempo = Tempo()
        self.worker = self.another("holder-1")

    def another(self, holder: str, max_attempts: int = 5, **options: Any) -> CrmWorker:
        pusher = Pusher(
            self.store,
            self.leads,
            self.probe,
            self.tempo,
            max_attempts=max_attempts,
            clock=lambda _session: self.now,
            rng=lambda: 0.5,
        )
        return CrmWorker(
            self.store,
            pusher,
            self.tempo,
            holder,
            clock=lambda _session: self.now,
            rng=lambda: 0.5,
            **{"bell": FakeBell(self.stop), **options},
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
                text(
                    "SELECT event_id, status, attempts, reason, parked, next_attempt_at FROM Outbox"
                )
            )
            return {row.event_id: row for row in found}

    def contact(self, manychat_id: str) -> Any:
        with self.store.transaction() as session:
            return session.execute(
                text("SELECT * FROM Contact WHERE manychat_id = :id"), {"id": manychat_id}
            ).one()

    def due(self) -> bool:
        with self.store.reading() as session:
            return claims.is_due(session, self.now)

    def nothing_is_claimed(self) -> bool:
        with self.store.transaction() as session:
            held = text("SELECT count(*) FROM Lease WHERE name LIKE 'crm-%' AND holder IS NOT NULL")
            return session.execute(held).scalar_one() == 0

    def claimed_by(self, holder: str) -> list[str]:
        with self.store.transaction() as session:
            rows = claims.claim(session, holder, 100, self.now, 30)
        return sorted(row.event_id for row in rows)


class FakeBell:
    """Waits on the flag of the test, which ends it."""

    def __init__(self, flag: FakeFlag) -> None:
        self.flag = flag

    def wait(self, seconds: float) -> bool:
        return self.flag.wait(seconds)


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


def test_a_final_rejection_is_tried_again_less_and_less_often_and_parked_in_the_end(
    house: House,
) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.answers["a"] = {"status": "rejected", "lead_id": None, "message": "no team"}
    waits = []
    while house.rows()["a"].next_attempt_at:
        assert house.step() == 1
        assert house.contact("MC-1").odoo_sync_status == "error"
        begun = house.now
        while house.rows()["a"].next_attempt_at and not house.due():
            house.now += timedelta(seconds=15)
        waits.append((house.now - begun).total_seconds())
    assert waits == [45, 180, 720, 2880, 0]  # rng 0.5 takes a quarter off
    row = house.rows()["a"]
    assert (row.status, row.attempts, bool(row.parked)) == ("error", 5, True)
    assert row.reason == "no team"


def test_a_rejection_that_odoo_takes_back_is_a_success(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.answers["a"] = {"status": "rejected", "lead_id": None, "message": "no team"}
    house.step()
    house.leads.answers.clear()
    house.now += timedelta(minutes=2)
    house.step()
    assert house.contact("MC-1").odoo_sync_status == "success"
    assert house.rows()["a"].reason is None


def test_odoo_away_burns_no_attempt_and_releases_the_claim(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: DOWN
    house.probes = [DOWN]
    with pytest.raises(AwayError):
        house.step()

    row = house.rows()["a"]
    assert (row.status, row.attempts) == ("pending", 0)
    assert len(house.leads.calls) == 1
    assert house.nothing_is_claimed()


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
        house.now += timedelta(hours=7)
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
    assert house.nothing_is_claimed()


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

    def refusing(session: Any, rows: Any, *rest: Any, **options: Any) -> None:
        if any(row.event_id == "a" for row in rows):
            raise ValueError("Begoña")
        record(session, rows, *rest, **options)

    monkeypatch.setattr(outbox, "record_results", refusing)
    house.step()
    assert house.rows()["b"].status == "success"
    assert house.rows()["a"].attempts == 1


def test_another_workers_claim_is_respected_until_it_runs_out(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    assert house.claimed_by("holder-2") == ["a"]
    assert house.step() == 0
    house.now += timedelta(seconds=31)
    assert house.step() == 1


def test_an_idle_worker_writes_nothing(house: House) -> None:
    with house.store.transaction() as session:
        session.execute(text("DROP TABLE Lease"))
    assert house.step() == 0


def test_the_claim_is_kept_while_odoo_works_however_long(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))

    def slow(_ids: list[str]) -> None:
        for _ in range(5):
            house.now += timedelta(seconds=20)
            house.worker._keeper.tick()
        assert house.claimed_by("holder-2") == []

    house.leads.fails = slow
    assert house.step() == 1
    house.worker._keeper.tick()
    assert house.nothing_is_claimed()


def test_a_lost_claim_does_no_harm(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))

    def very_slow(_ids: list[str]) -> None:
        house.leads.fails = lambda _ids: None
        house.now += timedelta(seconds=31)
        assert house.another("holder-2").step(house.stop) == 1  # type: ignore[arg-type]
        house.worker._keeper.tick()

    house.leads.fails = very_slow
    assert house.step() == 1
    assert house.leads.calls == [["a"], ["a"]]  # the addon knows it the second time
    assert house.rows()["a"].status == "success"


def test_two_lanes_share_a_backlog_and_no_contact(house: House) -> None:
    house.mirrored(*((f"{n}-{m}", f"MC-{n}", m) for n in range(20) for m in range(3)))
    house.tempo.size = 12
    second = house.another("holder-2")
    meanwhile: list[list[str]] = []

    def while_the_first_calls(_ids: list[str]) -> None:
        house.leads.fails = lambda _ids: None
        second.step(house.stop)  # type: ignore[arg-type]
        meanwhile.extend(house.leads.calls)

    house.leads.fails = while_the_first_calls
    house.step()
    first_ids, second_ids = meanwhile
    contacts = [{id.split("-")[0] for id in ids} for ids in (first_ids, second_ids)]
    assert contacts[0] & contacts[1] == set()
    assert [len(ids) for ids in meanwhile] == [12, 12]
    while house.step():
        pass
    assert {row.status for row in house.rows().values()} == {"success"}
    assert sorted(id for ids in house.leads.calls for id in ids) == sorted(house.rows())


def test_a_contacts_backlog_goes_in_one_call_whatever_stands_between(house: House) -> None:
    for minute in range(10):
        house.mirrored(("x" + str(minute), "MC-1", minute))
        house.mirrored(*((f"{minute}-{n}", f"MC-{minute}-{n}", minute) for n in range(20)))
    house.tempo.size = 10
    house.step()
    assert house.leads.calls == [[f"x{minute}" for minute in range(10)]]


def test_a_second_lane_rests_until_the_tempo_wants_it(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.stop = FakeFlag(rounds=3)
    second = house.another("holder-2", lane=1)
    second.run(house.stop)  # type: ignore[arg-type]
    assert house.leads.calls == []
    house.tempo.lanes = 2
    house.stop.rounds, house.stop.flag = 9, False
    second.run(house.stop)  # type: ignore[arg-type]
    assert house.leads.calls == [["a"]]


def test_a_paused_hop_claims_nothing_until_it_is_resumed(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    with house.store.transaction() as session:
        pauses.pause(session, "crm", NOW)
    assert house.step() == 0
    with house.store.transaction() as session:
        pauses.resume(session, "crm")
    assert house.step() == 1


def test_a_commit_wakes_the_worker_at_once(house: House) -> None:
    bell, stop = Bell(), Flag()
    worker = house.another("holder-1", bell=bell)
    called = Flag()
    house.leads.fails = lambda _ids: called.set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.workers.crm.IDLE_SECONDS", 60.0)
        thread = Thread(target=worker.run, args=(stop,))
        thread.start()
        house.mirrored(("a", "MC-1", 1))
        bell.ring()
        assert called.wait(20)
        stop.set()
        bell.ring()
        thread.join(20)
    assert not thread.is_alive()


def test_a_busy_odoo_gets_smaller_batches(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: BusyError("odoo_busy")
    with pytest.raises(BusyError):
        house.step()
    assert house.tempo.size == 50


def test_a_stop_between_tries_leaves_the_row_as_it_was(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    house.leads.fails = lambda _ids: TransientError("odoo_timeout")
    house.stop = FakeFlag(rounds=1)
    house.step()
    assert len(house.leads.calls) == 1
    assert house.rows()["a"].attempts == 0
    assert house.nothing_is_claimed()


def test_the_loop_looks_at_an_idle_outbox_more_than_four_times_a_second(house: House) -> None:
    house.stop.rounds = 3
    house.worker.run(house.stop)  # type: ignore[arg-type]
    assert house.stop.waits == [IDLE_SECONDS] * 3
    assert IDLE_SECONDS < 0.25


def test_the_loop_waits_for_odoo_and_goes_on_where_it_was(house: House) -> None:
    house.mirrored(("a", "MC-1", 1))
    faults: list[Exception] = [DOWN]
    house.leads.fails = lambda _ids: faults.pop(0) if faults else None
    house.probes = [DOWN, DOWN, None]
    house.stop.rounds = 3
    house.worker.run(house.stop)  # type: ignore[arg-type]
    assert house.probed == 3
    assert house.rows()["a"].status == "success"


def test_a_mirror_without_tables_is_away_until_it_is_migrated(house: House) -> None:
    with house.store.transaction() as session:
        session.execute(text("DROP TABLE Outbox"))
        session.execute(text("UPDATE bridge_version SET version_num = 'old'"))
    house.stop.rounds = 3
    house.worker.run(house.stop)  # type: ignore[arg-type]
    assert house.leads.calls == []
    assert house.probed == 0  # the mirror is asked first, and it is not back


def test_a_real_flag_ends_the_loop(house: House) -> None:
    stop = Flag()
    stop.set()
    house.worker.run(stop)
    assert house.leads.calls == []
