"""Sender, writer and reader against a real queue service."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from azure.storage.queue import QueueClient

from bridge.errors import AwayError, UnusableEvent
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.queue.connect import webhook_client, worker_client
from bridge.queue.names import API_VERSION
from bridge.queue.reader import Message, QueueReader
from bridge.queue.sender import QueueSender
from bridge.queue.writer import DeadLetterSender, QueueWriter
from bridge.settings import Settings, load_settings

DEAD_PORT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
    "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)
RECEIVED = datetime(2025, 10, 20, 22, 41, tzinfo=UTC)


def envelope(**changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "id": str(uuid4()),
        "type": EventType.CONTACT,
        "received_at": RECEIVED,
        "occurred_at": None,
        "payload": {"manychat_id": "MC-1", "nombre_lead": "Begoña Ñandú 🌿"},
    }
    return Envelope(**{**fields, **changes})


@pytest.fixture
def settings(azurite: Any) -> Settings:
    return load_settings(
        _env_file=None, api_key="key", azure_storage_connection_string=azurite.connection_string
    )


@pytest.fixture
def queue_name() -> str:
    return f"test-{uuid4().hex[:20]}"


@pytest.fixture
def client(settings: Settings, queue_name: str) -> Iterator[QueueClient]:
    """The raw client of a queue that does not exist yet."""
    with worker_client(settings, queue_name) as client:
        yield client


@pytest.fixture
def reader(settings: Settings, queue_name: str) -> QueueReader:
    return QueueReader(settings, queue_name)


@pytest.fixture
def writer(settings: Settings, queue_name: str) -> QueueWriter:
    return QueueWriter(settings, queue_name)


async def test_the_sender_makes_a_missing_queue_and_the_text_survives(
    settings: Settings, queue_name: str, reader: QueueReader
) -> None:
    sender = QueueSender(settings)
    sent = envelope()
    try:
        await sender.send(queue_name, sent)
    finally:
        await sender.close()

    [message] = reader.receive()
    assert Envelope.loads(message.text) == sent
    assert message.dequeue_count == 1
    assert abs(datetime.now(UTC) - message.inserted_at) < timedelta(minutes=1)


async def test_the_sender_tells_how_long_the_next_message_has_waited(
    settings: Settings, queue_name: str, reader: QueueReader
) -> None:
    sender = QueueSender(settings)
    try:
        assert reader.waiting_seconds() == 0.0  # no queue yet
        assert await sender.waiting_seconds(queue_name) == 0.0  # no queue yet
        await sender.send(queue_name, envelope())
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=90), tick=True):
            await sender.send(queue_name, envelope())
            waited = await sender.waiting_seconds(queue_name)
            read_next = reader.waiting_seconds()
        assert 89 <= waited < 150
        assert 89 <= read_next < 150
    finally:
        await sender.close()


async def test_two_senders_may_find_the_queue_missing_at_once(
    settings: Settings, queue_name: str, reader: QueueReader
) -> None:
    senders = [QueueSender(settings) for _ in range(4)]
    await asyncio.gather(*(sender.send(queue_name, envelope()) for sender in senders))
    for sender in senders:
        await sender.close()

    assert len(reader.receive()) == 4


async def test_the_ping_answers_before_any_queue_exists(settings: Settings) -> None:
    sender = QueueSender(settings)
    await sender.ping()
    await sender.close()


async def test_a_dead_port_is_away_and_found_out_in_time(queue_name: str) -> None:
    sender = QueueSender(
        load_settings(_env_file=None, api_key="key", azure_storage_connection_string=DEAD_PORT)
    )
    before = datetime.now(UTC)
    with pytest.raises(AwayError) as caught:
        await sender.send(queue_name, envelope())
    await sender.close()

    assert caught.value.code == "queue_unreachable"
    assert datetime.now(UTC) - before < timedelta(seconds=2)


def test_a_message_is_base64_and_lives_for_ever(client: QueueClient, writer: QueueWriter) -> None:
    writer.send(envelope(id="abc"))

    [raw] = client.peek_messages()
    assert '"id":"abc"' in base64.b64decode(raw.content).decode()
    assert "Begoña Ñandú 🌿" in base64.b64decode(raw.content).decode()
    assert raw.expires_on.year == 9999


def test_a_batch_is_one_page_of_at_most_what_was_asked(
    reader: QueueReader, writer: QueueWriter
) -> None:
    for _ in range(5):
        writer.send(envelope())

    first = reader.receive(limit=3)
    rest = reader.receive(limit=32)

    assert (len(first), len(rest)) == (3, 2)
    assert reader.receive() == []
    assert reader.depth() == 5


def test_reading_a_missing_queue_makes_it_and_finds_nothing(
    reader: QueueReader, client: QueueClient
) -> None:
    assert reader.depth() == 0
    assert reader.receive() == []
    assert client.get_queue_properties().approximate_message_count == 0


def test_a_delay_writes_the_attempt_and_the_newest_receipt_deletes(
    reader: QueueReader, writer: QueueWriter
) -> None:
    sent = envelope()
    writer.send(sent)
    [message] = reader.receive()
    old_receipt = message.receipt

    assert reader.delay(message, 0, sent.with_attempt())
    assert message.receipt != old_receipt
    [again] = reader.receive()

    assert Envelope.loads(again.text) == sent.with_attempt()
    assert again.dequeue_count == 2
    assert reader.delete(again)
    assert reader.depth() == 0


def test_a_renewal_keeps_the_text_and_the_newest_receipt(
    reader: QueueReader, writer: QueueWriter
) -> None:
    sent = envelope()
    writer.send(sent)
    [message] = reader.receive()

    assert reader.renew(message, 30)
    assert reader.renew(message, 0)
    [again] = reader.receive()

    assert Envelope.loads(again.text) == sent


def test_a_lost_lease_is_told_and_harms_nobody(reader: QueueReader, writer: QueueWriter) -> None:
    writer.send(envelope())
    [mine] = reader.receive()
    stolen = type(mine)(**vars(mine))
    assert reader.renew(stolen, 0)
    [theirs] = reader.receive()

    assert not reader.delete(mine)
    assert not reader.renew(mine, 30)
    assert not reader.put_back(mine, 0)
    assert reader.delete(theirs)
    assert not reader.delete(theirs)
    assert reader.depth() == 0


def test_a_batch_is_deleted_at_once_and_what_somebody_else_has_is_left_alone(
    reader: QueueReader, writer: QueueWriter
) -> None:
    for _ in range(5):
        writer.send(envelope())
    first, *rest = reader.receive()
    reader.renew(first, 60)
    stale = Message(first.id, "bm90IGl0cyByZWNlaXB0", 1, first.text, first.inserted_at)

    assert reader.delete_all([stale, *rest]) == [None] * 5
    assert reader.depth() == 1
    assert reader.delete(first)


def test_a_delete_on_a_dead_port_tells_each_message(queue_name: str) -> None:
    dead = load_settings(_env_file=None, api_key="key", azure_storage_connection_string=DEAD_PORT)
    message = Message("1", "2", 1, "", RECEIVED)
    errors = QueueReader(dead, queue_name).delete_all([message, message])
    assert [error and error.code for error in errors] == ["queue_unreachable"] * 2


def test_a_process_that_deleted_ends_without_a_word(
    settings: Settings, queue_name: str, writer: QueueWriter
) -> None:
    writer.send(envelope())
    ending = (
        "import sys; from bridge.queue.reader import QueueReader; "
        "from bridge.settings import load_settings; "
        "reader = QueueReader(load_settings(_env_file=None), sys.argv[1]); "
        "print(reader.delete_all(reader.receive()))"
    )
    connection = settings.azure_storage_connection_string
    assert connection is not None
    ended = subprocess.run(  # noqa: S603  (our own interpreter and code)
        [sys.executable, "-X", "dev", "-c", ending, queue_name], capture_output=True, text=True,
        env={**os.environ, "API_KEY": "key",
             "AZURE_STORAGE_CONNECTION_STRING": connection.get_secret_value()},
        timeout=60, check=True,
    )  # fmt: skip
    assert (ended.stdout, ended.stderr) == ("[None]\n", "")


def test_a_put_back_message_starts_counting_anew(reader: QueueReader, writer: QueueWriter) -> None:
    sent = envelope()
    writer.send(sent)
    [message] = reader.receive()
    reader.delay(message, 0)
    [message] = reader.receive()
    assert message.dequeue_count == 2

    assert reader.put_back(message, 0)
    [fresh] = reader.receive()

    assert fresh.dequeue_count == 1
    assert Envelope.loads(fresh.text) == sent
    assert reader.depth() == 1


def test_plain_text_and_odd_bytes_do_not_stop_their_neighbours(
    reader: QueueReader, writer: QueueWriter, client: QueueClient
) -> None:
    sent = envelope()
    writer.send(sent)
    service = QueueClient(  # without an encode policy: as a person would post by hand
        client.url.partition("?")[0].rpartition("/")[0], client.queue_name,
        credential=client.credential, api_version=API_VERSION,
    )  # fmt: skip
    service.send_message(sent.dumps())
    service.send_message("no base64 at all!")
    service.send_message(base64.b64encode(b"\xff\xfe").decode())
    service.close()

    texts = [message.text for message in reader.receive()]

    assert texts.count(sent.dumps()) == 2
    assert "no base64 at all!" in texts
    assert len(texts) == 4


def test_a_dead_letter_that_does_not_fit_is_cut(settings: Settings) -> None:
    raw = worker_client(settings, "dead-letter-queue")
    sender = DeadLetterSender(settings)
    sender.send(envelope())
    raw.clear_messages()

    big = envelope(payload={"manychat_id": "MC-1", "x": "ñ" * 40_000})
    sender.send(big.with_reason("permanent: too_large", "contact"))

    [message] = QueueReader(settings, "dead-letter-queue").receive()
    kept = Envelope.loads(message.text)
    assert kept.reason == "permanent: too_large"
    assert isinstance(kept.payload, dict)
    assert kept.payload["length"] > 80_000
    raw.clear_messages()
    raw.close()


def test_an_envelope_that_is_too_large_is_refused_before_sending(
    writer: QueueWriter, reader: QueueReader
) -> None:
    with pytest.raises(UnusableEvent, match="too_large"):
        writer.send(envelope(payload={"x": "x" * 50_000}))
    assert reader.depth() == 0


async def test_both_clients_speak_the_version_that_azure_and_azurite_know(
    settings: Settings, queue_name: str
) -> None:
    webhook, worker = webhook_client(settings, queue_name), worker_client(settings, queue_name)
    assert webhook.api_version == worker.api_version == API_VERSION
    await webhook.close()
    worker.close()
