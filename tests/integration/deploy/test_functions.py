"""The Function App through its programming model, on a real queue service and a real mirror."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from azure.functions import FunctionApp
from sqlalchemy import text

from bridge.errors import AwayError, TransientError
from bridge.events.event import EventType
from bridge.events.reading import Rules, accept
from bridge.mirror import pauses
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.queue.connect import worker_client
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE, QUEUES
from bridge.queue.reader import QueueReader
from bridge.queue.writer import DeadLetterSender, create, send_text
from bridge.settings import Settings, load_settings
from bridge.workers import hosted
from bridge.workers.handle import HOPELESS_FROM
from bridge.workers.loop import QueueWorker
from devstack.azurite import Azurite
from tests.integration.deploy.functions_host import Host, function_app
from tests.unit.about_the_code.sources import ROOT, read

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=4000)


@pytest.fixture
def settings(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    monkeypatch.setenv("API_KEY", "key")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'functions.db'}")
    monkeypatch.setenv("MAX_ATTEMPTS", "1")
    made = load_settings(_env_file=None)
    for name in (*QUEUES.values(), DEAD_LETTER_QUEUE, *(q + "-poison" for q in QUEUES.values())):
        client = worker_client(made, name)
        create(client)
        client.clear_messages()
    hosted.from_environment.cache_clear()
    yield made
    hosted.from_environment().close()
    hosted.from_environment.cache_clear()


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = Store.from_settings(settings)
    upgrade(store.engine)
    yield store
    store.close()


@pytest.fixture
def app() -> FunctionApp:
    return function_app()


def bodies() -> Iterator[tuple[EventType, dict[str, Any]]]:
    for number in range(12):
        who = f"MC-F{number % 5}"
        minute = (NOW - timedelta(minutes=60 - number)).strftime("%Y-%m-%d %H:%M:%S")
        yield EventType.CONTACT, {
            "manychat_id": who, "nombre_lead": f"Persona {number}", "canal_entrada": "wa",
            "whatsapp": f"98765432{number % 10}", "datetime_actual": minute,
            "ultimo_estado": "Comienza Cotización",
        }  # fmt: skip
        yield EventType.ASSIGNMENT, {
            "manychat_id": who, "campaign_id": "Campaña Piel", "comercial_id": "rosa@example.com",
            "tipo_asignacion": "comercial", "ultimo_estado": "Nuevo", "datetime_actual": minute,
        }  # fmt: skip
        yield EventType.STAGE, {"manychat_id": who, "stage_manychat": "Venta exitosa"}


def messages() -> list[tuple[str, str]]:
    """Queue and text: good ones, known ones again, too old, unreadable, of a shape never seen."""
    made = []
    for type, body in bodies():
        queue = CONTACT_QUEUE if type is EventType.CONTACT else CAMPAIGN_QUEUE
        made.append((queue, accept(type, body, None, NOW, Rules()).dumps()))
    old = accept(EventType.CONTACT, {"manychat_id": "MC-old"}, None, LONG_AGO, Rules())
    return [
        *made, *made[:5], (CONTACT_QUEUE, old.dumps()), (CONTACT_QUEUE, "no envelope at all"),
        (CAMPAIGN_QUEUE, json.dumps({"v": 1, "id": "odd"})), (CAMPAIGN_QUEUE, '{"v": 1, "id":'),
    ]  # fmt: skip


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """What the mirror holds, without numbers and clocks that depend on when it was written."""
    wanted = {
        "Contact": "manychat_id, first_name, last_name, phone, initial_state, odoo_sync_status",
        "Contact_State": "state, category, event_id",
        "Campaign": "name, status",
        "Campaign_Contact": "last_state, summary, sync_status, commercial_assignment_date",
        "Ledger": "event_id, revision",
        "Outbox": "event_id, revision, status",
    }
    found = {}
    with store.reading() as session:
        for table, columns in wanted.items():
            lines = session.execute(text(f'SELECT {columns} FROM "{table}"'))  # noqa: S608
            found[table] = sorted(tuple(map(str, line)) for line in lines)
    return found


def dead_letters(settings: Settings) -> list[tuple[str, str, str]]:
    letters = []
    reader = QueueReader(settings, DEAD_LETTER_QUEUE)
    while batch := reader.receive():
        for message in batch:
            letter = json.loads(message.text)
            letters.append((letter["type"], letter["reason"], letter["origin"]))
            reader.delete(message)
    return sorted(letters)


def send(settings: Settings, sent: list[tuple[str, str]]) -> None:
    for queue, content in sent:
        send_text(worker_client(settings, queue), content)


def through_workers(settings: Settings, store: Store) -> None:
    for queue in QUEUES.values():
        worker = QueueWorker(
            QueueReader(settings, queue), DeadLetterSender(settings), store,
            Rules.from_settings(settings), max_attempts=settings.max_attempts,
            horizon=timedelta(days=settings.retention_days),
        )  # fmt: skip
        while worker.step(Flag()):
            pass


def test_functions_and_workers_make_the_same_of_the_same_messages(
    settings: Settings, store: Store, app: FunctionApp, tmp_path: Path
) -> None:
    sent = messages()
    send(settings, sent)
    host = Host(settings, app)
    for queue in QUEUES.values():
        assert host.drain(queue) >= 15
    by_functions, letters = rows(store), dead_letters(settings)
    assert host.failures == []
    assert {queue: QueueReader(settings, queue).depth() for queue in QUEUES.values()} == {
        CONTACT_QUEUE: 0,
        CAMPAIGN_QUEUE: 0,
    }

    theirs = Store.from_settings(
        settings.model_copy(
            update={"database_url": type(settings.database_url)(f"sqlite:///{tmp_path / 'w.db'}")}
        )
    )
    upgrade(theirs.engine)
    send(settings, sent)
    through_workers(settings, theirs)
    assert by_functions == rows(theirs)
    assert letters == dead_letters(settings)
    theirs.close()

    assert len(by_functions["Ledger"]) == 36
    assert len(by_functions["Contact"]) == 5
    assert [reason.split(":")[0] for _, reason, _ in letters] == ["permanent"] * 4


def test_a_message_of_a_mirror_that_is_away_stays_and_burns_no_attempt(
    settings: Settings, app: FunctionApp
) -> None:
    sent = [one for one in messages() if one[0] == CONTACT_QUEUE][:1]
    send(settings, sent)
    host = Host(settings, app)
    assert host.drain(CONTACT_QUEUE) == 1  # no schema: nothing was migrated
    [failure] = host.failures
    assert isinstance(failure, AwayError | TransientError)
    assert QueueReader(settings, CONTACT_QUEUE).depth() == 1
    assert dead_letters(settings) == []


def test_the_hosts_delete_does_not_reach_a_message_that_was_put_back(
    settings: Settings, store: Store, app: FunctionApp
) -> None:
    with store.transaction() as session:
        pauses.pause(session, "contact", NOW)
    send(settings, messages()[:1])
    host = Host(settings, app)
    assert host.drain(CONTACT_QUEUE) == 1
    assert host.failures == []
    assert QueueReader(settings, CONTACT_QUEUE).depth() == 1
    assert rows(store)["Ledger"] == []


def test_what_the_host_gave_up_is_taken_from_the_poison_queue(
    settings: Settings, store: Store, app: FunctionApp
) -> None:
    kept = accept(EventType.CONTACT, {"manychat_id": "MC-poison"}, None, NOW, Rules())
    poison = CONTACT_QUEUE + "-poison"
    send(settings, [(poison, kept.dumps()), (poison, "no envelope at all")])
    host = Host(settings, app)
    assert host.drain(poison) == 2
    assert rows(store)["Ledger"] == [(kept.id, "0")]
    assert len(dead_letters(settings)) == 1
    assert QueueReader(settings, poison).depth() == 0


def test_plain_text_that_somebody_posted_is_read_as_the_workers_read_it() -> None:
    message = hosted.message_of("id", "receipt", 1, b'{"v": 1}', None)
    coded = hosted.message_of("id", "receipt", 1, b"eyJ2IjogMX0=", NOW)
    broken = hosted.message_of("id", "receipt", 1, b"\xff\xfe", NOW)
    assert (message.text, coded.text) == ('{"v": 1}', '{"v": 1}')
    assert "�" in broken.text


def test_the_clocks_turn_feeds_the_inbox_and_drains_the_dead_letters(
    settings: Settings, store: Store, app: FunctionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, [(DEAD_LETTER_QUEUE, messages()[0][1])])
    host = hosted.Hosted(settings, store)
    host.work(2.0)
    with store.reading() as session:
        assert session.execute(text("SELECT count(*) FROM Dead_Letter")).scalar() == 1
    assert QueueReader(settings, DEAD_LETTER_QUEUE).depth() == 0


def test_a_part_that_dies_makes_the_clocks_turn_fail(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(stop: Flag) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hosted, "schedule_part", lambda *_: dying)
    with pytest.raises(TransientError, match="part_died"):
        hosted.Hosted(settings, store).work(30.0)


def test_what_is_registered_is_what_the_bridge_has(app: FunctionApp) -> None:
    functions = {
        one.get_function_name(): one.get_trigger().get_dict_repr() for one in app.get_functions()
    }
    queues = {name: told["queueName"] for name, told in functions.items() if "queueName" in told}
    assert queues == {
        name + ending: QUEUES[name] + suffix
        for name in QUEUES
        for ending, suffix in (("", ""), ("_poison", hosted.POISON))
    }
    assert {told["connection"] for told in functions.values() if "connection" in told} == {"QUEUES"}
    assert functions["work"]["schedule"] == "0 * * * * *"
    assert set(functions) == {*queues, "work"}


def test_the_hosts_settings_leave_the_decisions_to_the_bridge() -> None:
    queues = json.loads(read("azure_function/host.json").text)["extensions"]["queues"]
    assert queues["maxDequeueCount"] > 1000 * HOPELESS_FROM
    assert queues["messageEncoding"] == "none"


def test_what_is_published_can_be_loaded_by_itself(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "azure_function/package.py"), str(out)]
    assert subprocess.run(command, check=False).returncode == 0  # noqa: S603
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1  # noqa: S603
    wanted = (out / "requirements.txt").read_text()
    assert wanted.count("\nmarkupsafe==") == 1
    assert "\nazure-functions==" in wanted
    ask = (
        "from function_app import app; "
        "print(sorted(one.get_function_name() for one in app.get_functions()))"
    )
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", ask], cwd=out, env={"PYTHONPATH": str(out)},
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "'campaign_poison'" in told


def test_a_setting_that_is_missing_is_told_at_the_first_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_KEY", raising=False)
    hosted.from_environment.cache_clear()
    with pytest.raises(Exception, match="API_KEY"):
        hosted.from_environment()
