"""What ManyChat is told: the newest value, within its limits, whatever it answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import AwayError, BridgeError, TransientError
from bridge.manychat.client import ManyChatClient
from bridge.mirror import lease, pace, pauses, telling, write_back, write_back_setup
from bridge.mirror.contacts import lock_contacts
from bridge.mirror.store import Store
from bridge.mirror.write_back import FIELD, FLOW, ON, TAG, Wish
from bridge.mirror.write_back_setup import Setup
from bridge.workers.write_back import FLOW_UNKNOWN, HOP, LEASE, PAGE, WriteBackWorker
from devstack.manychat_server import ManyChatServer, Page
from tests.unit.workers.fakes import NOW, FakeFlag


class House:
    """A mirror, a worker with a clock that is turned by hand, and ManyChat."""

    def __init__(self, store: Store, server: ManyChatServer) -> None:
        self.store, self.page, self.url, self.now = store, server.page, server.url, NOW
        self.worker = self.another("one")
        self.set_up("on")

    def another(self, holder: str, timeout: float = 0.3) -> WriteBackWorker:
        client = ManyChatClient(self.url, self.page.token, (1, timeout))
        return WriteBackWorker(
            self.store, client, holder, max_attempts=3, clock=lambda _s: self.now, rng=lambda: 0.5
        )

    def set_up(self, mode: str) -> None:
        with self.store.transaction() as session:
            write_back_setup.keep(session, Setup(mode, {"stage": "etapa"}))

    def wish(self, kind: str, name: str, value: str, who: str = "77", **more: Any) -> int:
        with self.store.transaction() as session:
            id = lock_contacts(session, [who])[who]
            really = write_back_setup.current(session).really
            return write_back.wish(
                session, [Wish(id, kind, name, value, **more)], self.now, really=really
            )

    def work(self) -> None:
        steps = 0
        while self.worker.step():
            steps += 1
            assert steps < 50, self.rows()  # it goes round and round

    def after(self, **span: float) -> None:
        self.now += timedelta(**span)
        self.work()

    def rows(self) -> list[tuple[Any, ...]]:
        with self.store.engine.connect() as connection:
            found = connection.execute(
                text('SELECT name, status, parked, reason FROM "Write_Back" ORDER BY id')
            )
            return [tuple(row) for row in found]

    def fields(self, who: str = "77") -> dict[str, str]:
        return self.page.contact(who).fields


@pytest.fixture
def house(mirror: Store) -> Iterator[House]:
    unlimited = Page(limits={"set": 1000, "flow": 1000})
    with ManyChatServer(unlimited) as server:
        yield House(mirror, server)


def test_only_the_newest_value_of_a_field_is_sent(house: House) -> None:
    for value in ("Nuevo", "Cotización", "Ganado"):
        house.wish(FIELD, "etapa", value)
    house.work()
    assert house.fields() == {"etapa": "Ganado"}
    assert len(house.page.paths()) == 1


def test_fields_of_a_contact_are_one_call_and_come_before_tag_and_flow(house: House) -> None:
    house.wish(FLOW, "welcome", "clock-1")
    house.wish(TAG, "hot", ON)
    house.wish(FIELD, "etapa", "Nuevo")
    house.wish(FIELD, "lead", "7")
    house.work()
    assert [path.rpartition("/")[2] for path in house.page.paths()] == [
        "setCustomFields", "addTagByName", "sendFlow",
    ]  # fmt: skip


def test_a_value_that_manychat_has_is_not_sent_again_unless_a_person_wants_it(
    house: House,
) -> None:
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    assert house.wish(FIELD, "etapa", "Nuevo") == 0
    assert house.wish(FIELD, "etapa", "Nuevo", always=True) == 1
    house.work()
    assert len(house.page.paths()) == 2


def test_an_empty_value_is_sent_only_where_there_was_one(house: House) -> None:
    assert house.wish(FIELD, "etapa", "") == 0
    house.wish(FIELD, "etapa", "Nuevo")
    house.wish(FIELD, "etapa", "")
    house.work()
    assert house.fields() == {"etapa": ""}


def test_a_tag_that_is_put_on_and_off_ends_as_the_last_wish(house: House) -> None:
    for value in (ON, write_back.OFF, ON, write_back.OFF):
        house.wish(TAG, "hot", value, always=True)
    house.work()
    assert house.page.paths() == ["/fb/subscriber/removeTagByName"]


def test_a_move_starts_its_flow_once_however_often_it_is_told(house: House) -> None:
    for clock in ("clock-1", "clock-1", "clock-2"):
        house.wish(FLOW, "welcome", clock, always=True)
        house.work()
    assert house.page.contact("77").flows == ["welcome", "welcome"]


def test_a_dry_run_records_and_sends_nothing_and_is_not_made_up_for(house: House) -> None:
    house.set_up("record")
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    assert (house.page.calls, house.rows()) == ([], [("etapa", "recorded", 0, None)])
    house.set_up("on")
    house.work()
    assert house.page.calls == []
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    assert house.fields() == {"etapa": "Nuevo"}


@pytest.mark.parametrize("mode", ["off", "record"])
def test_what_waits_when_it_is_switched_off_is_never_sent(house: House, mode: str) -> None:
    house.wish(FIELD, "etapa", "Nuevo")
    house.set_up(mode)
    house.work()
    house.set_up("on")
    house.after(days=1)
    assert house.page.calls == []


def test_a_paused_hop_sends_nothing_until_it_is_resumed(house: House) -> None:
    house.wish(FIELD, "etapa", "Nuevo")
    with house.store.transaction() as session:
        pauses.pause(session, HOP, NOW)
    house.work()
    assert house.page.calls == []
    with house.store.transaction() as session:
        pauses.resume(session, HOP)
    house.work()
    assert house.fields() == {"etapa": "Nuevo"}


def test_only_the_holder_of_the_lease_sends(house: House) -> None:
    with house.store.transaction() as session:
        lease.acquire(session, LEASE, "two", NOW, 60)
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    assert house.page.calls == []
    house.after(seconds=61)
    assert house.fields() == {"etapa": "Nuevo"}


def test_one_field_that_does_not_exist_keeps_no_other_back_and_is_parked(house: House) -> None:
    house.page.strangers = {"gone"}
    for name in ("etapa", "gone", "lead"):
        house.wish(FIELD, name, "x")
    house.work()
    assert house.fields() == {"etapa": "x", "lead": "x"}
    reason = "permanent: manychat_refused (400: no such field or value)"
    assert house.rows()[1] == ("gone", "error", 1, reason)
    house.after(days=1)
    assert len(house.page.paths()) == 4


def test_a_parked_value_is_sent_when_it_changes_or_a_person_asks(house: House) -> None:
    house.page.strangers = {"etapa"}
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    house.page.strangers = set()
    with house.store.transaction() as session:
        assert write_back.retry_parked(session, house.now) == 1
    house.work()
    assert house.fields() == {"etapa": "Nuevo"}


@pytest.mark.parametrize(("mood", "told", "held"), [("busy", None, 60), ("busy", 7, 7),
                                                    ("blocked", None, 86_400)])  # fmt: skip
def test_a_page_that_is_told_to_wait_asks_nothing_meanwhile(
    house: House, mood: str, told: int | None, held: int
) -> None:
    house.page.mood, house.page.retry_after = mood, told
    house.wish(FIELD, "etapa", "Nuevo")
    house.wish(FIELD, "etapa", "Nuevo", who="78")
    house.work()
    house.page.mood = "ok"
    house.after(seconds=held - 1)
    assert len(house.page.calls) == 1
    house.after(seconds=1)
    assert (house.fields(), house.fields("78")) == ({"etapa": "Nuevo"}, {"etapa": "Nuevo"})


def test_the_hold_counts_for_a_worker_that_starts_later(house: House) -> None:
    house.page.mood = "blocked"
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    with house.store.transaction() as session:
        lease.release(session, LEASE, "one")
    house.worker = house.another("two")
    house.work()
    assert len(house.page.calls) == 1


def test_without_a_word_of_how_long_it_waits_longer_each_time(house: House) -> None:
    house.page.mood = "busy"
    house.wish(FIELD, "etapa", "Nuevo")
    holds = []
    for _ in range(3):
        house.work()
        with house.store.transaction() as session:
            until = pace.held_until(session, PAGE)
        assert until
        holds.append((until - house.now).total_seconds())
        house.now = until
    assert holds == [60, 240, 960]


@pytest.mark.parametrize("mood", ["broken", "dead", "slow"])
def test_while_manychat_is_away_no_try_is_counted(house: House, mood: str) -> None:
    house.page.mood, house.page.seconds = mood, 0.5
    house.wish(FIELD, "etapa", "Nuevo")
    for _ in range(5):
        with pytest.raises(AwayError):
            house.worker.step()
    house.page.mood = "ok"
    house.work()
    assert house.fields() == {"etapa": "Nuevo"}


def test_away_ends_when_a_probe_is_answered(house: House) -> None:
    house.page.mood = "broken"
    house.wish(FIELD, "etapa", "Nuevo")
    stop = FakeFlag(rounds=3)
    house.worker._round(stop)  # type: ignore[arg-type]
    assert len(stop.waits) == 3
    house.page.mood = "ok"
    house.work()
    assert house.fields() == {"etapa": "Nuevo"}


class Moody(ManyChatClient):
    """Fails at setting and answers every probe: the call is at fault, not ManyChat."""

    error: BridgeError | None = None

    def set_fields(self, *args: Any) -> None:
        if self.error:
            raise self.error
        super().set_fields(*args)


def test_a_call_that_keeps_failing_is_delayed_and_parked_at_the_cap(house: House) -> None:
    client = Moody(house.url, house.page.token)
    client.error = TransientError("manychat_http_500")
    house.worker = WriteBackWorker(
        house.store, client, "one", max_attempts=3, clock=lambda _s: house.now, rng=lambda: 0.5
    )
    house.wish(FIELD, "etapa", "Nuevo")
    house.work()
    assert house.rows() == [("etapa", "pending", 0, "transient: manychat_http_500")]
    house.after(seconds=2)
    assert house.rows()[0][1] == "pending"
    house.after(hours=1)
    house.after(hours=1)
    assert house.rows() == [("etapa", "error", 1, "transient: manychat_http_500")]


class OnceMore(ManyChatClient):
    """Fails once at the next field and at the next tag, and is there again at once."""

    failing = 2

    def set_fields(self, *args: Any) -> None:
        self._fail()
        super().set_fields(*args)

    def add_tag(self, *args: Any) -> None:
        self._fail()
        super().add_tag(*args)

    def _fail(self) -> None:
        if self.failing:
            self.failing -= 1
            raise TransientError("manychat_http_500")


def test_a_flow_waits_for_the_fields_and_tags_that_it_reads(house: House) -> None:
    house.worker = WriteBackWorker(
        house.store, OnceMore(house.url, house.page.token), "one",
        clock=lambda _s: house.now, rng=lambda: 0.5,
    )  # fmt: skip
    house.wish(FIELD, "etapa", "Nuevo")
    house.wish(TAG, "hot", ON)
    house.wish(FLOW, "welcome", "clock-1")
    house.wish(FLOW, "welcome", "clock-1", who="78")
    house.work()
    assert house.page.contact("78").flows == ["welcome"], "nobody else waits"
    assert (house.fields(), house.page.contact("77").flows) == ({}, [])
    house.after(hours=1)
    assert [path.rpartition("/")[2] for path in house.page.paths()] == [
        "sendFlow", "setCustomFieldByName", "addTagByName", "sendFlow",
    ]  # fmt: skip
    assert house.page.contact("77").flows == ["welcome"]


def test_a_flow_does_not_wait_for_a_field_that_is_given_up(house: House) -> None:
    house.page.strangers.add("etapa")
    house.wish(FIELD, "etapa", "Nuevo")
    house.wish(FLOW, "welcome", "clock-1")
    house.work()
    assert house.page.contact("77").flows == ["welcome"]


def test_a_value_that_changes_while_it_is_sent_is_sent_again(house: House) -> None:
    house.wish(FIELD, "etapa", "Nuevo")
    [row] = due(house)
    house.wish(FIELD, "etapa", "Ganado")
    with house.store.transaction() as session:
        write_back.sent(session, [row], house.now)
    house.work()
    assert house.fields() == {"etapa": "Ganado"}


def due(house: House) -> list[write_back.Due]:
    with house.store.transaction() as session:
        return write_back.due(session, house.now)


def test_a_flow_whose_starter_died_is_left_to_a_person(house: House) -> None:
    house.wish(FLOW, "welcome", "clock-1")
    [row] = due(house)
    with house.store.transaction() as session:
        assert write_back.starting(session, row, house.now + timedelta(minutes=5))
        assert not write_back.starting(session, row, house.now + timedelta(minutes=5))
    house.after(minutes=4)
    assert house.rows()[0][1] == "started"
    house.after(minutes=1)
    assert house.rows() == [("welcome", "error", 1, FLOW_UNKNOWN)]
    assert house.page.contact("77").flows == []


class Killed(ManyChatClient):
    """Dies after ManyChat has started the flow and before it says so."""

    def start_flow(self, *args: Any) -> None:
        super().start_flow(*args)
        raise SystemExit


def test_a_worker_that_dies_over_a_flow_does_not_have_it_started_twice(house: House) -> None:
    house.worker = WriteBackWorker(
        house.store, Killed(house.url, house.page.token), "one", clock=lambda _s: house.now
    )
    house.wish(FLOW, "welcome", "clock-1")
    with pytest.raises(SystemExit):
        house.worker.step()
    house.worker = house.another("two")
    house.after(days=1)
    assert house.page.contact("77").flows == ["welcome"]
    assert house.rows() == [("welcome", "error", 1, FLOW_UNKNOWN)]


@pytest.mark.parametrize("mood", ["slow", "dead", "broken", "exception"])
def test_a_flow_that_may_have_started_is_not_started_again(house: House, mood: str) -> None:
    house.page.mood, house.page.seconds = mood, 0.5
    house.wish(FLOW, "welcome", "clock-1")
    house.work()
    house.page.mood = "ok"
    house.after(days=1)
    [(_, status, parked, reason)] = house.rows()
    assert (status, parked) == ("error", 1)
    assert reason.startswith(FLOW_UNKNOWN)
    assert len(house.page.paths()) == 1


def test_a_flow_that_surely_did_not_start_is_started_later(house: House) -> None:
    house.page.mood, house.page.retry_after = "busy", 7
    house.wish(FLOW, "welcome", "clock-1")
    house.work()
    house.page.mood = "ok"
    house.after(seconds=7)
    assert house.page.contact("77").flows == ["welcome"]
    nowhere = ManyChatClient("http://127.0.0.1:9", "x")
    house.worker = WriteBackWorker(house.store, nowhere, "one", clock=lambda _s: house.now)
    house.wish(FLOW, "welcome", "clock-2")
    with pytest.raises(AwayError):
        house.worker.step()
    house.worker = house.another("one")
    house.work()
    assert house.page.contact("77").flows == ["welcome", "welcome"]


def test_a_refused_flow_is_parked(house: House) -> None:
    house.page.strangers = {"welcome"}
    house.wish(FLOW, "welcome", "clock-1")
    house.work()
    assert house.rows()[0][1:3] == ("error", 1)


def test_an_entry_says_what_to_set_tag_untag_and_start() -> None:
    entry = {"fields": {"x": "1", "": "2"}, "add": ["hot"], "remove": ["cold"], "flows": ["f"]}
    wishes = telling.entered(5, "clock-1", entry)
    assert [(one.kind, one.name, one.value, one.always) for one in wishes] == [
        ("field", "x", "1", True), ("tag", "cold", "", True), ("tag", "hot", "1", True),
        ("flow", "f", "clock-1", True),
    ]  # fmt: skip


def test_settings_that_are_not_understood_are_off() -> None:
    for raw in (None, "on", {}, {"mode": "loud"}, {"mode": "on", "fields": ["x"]}):
        assert write_back_setup.read_setup(raw).fields == {}
    assert write_back_setup.read_setup({"mode": "loud"}).is_off
    read = write_back_setup.read_setup({"mode": "on", "fields": {"stage": " etapa ", "x": "y"}})
    assert (read.really, read.fields) == (True, {"stage": "etapa"})
