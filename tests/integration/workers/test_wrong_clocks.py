"""Workers on machines whose clocks are wrong: the database's clock is everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event as Flag
from typing import Any

import pytest
import time_machine
from sqlalchemy import text

from bridge.events.event import EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.mirror import claims
from bridge.mirror.apply import apply_events
from bridge.mirror.database_clock import database_now
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings
from bridge.workers.schedule import LEASE, Schedule
from tests.unit.workers.fakes import NOW, FakeReader, Journal

HOUR = timedelta(hours=1)


@pytest.fixture
def store(parts: Any) -> Iterator[Store]:
    url = parts.postgres.createdb("wrong-clocks")
    store = Store.from_settings(load_settings(_env_file=None, api_key="key", database_url=url))
    upgrade(store.engine)
    yield store
    store.close()


def schedule(store: Store, holder: str) -> Schedule:
    reader: Any = FakeReader(Journal())
    return Schedule(store, {}, reader, holder=holder, interval=10)


def leader(store: Store) -> str:
    with store.reading() as session:
        named = text('SELECT holder FROM "Lease" WHERE name = :name')
        return str(session.execute(named, {"name": LEASE}).scalar_one())


def now_by(store: Store, wrong_by: timedelta) -> Any:
    with store.reading() as session, time_machine.travel(database_now(session) + wrong_by):
        return database_now(session)


def test_the_databases_clock_is_told_whatever_the_machine_believes(store: Store) -> None:
    right = now_by(store, timedelta())
    assert abs(now_by(store, HOUR) - right) < HOUR / 2
    assert abs(now_by(store, -HOUR) - right) < HOUR / 2
    assert right.utcoffset() == timedelta()


def test_a_machine_that_is_an_hour_fast_takes_nobodys_lead(store: Store) -> None:
    schedule(store, "right").round(Flag())
    with store.reading() as session:
        wrong = database_now(session) + HOUR
    with time_machine.travel(wrong):
        schedule(store, "fast").round(Flag())
    assert leader(store) == "right"


def test_a_machine_that_is_an_hour_fast_does_not_lead_for_an_hour(store: Store) -> None:
    with store.reading() as session:
        wrong = database_now(session) + HOUR
    with time_machine.travel(wrong):
        schedule(store, "fast").round(Flag())
    with store.transaction() as session:
        until = session.execute(text('SELECT until FROM "Lease"')).scalar_one()
        assert until.timestamp() < (database_now(session).replace(tzinfo=None) + HOUR).timestamp()


def test_an_event_that_a_fast_machine_mirrored_is_due_at_once(store: Store) -> None:
    envelope = accept(EventType.CONTACT, {"manychat_id": "MC-1"}, None, NOW, Rules())
    pair = (read_event(envelope, Rules()), envelope)
    with store.transaction() as session:
        apply_events(session, [pair], database_now(session) + HOUR)
        assert claims.is_due(session, database_now(session))
