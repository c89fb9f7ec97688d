"""Queue, workers and schedule on a real queue service, a real mirror, and a faked Odoo."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient
from sqlalchemy import text

from bridge.errors import AwayError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, accept
from bridge.mirror import dead_letters, inbox
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.queue.connect import worker_client
from bridge.queue.names import API_VERSION, DEAD_LETTER_QUEUE
from bridge.queue.reader import Message, QueueReader
from bridge.queue.writer import DeadLetterSender, QueueWriter
from bridge.settings import Settings, load_settings
from bridge.workers.loop import QueueWorker
from bridge.workers.schedule import Schedule

RECEIVED = datetime(2025, 10, 20, 22, 41, tzinfo=UTC)
ASSIGNMENT = {
    "manychat_id": "MC-7",
    "campaign_id": "Campaña Piel",
    "comercial_id": "rosa@example.com",
    "ultimo_estado": "Comienza Cotización",
    "tipo_asignacion": "comercial",
    "datetime_actual": "2025-10-20 17:30:00",
}
CONTACT = {
    "manychat_id": "MC-7",
    "nombre_lead": "Begoña",
    "whatsapp": "987654321",
    "canal_entrada": "wa",
    "datetime_actual": "2025-10-20 17:20:00",
}


class Road:
    """One queue of its own, the common dead-letter queue, one mirror file."""

    def __init__(self, settings: Settings, queue_name: str) -> None:
        self.settings = settings
        self.queue_name = queue_name
        self.store = Store.from_settings(settings)
        upgrade(self.store.engine)
        self.writer = QueueWriter(settings, queue_name)
        self.reader = QueueReader(settings, queue_name)
        self.dead_reader = QueueReader(settings, DEAD_LETTER_QUEUE)
        self.worker = QueueWorker(
            self.reader,
            DeadLetterSender(settings),
            self.store,
            Rules(),
            max_attempts=2,
            now=lambda: RECEIVED,
        )
        self.schedule = Schedule(
            self.store,
            {queue_name: self.writer},
            self.dead_reader,
            holder="test",
            interval=10,
        )

    def send(self, type: EventType, body: dict[str, Any]) -> Envelope:
        envelope = accept(type, body, None, RECEIVED, Rules())
        self.writer.send(envelope)
        return envelope

    def run_dry(self) -> None:
        while self.worker.step():
            pass

    def sql(self, statement: str) -> list[Any]:
        with self.store.transaction() as session:
            return list(session.execute(text(statement)))


@pytest.fixture
def road(azurite: Any, tmp_path: Path) -> Iterator[Road]:
    settings = load_settings(
        _env_file=None,
        api_key="key",
        azure_storage_connection_string=azurite.connection_string,
        database_url=f"sqlite:///{tmp_path / 'mirror.db'}",
    )
    road = Road(settings, f"test-{uuid4().hex[:20]}")
    while taken := road.dead_reader.receive():
        for message in taken:
            road.dead_reader.delete(message)
    yield road
    road.store.close()


def test_an_assignment_before_its_contact_ends_as_one_whole_contact(road: Road) -> None:
    road.send(EventType.ASSIGNMENT, ASSIGNMENT)
    road.run_dry()
    assert [tuple(row) for row in road.sql("SELECT manychat_id, first_name FROM Contact")] == [
        ("MC-7", None)
    ]
    road.send(EventType.CONTACT, CONTACT)
    road.run_dry()

    [contact] = road.sql("SELECT * FROM Contact")
    assert (contact.first_name, contact.phone) == ("Begoña", "+51987654321")
    assert contact.odoo_sync_status == "pending"
    assert len(road.sql("SELECT id FROM Outbox")) == 2
    assert road.reader.depth() == 0


def test_a_queued_update_makes_its_contact_and_campaign(road: Road) -> None:
    body = {"manychat_id": "MC-8", "campaign_id": "Campaña Piel", "last_state": "Nuevo"}
    road.send(EventType.UPDATE, body)
    road.send(EventType.LEAD, {"manychat_id": "MC-8", "first_name": "Begoña"})
    road.run_dry()
    [contact] = road.sql("SELECT * FROM Contact")
    [assigned] = road.sql("SELECT * FROM Campaign_Contact")
    assert (contact.first_name, assigned.last_state) == ("Begoña", "Nuevo")


def test_a_message_delivered_again_changes_nothing(road: Road) -> None:
    sent = road.send(EventType.CONTACT, CONTACT)
    road.run_dry()
    road.writer.send(sent)
    road.run_dry()
    assert len(road.sql("SELECT id FROM Ledger")) == 1
    assert len(road.sql("SELECT id FROM Outbox")) == 1
    assert road.reader.depth() == 0


def test_poison_text_ends_in_the_mirrors_dead_letters_and_its_neighbours_go_on(road: Road) -> None:
    road.send(EventType.CONTACT, CONTACT)
    raw = worker_client(road.settings, road.queue_name)
    by_hand = QueueClient(
        raw.url.partition("?")[0].rpartition("/")[0], road.queue_name,
        credential=raw.credential, api_version=API_VERSION,
    )  # fmt: skip
    by_hand.send_message(base64.b64encode(b"not an envelope").decode())
    by_hand.close()
    raw.close()
    road.run_dry()

    assert len(road.sql("SELECT id FROM Contact")) == 1
    assert road.reader.depth() == 0
    assert road.dead_reader.depth() == 1
    road.schedule.drain_dead_letters(Flag())
    with road.store.transaction() as session:
        [letter] = dead_letters.listing(session)
    assert letter.reason is not None
    assert "bad_envelope" in letter.reason
    assert letter.hop == road.queue_name
    assert road.dead_reader.depth() == 0


def test_while_the_mirror_is_away_the_messages_stay_and_no_attempt_is_burnt(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = road.send(EventType.CONTACT, CONTACT)

    def away() -> None:
        raise AwayError("mirror_away")

    with road.store.transaction() as session:
        session.execute(text("ALTER TABLE Ledger RENAME TO Ledger_gone"))
    with monkeypatch.context() as patch:
        patch.setattr(road.store, "ping", away)
        with pytest.raises(AwayError):
            road.worker.step()
    with road.store.transaction() as session:
        session.execute(text("ALTER TABLE Ledger_gone RENAME TO Ledger"))

    deadline = time.monotonic() + 20
    freed: list[Message] = []
    while not freed and time.monotonic() < deadline:  # it is seen again after two seconds
        freed = road.reader.receive()
        Flag().wait(0.1)
    [message] = freed
    assert Envelope.loads(message.text) == sent


def test_the_inbox_reaches_the_mirror_through_the_queue(road: Road) -> None:
    envelope = accept(EventType.CONTACT, CONTACT, None, RECEIVED, Rules())
    with road.store.transaction() as session:
        inbox.keep(session, road.queue_name, envelope, RECEIVED)
    road.schedule.feed_inbox(Flag())
    road.run_dry()
    assert [row.event_id for row in road.sql("SELECT event_id FROM Ledger")] == [envelope.id]
    assert road.sql("SELECT id FROM Inbox") == []


def test_a_replay_is_applied_although_the_ledger_knows_the_event_and_twice_is_once(
    road: Road,
) -> None:
    sent = road.send(EventType.CONTACT, CONTACT)
    road.run_dry()
    mended = replace(sent, payload=CONTACT | {"nombre_lead": "Begoña María"})
    with road.store.transaction() as session:
        dead_letters.record(session, [mended.with_reason("permanent: x", "api")], RECEIVED)
        [letter] = dead_letters.listing(session)
    for _ in range(2):
        with road.store.reading() as session:
            road.writer.send(dead_letters.replay_of(session, letter.id))
        road.run_dry()
    assert [row.first_name for row in road.sql("SELECT first_name FROM Contact")] == [
        "Begoña María"
    ]
    assert [row.revision for row in road.sql("SELECT revision FROM Ledger")] == [1]
    assert [row.revision for row in road.sql("SELECT revision FROM Outbox")] == [1]
