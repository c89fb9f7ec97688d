"""The feedback worker: one reader, a page and its cursor together, and no circle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from bridge import log
from bridge.errors import AwayError, PermanentError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import dead_letters, feedback, feeds, hints, lease, pauses, write_back_setup
from bridge.mirror.apply import apply_events
from bridge.mirror.store import Store
from bridge.mirror.write_back_setup import Setup
from bridge.odoo.feed import Change, FeedPage, Unreadable
from bridge.workers.bell import Bell
from bridge.workers.feedback import LEASE, LOOKS, PAGE, TRIES, FeedbackWorker
from tests.unit.workers.fakes import NOW, FakeFlag

CLOCK = "2025-11-{day:02d}T22:00:00.000000Z|2025-11-{day:02d}T22:00:00.000000Z|person:7|000000"


def change(number: int, name: str | None = None) -> Change:
    values = {"first_name": name or f"Name {number}"}
    return Change("MC-1", 5, "values", CLOCK.format(day=number), values, "Nuevo", {}, True)


class FakeFeed:
    """Changes 1, 2, … behind cursors `f:0`, `f:1`, …; `fails` raises at a read."""

    def __init__(self, *changes: Change | Unreadable) -> None:
        self.changes = list(changes)
        self.write_back: object = None
        self.reads: list[tuple[str | None, int]] = []
        self.fails: Callable[[], Exception | None] = lambda: None
        self.gap = False

    def read(self, cursor: str | None, limit: int) -> FeedPage:
        self.reads.append((cursor, limit))
        if error := self.fails():
            raise error
        start = int((cursor or "f:0")[2:])
        page = tuple(self.changes[start : start + limit])
        end = start + len(page)
        return FeedPage(
            tuple(one for one in page if isinstance(one, Change)),
            f"f:{end}",
            end < len(self.changes),
            self.gap,
            tuple(one for one in page if isinstance(one, Unreadable)),
            self.write_back,
        )


class House:
    def __init__(self, store: Store, feed: FakeFeed) -> None:
        self.store, self.feed, self.stop = store, feed, FakeFlag()
        self.told = Bell()
        self.worker = self.another("one")

    def another(self, holder: str) -> FeedbackWorker:
        return FeedbackWorker(
            self.store, self.feed, holder, told=self.told, clock=lambda _s: NOW, rng=lambda: 0.5
        )

    def name(self) -> str:
        with self.store.engine.connect() as connection:
            return str(connection.execute(text('SELECT first_name FROM "Contact"')).scalar())

    def letters(self) -> list[dead_letters.Letter]:
        with self.store.transaction() as session:
            return dead_letters.listing(session)

    def cursor(self) -> str | None:
        with self.store.transaction() as session:
            return feeds.position(session, feedback.FEED)

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.worker._round(self.stop)


@pytest.fixture
def house(mirror: Store) -> House:
    envelope = Envelope(id="e1", type=EventType.CONTACT, received_at=NOW - timedelta(days=90),
                        occurred_at=None, payload={"manychat_id": "MC-1"})  # fmt: skip
    with mirror.transaction() as session:
        apply_events(session, [(read_event(envelope, Rules()), envelope)], NOW)
    return House(mirror, FakeFeed())


def test_a_page_and_its_cursor_are_kept_together(house: House) -> None:
    house.feed.changes = [change(1), change(2)]
    assert house.worker.step() is False
    assert (house.name(), house.cursor()) == ("Name 2", "f:2")


def test_leads_are_read_again_after_the_answers_were_counted(house: House) -> None:
    house.feed.changes = [change(1)]
    house.worker.step()
    assert house.feed.reads == [(None, PAGE), (None, 1)]


def test_without_news_only_the_feed_is_asked_and_nothing_is_written(house: House) -> None:
    house.worker.step()
    house.feed.reads.clear()
    with house.store.engine.connect() as connection:
        before = connection.execute(text('SELECT read_at FROM "Feed"')).all()
    house.worker.step()
    assert house.feed.reads == [("f:0", PAGE)]
    with house.store.engine.connect() as connection:
        assert connection.execute(text('SELECT read_at FROM "Feed"')).all() == before


def test_more_than_a_page_is_read_at_once(house: House) -> None:
    house.feed.changes = [change(1 + n % 28, f"N{n}") for n in range(PAGE + 5)]
    assert house.worker.step() is True
    assert house.worker.step() is False
    assert house.cursor() == f"f:{PAGE + 5}"


def test_only_the_holder_of_the_lease_reads(house: House) -> None:
    house.worker.step()
    reads = len(house.feed.reads)
    assert house.another("two").step() is False
    assert len(house.feed.reads) == reads


def test_a_reader_that_was_overtaken_applies_nothing(house: House) -> None:
    house.feed.changes = [change(1)]
    house.worker.step()
    house.feed.changes.append(change(2))

    def overtake() -> None:
        with house.store.transaction() as session:
            feeds.advance(session, feedback.FEED, "f:1", "f:9", NOW)

    house.feed.fails = lambda: overtake() if len(house.feed.reads) == 4 else None
    with pytest.raises(TransientError, match="feed_moved"):
        house.worker.step()
    assert house.name() == "Name 1"


def test_a_paused_hop_reads_nothing(house: House) -> None:
    with house.store.transaction() as session:
        pauses.pause(session, "feedback", NOW)
    house.feed.changes = [change(1)]
    assert house.worker.step() is False
    assert house.feed.reads == []


def test_while_odoo_is_away_nothing_moves_and_it_is_asked_with_pauses(house: House) -> None:
    house.feed.changes = [change(1)]
    answers = [AwayError("odoo_unreachable")] * 4
    house.feed.fails = lambda: answers.pop() if answers else None
    house.rounds(1)
    assert house.cursor() is None
    assert house.stop.waits[:3] == [0.75, 1.5, 3.0]
    house.rounds(1)
    assert (house.name(), house.cursor()) == ("Name 1", "f:1")


def test_a_change_that_keeps_failing_alone_becomes_a_dead_letter(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.feed.changes = [change(1), change(2, "bad"), change(3)]
    real = feedback.apply_changes

    def refuse(session, changes, answers, region):  # type: ignore[no-untyped-def]
        if any(one.values["first_name"] == "bad" for one in changes):
            raise TransientError("mirror_refused")
        return real(session, changes, answers, region)

    monkeypatch.setattr(feedback, "apply_changes", refuse)
    house.rounds(3 * TRIES + 2)
    assert (house.name(), house.cursor()) == ("Name 3", "f:3")
    [letter] = house.letters()
    assert (letter.hop, letter.reason) == ("feedback", "transient: mirror_refused")
    with house.store.transaction() as session:
        assert '"first_name":"bad"' in dead_letters.payload_of(session, letter.id)
        with pytest.raises(PermanentError, match="conflict"):
            dead_letters.replay_of(session, letter.id)


def test_a_change_that_nobody_understands_holds_up_no_other(house: House) -> None:
    raw = {"manychat_id": "MC-1", "kind": "sold"}
    house.feed.changes = [change(1), Unreadable(raw, "unknown kind of change"), change(2)]
    house.rounds(1)
    assert (house.name(), house.cursor()) == ("Name 2", "f:3")
    [letter] = house.letters()
    assert letter.reason == "permanent: odoo_bad_answer (unknown kind of change)"
    house.feed.changes.append(Unreadable("x", "a change without contact or clock"))
    house.rounds(1)
    assert (house.cursor(), len(house.letters())) == ("f:4", 2)


def test_a_hint_wakes_it_at_once_and_without_one_it_waits_a_second(house: House) -> None:
    house.rounds(1)
    assert house.stop.waits == [0.2] * LOOKS
    house.stop.waits.clear()
    with house.store.transaction() as session:
        hints.ring(session, NOW)
    house.worker._wait_for_news(house.stop)
    assert house.stop.waits == [0.2]
    house.worker.step()
    house.worker._wait_for_news(house.stop)
    assert house.stop.waits == [0.2] * (1 + LOOKS)


def setup_of(house: House) -> Setup:
    with house.store.transaction() as session:
        return write_back_setup.current(session)


def test_how_writing_back_is_set_up_follows_odoo_without_any_change(house: House) -> None:
    house.feed.write_back = {"mode": "on", "fields": {"stage": "etapa"}}
    house.worker.step()
    assert setup_of(house) == Setup("on", {"stage": "etapa"})
    house.feed.write_back = {"mode": "off", "fields": {}}
    house.worker.step()
    assert setup_of(house).is_off


def test_a_page_without_a_setup_leaves_the_one_in_force(house: House) -> None:
    house.feed.write_back = {"mode": "on", "fields": {}}
    house.worker.step()
    house.feed.write_back = None
    house.feed.changes = [change(1)]
    house.worker.step()
    assert setup_of(house).really


def test_after_a_page_manychat_is_told_at_once(house: House) -> None:
    house.worker.step()
    assert not house.told.wait(0)
    house.feed.changes = [change(1)]
    house.worker.step()
    assert house.told.wait(0)


def test_an_odoo_that_fails_now_and_then_loses_no_change(house: House) -> None:
    house.feed.changes = [change(1)]
    answers = [TransientError("odoo_timeout"), None] * (4 * TRIES)
    house.feed.fails = lambda: answers.pop(0) if answers else None
    house.rounds(5 * TRIES)
    assert (house.name(), house.cursor()) == ("Name 1", "f:1")


def test_a_gap_is_told_and_reading_goes_on(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", "json")  # whatever a test before this one made of it
    house.feed.gap = True
    house.feed.changes = [change(1)]
    house.worker.step()
    assert "feed_gap" in capfd.readouterr().err
    assert house.cursor() == "f:1"


def test_when_it_stops_another_may_read_at_once(house: House) -> None:
    house.worker.step()
    house.stop.set()
    house.worker.run(house.stop)
    with house.store.transaction() as session:
        assert lease.acquire(session, LEASE, "two", NOW, 1)
