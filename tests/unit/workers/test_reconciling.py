"""The comparison beside the road: page by page, by one process, told once, never in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bridge import log
from bridge.errors import AwayError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import feeds, filling, lease, outbox, reconciliations
from bridge.mirror.apply import apply_events
from bridge.mirror.claims import claim
from bridge.mirror.standing import standing_of
from bridge.mirror.store import Store
from bridge.odoo.standing import Lead, Standing, State
from bridge.reconcile.walking import ODOO
from bridge.workers.reconciling import LEASE, Reconciler
from tests.unit.workers.fakes import NOW, FakeFlag

DAY = timedelta(hours=24)


class EmptyOdoo:
    """No lead but those put there; `away` makes every question and every word fail."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, Any]] = []
        self.asked = 0
        self.away = False
        self.leads: dict[str, Lead] = {}

    def standing(self, manychat_ids: Sequence[str], _cursor: str | None) -> Standing:
        self._answer()
        self.asked += len(manychat_ids)
        return Standing(self.leads)

    def lead_ids(self, _after: int, _limit: int, _since: datetime | None) -> list[tuple[int, str]]:
        self._answer()
        return []

    def states(self, _manychat_ids: Sequence[str]) -> list[State]:
        return []

    def let_go(self, _lead_ids: Sequence[int]) -> int:
        return 0

    def tell(self, report: Mapping[str, Any]) -> None:
        self._answer()
        self.told.append(report)

    def _answer(self) -> None:
        if self.away:
            raise AwayError("odoo_unreachable")


class Bench:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.odoo = EmptyOdoo()
        self.now = NOW

    def worker(self, holder: str = "one", every_contact: bool = False) -> Reconciler:
        return Reconciler(
            self.store, self.odoo, holder, every=DAY, interval=1, every_contact=every_contact,
            clock=lambda _session: self.now,
        )  # fmt: skip

    def last(self) -> reconciliations.Result | None:
        with self.store.reading() as session:
            return reconciliations.last(session)


@pytest.fixture
def bench(mirror: Store) -> Bench:
    """A mirror whose one contact Odoo lost."""
    envelope = Envelope(id="e1", type=EventType.CONTACT, received_at=NOW, occurred_at=None,
                        payload={"manychat_id": "MC-1", "nombre_lead": "Eva"})  # fmt: skip
    with mirror.transaction() as session:
        apply_events(session, [(read_event(envelope, Rules()), envelope)], NOW)
        rows = claim(session, "other", 1, NOW, 60)
        answer = {"event_id": "e1", "status": "created", "unmapped": False, "retryable": False,
                  "lead_id": 7, "stage": "Nuevo", "dates": {}, "message": None}  # fmt: skip
        outbox.record_results(session, rows, [answer], NOW)
    return Bench(mirror)


def steps(worker: Reconciler, count: int) -> None:
    for _ in range(count):
        worker.step()


def test_it_goes_page_by_page_and_tells_what_it_found(bench: Bench) -> None:
    worker = bench.worker()
    worker.step()
    assert (bench.odoo.asked, bench.last()) == (1, None)
    steps(worker, 3)
    result = bench.last()
    assert result is not None
    assert (result.checked, result.counts) == (1, {"missing_in_odoo": 1})
    assert [report["missing_in_odoo"] for report in bench.odoo.told] == [1]


@pytest.mark.parametrize(("every_contact", "found"), [(False, {}), (True, {"missing_in_odoo": 1})])
def test_a_partner_is_missed_where_every_contact_is_to_have_one(
    bench: Bench, every_contact: bool, found: dict[str, int]
) -> None:
    with bench.store.transaction() as session:
        [here] = standing_of(session, ["MC-1"]).values()
        feeds.advance(session, filling.PARTNERS, None, str(here.id), NOW)  # it was asked for
    bench.odoo.leads["MC-1"] = Lead("MC-1", 7, here.stage, values=here.values, state=here.state)
    steps(bench.worker(every_contact=every_contact), 4)
    result = bench.last()
    assert result is not None
    assert result.counts == found


def test_it_rests_until_the_next_one_is_due(bench: Bench) -> None:
    worker = bench.worker()
    steps(worker, 6)
    assert bench.odoo.asked == 1
    bench.now = NOW + DAY
    steps(worker, 1)
    assert bench.odoo.asked == 2


def test_another_process_goes_on_where_the_first_one_ended(bench: Bench) -> None:
    steps(bench.worker("one"), 2)
    with bench.store.transaction() as session:
        lease.release(session, LEASE, "one")
        under_way = reconciliations.under_way(session)
    assert under_way is not None
    assert under_way.side == ODOO
    steps(bench.worker("two"), 1)
    assert bench.odoo.asked == 1
    assert bench.last() is not None


def test_only_one_process_does_it(bench: Bench) -> None:
    steps(bench.worker("one"), 1)
    steps(bench.worker("two"), 4)
    assert (bench.odoo.asked, bench.last()) == (1, None)


def test_an_odoo_that_is_away_neither_ends_it_nor_loses_a_page(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("WARNING", "json")
    bench.odoo.away = True
    bench.worker().run(FakeFlag(rounds=2))
    assert "reconcile_waits" in capsys.readouterr().err
    bench.odoo.away = False
    steps(bench.worker(), 4)
    assert bench.odoo.asked == 1
    assert len(bench.odoo.told) == 1


def test_what_odoo_has_not_heard_is_told_later(bench: Bench) -> None:
    worker = bench.worker()
    steps(worker, 3)
    bench.odoo.away = True
    with pytest.raises(AwayError):
        worker.step()
    assert bench.odoo.told == []
    bench.odoo.away = False
    steps(worker, 2)
    assert len(bench.odoo.told) == 1
