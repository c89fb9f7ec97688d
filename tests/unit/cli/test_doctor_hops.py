"""The doctor tells a hop that nobody reads from one that a person stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.doctor import hops
from bridge.doctor.check import checked
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.mirror import pauses
from bridge.mirror.apply import apply_events
from bridge.mirror.hops import Hop
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import Settings, load_settings

SINCE = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ID = "01981c00-0000-7000-8000-0000000000{:02}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    settings = load_settings(_env_file=None, api_key="key", database_url=url)
    store = Store.from_settings(settings)
    upgrade(store.engine)
    store.close()
    return settings


def mirrored(settings: Settings, minutes_ago: float) -> None:
    """An event that is due for Odoo since then."""
    then = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    id = ID.format(int(minutes_ago))
    event = Event(event_id=id, revision=0, type=EventType.CONTACT, manychat_id="1",
                  occurred_at=then, received_at=then, values={})  # fmt: skip
    sent = Envelope(id=id, type=event.type, received_at=then, occurred_at=None, payload={})
    with Store.from_settings(settings).transaction() as session:
        apply_events(session, [(event, sent)], then)


def pause(settings: Settings, hop: str) -> None:
    with Store.from_settings(settings).transaction() as session:
        pauses.pause(session, hop, SINCE)


def queues_read(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    class Reader:
        def __init__(self, _settings: Settings, _name: str) -> None: ...

        def waiting_seconds(self) -> float:
            return seconds

    monkeypatch.setattr(hops, "QueueReader", Reader)


@pytest.mark.parametrize(("seconds", "code"), [(0.0, ""), (60.0, ""), (301.0, "hop_not_read")])
def test_a_queue_whose_next_message_is_old_is_not_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds: float, code: str
) -> None:
    queues_read(monkeypatch, seconds)
    check = checked("hop contact", lambda: hops.queue_hop(settings, Hop.CONTACT))
    assert (check.ok, check.code) == (not code, code)
    if code:
        assert check.line.startswith("BAD  hop contact")
        assert "301 s" in check.says
        assert "restart" in check.advice


@pytest.mark.parametrize(("minutes", "code"), [(0, ""), (5, "hop_not_read")])
def test_events_that_are_due_for_long_have_no_crm_worker(
    settings: Settings, minutes: int, code: str
) -> None:
    mirrored(settings, minutes)
    assert checked("hop crm", lambda: hops.crm_hop(settings)).code == code


@pytest.mark.parametrize("hop", list(Hop))
def test_a_hop_that_a_person_stopped_is_told_and_not_bad(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, hop: Hop
) -> None:
    queues_read(monkeypatch, 900.0 if hop in {Hop.CONTACT, Hop.CAMPAIGN} else 0.0)
    mirrored(settings, 5 if hop is Hop.CRM else 0)
    pause(settings, hop)
    found = [
        checked("hop contact", lambda: hops.queue_hop(settings, Hop.CONTACT)),
        checked("hop campaign", lambda: hops.queue_hop(settings, Hop.CAMPAIGN)),
        checked("hop crm", lambda: hops.crm_hop(settings)),
        checked("other hops", lambda: hops.other_hops(settings)),
    ]
    [told] = [check for check in found if check.code == "hop_paused"]
    assert told.ok
    assert told.line.startswith("NB   ")
    assert f"{hop} since 2026-03-02 15:00 UTC" in told.says
    assert "resume" in told.advice
