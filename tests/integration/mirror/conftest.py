"""Real databases for the mirror: SQLite, PostgreSQL, and whatever `TEST_DATABASE_URL` names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror.apply import apply_events
from bridge.mirror.base import Base
from bridge.mirror.engine import make_engine
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings

NOW = datetime(2025, 10, 20, 22, 0, tzinfo=UTC)
BACKENDS = ["sqlite", "postgresql", *(["given"] if os.environ.get("TEST_DATABASE_URL") else [])]


def engine_of(url: str) -> Engine:
    return make_engine(load_settings(api_key="unused", database_url=url))


def database_url(backend: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of that kind."""
    if backend == "sqlite":
        return f"sqlite:///{folder / 'mirror.db'}"
    if backend == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return os.environ["TEST_DATABASE_URL"]


@pytest.fixture(scope="session", params=BACKENDS)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine whose database was built by the migrations."""
    made = engine_of(database_url(request.param, tmp_path_factory.mktemp("mirror"), request))
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    """An empty mirror."""
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    return Store(engine)


class Mirror:
    """Delivers bodies to a store, and looks at its tables without surrogate ids."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def envelope(
        self, type: EventType, body: dict[str, Any], id: str, *, revision: int = 0, at: int = 0
    ) -> Envelope:
        """An event that arrived `at` minutes after NOW."""
        received = NOW + timedelta(minutes=at)
        return Envelope(id=id, type=type, received_at=received, occurred_at=None,
                        payload=body, revision=revision)  # fmt: skip

    def deliver(self, *envelopes: Envelope, now: datetime = NOW) -> None:
        with self.store.transaction() as session:
            apply_events(session, [(_read(e), e) for e in envelopes], now)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.store.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]

    def outbox(self) -> list[dict[str, Any]]:
        rows = self.rows('SELECT * FROM "Outbox" ORDER BY id')
        return [row | {"body": json.loads(row["body"])} for row in rows]

    def picture(self) -> dict[str, Any]:
        """What the mirror knows, whatever order it came in."""
        return {name: self.rows(statement) for name, statement in PICTURE.items()}


def _read(envelope: Envelope) -> Event:
    return read_event(envelope, Rules())


@pytest.fixture
def mirror(store: Store) -> Mirror:
    return Mirror(store)


def ids(rows: Sequence[Any]) -> list[str]:
    return [row.event_id for row in rows]


PICTURE = {
    "contacts": """SELECT manychat_id, first_name, last_name, email, gender, phone,
        subscription_date, entry_date, initial_state, ch.name AS channel, odoo_sync_status
        FROM "Contact" c LEFT JOIN "Channel" ch ON ch.id = c.channel_id ORDER BY manychat_id""",
    "addresses": """SELECT street, district, city, state, country FROM "Address"
        ORDER BY contact_id""",
    "clocks": """SELECT c.manychat_id, "key", clock FROM "Contact_Clock" k
        JOIN "Contact" c ON c.id = k.contact_id ORDER BY c.manychat_id, "key" """,
    "states": """SELECT c.manychat_id, state, category, occurred_at, event_id, revision, clock
        FROM "Contact_State" s JOIN "Contact" c ON c.id = s.contact_id ORDER BY clock""",
    "facts": """SELECT event_id, f.revision, clock, p.name AS campaign, commercial_said,
        commercial_ref, medical_said, medical_ref, summary FROM "Contact_Assignment" f
        LEFT JOIN "Campaign" p ON p.id = f.campaign_id ORDER BY clock""",
    "campaigns": """SELECT c.manychat_id, p.name AS campaign, p.status, commercial_advisor_id,
        medical_advisor_id, commercial_advisor_ref, medical_advisor_ref, registration_date,
        commercial_assignment_date, medical_assignment_date, last_state, lead_state, summary,
        sync_status FROM "Campaign_Contact" cc JOIN "Contact" c ON c.id = cc.contact_id
        LEFT JOIN "Campaign" p ON p.id = cc.campaign_id ORDER BY c.manychat_id, p.name""",
    "ledger": """SELECT event_id, revision, type, clock, payload, said, scrubs
        FROM "Ledger" ORDER BY event_id""",
    "outbox": """SELECT event_id, revision, status, attempts FROM "Outbox" ORDER BY event_id""",
}
