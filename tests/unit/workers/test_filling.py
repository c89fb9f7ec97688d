"""Filling the past: one slice of contacts and campaigns a step, and an Odoo that is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from bridge.errors import AwayError
from bridge.mirror import feeds, filling, pauses
from bridge.mirror.digests import id_digest
from bridge.mirror.engine import make_engine
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.mirror.tables import Campaign, Contact
from bridge.settings import load_settings
from bridge.workers import filling as filling_worker
from bridge.workers.bell import Bell
from bridge.workers.filling import Filler
from bridge.workers.parts import crm_parts

NOW = datetime(2025, 10, 20, 22, 0, tzinfo=UTC)


class FakeContacts:
    """An Odoo that may be away."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.kept: list[Any] = []

    def keep_campaigns(self, campaigns: Any) -> None:
        if self.failure:
            raise self.failure
        self.kept += campaigns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    made = Store(make_engine(load_settings(api_key="x", database_url=url, _env_file=None)))
    upgrade(made.engine)
    with made.transaction() as session:
        session.execute(insert(Campaign), [{"id": 1, "name": "Otoño"}, {"id": 2, "name": "Sol"}])
        session.execute(
            insert(Contact).values(
                manychat_id="MC-1", manychat_digest=id_digest("MC-1"),
                odoo_sync_status="success", odoo_answers=1,
            )
        )  # fmt: skip
    yield made
    made.close()


def filler(store: Store, contacts: FakeContacts, seconds: list[float] | None = None) -> Filler:
    times = seconds or [0.0]
    return Filler(
        store, contacts, interval=0.01, clock=lambda _session: NOW, monotonic=lambda: times[0]
    )


def position(store: Store, name: str) -> str | None:
    with store.reading() as session:
        return feeds.position(session, name)


def test_a_step_passes_campaigns_and_contacts_once(store: Store) -> None:
    odoo = FakeContacts()
    one = filler(store, odoo)
    assert one.step() == 3
    assert one.step() == 0
    assert odoo.kept == [{"id": 1, "name": "Otoño"}, {"id": 2, "name": "Sol"}]
    assert position(store, filling.CAMPAIGNS) == "2"


def test_campaigns_that_odoo_did_not_take_are_sent_again(store: Store) -> None:
    odoo = FakeContacts()
    odoo.failure = AwayError("odoo_unreachable")
    with pytest.raises(AwayError):
        filler(store, odoo).step()
    assert position(store, filling.CAMPAIGNS) is None
    odoo.failure = None
    filler(store, odoo).step()
    assert len(odoo.kept) == 2


def test_while_the_way_to_odoo_is_paused_nothing_is_filled(store: Store) -> None:
    with store.transaction() as session:
        pauses.pause(session, "crm", NOW)
    odoo = FakeContacts()
    assert filler(store, odoo).step() == 0
    assert odoo.kept == []


def test_after_an_hour_all_contacts_are_looked_at_again(store: Store) -> None:
    seconds = [0.0]
    one = filler(store, FakeContacts(), seconds)
    one.step()
    one.step()
    assert position(store, filling.PARTNERS) == "1"
    seconds[0] = filling_worker.AGAIN_SECONDS
    one.step()
    assert position(store, filling.PARTNERS) == "0"
    one.step()
    one.step()
    assert position(store, filling.PARTNERS) == "1"


def test_it_outlives_an_odoo_that_is_away(store: Store) -> None:
    stop, odoo = Flag(), FakeContacts()
    rounds = []

    def step() -> int:
        rounds.append(1)
        if len(rounds) == 2:
            stop.set()
        raise AwayError("odoo_unreachable")

    one = filler(store, odoo)
    one.step = step  # type: ignore[method-assign]
    with capture_logs() as logs:
        one.run(stop)
    assert [log["code"] for log in logs] == ["odoo_unreachable"] * 2


@pytest.mark.parametrize(("mode", "fills"), [("contacts", True), ("opportunities", False)])
def test_only_where_every_contact_has_a_partner_the_past_is_filled(
    store: Store, mode: str, fills: bool
) -> None:
    settings = load_settings(api_key="x", sync_mode=mode, _env_file=None)
    parts = crm_parts(settings, store, 1, Bell())
    assert ("filling" in parts) is fills
