"""The workers as real processes: they start, work without Odoo, and end by SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

from bridge.events.event import EventType
from bridge.events.reading import Rules, accept
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE
from bridge.queue.writer import QueueWriter
from bridge.settings import Settings, load_settings
from devstack.ports import free_port

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 40


@pytest.fixture
def environment(azurite: Any, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "API_KEY": "key",
        "AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'mirror.db'}",
        "ODOO_URL": "http://127.0.0.1:9",
        "SYNC_INTERVAL": "1",
        "WORKER_HEALTH_PORT": str(free_port(18080)),
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    wanted = {key.lower(): value for key, value in environment.items() if key.isupper()}
    wanted = {key: value for key, value in wanted.items() if key in Settings.model_fields}
    return load_settings(_env_file=None, **wanted)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = Store.from_settings(settings)
    yield store
    store.close()


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", *words]
        log = (tmp_path / f"{len(started)}.log").open("wb")
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=log)  # noqa: S603
        log.close()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def until(holds: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert process.poll() is None, f"the process ended with {process.returncode}"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ends(process: subprocess.Popen[bytes]) -> int:
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(30)
    assert time.monotonic() - before < 25
    return code


def ledger(store: Store) -> set[str]:
    with store.transaction() as session:
        return set(session.execute(text("SELECT event_id FROM Ledger")).scalars())


def post(settings: Settings, queue: str, type: EventType, **body: str) -> str:
    envelope = accept(type, body, None, datetime.now(UTC), Rules())
    QueueWriter(settings, queue).send(envelope)
    return envelope.id


def test_all_workers_mirror_both_queues_while_odoo_is_away_and_end_cleanly(
    settings: Settings, store: Store, start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    upgrade(store.engine)
    sent = {
        post(settings, CONTACT_QUEUE, EventType.CONTACT, manychat_id="MC-P1", nombre_lead="Ana"),
        post(
            settings, CAMPAIGN_QUEUE, EventType.STAGE, manychat_id="MC-P2", stage_manychat="Nuevo"
        ),
    }
    process = start("bridge", "worker", "all")
    until(lambda: sent <= ledger(store), process)
    until(lambda: "odoo_unreachable" in (tmp_path / "0.log").read_text(), process)

    port = environment["WORKER_HEALTH_PORT"]
    assert requests.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
    assert ends(process) == 0
    assert "Ana" not in (tmp_path / "0.log").read_text()


def test_workers_wait_for_a_mirror_that_is_not_migrated_and_lose_nothing(
    settings: Settings, store: Store, start: Start, tmp_path: Path
) -> None:
    sent = post(settings, CONTACT_QUEUE, EventType.CONTACT, manychat_id="MC-P3")
    process = start("bridge.workers.contact_processor")
    until(lambda: "schema_missing" in (tmp_path / "0.log").read_text(), process)
    upgrade(store.engine)
    until(lambda: sent in ledger(store), process)
    assert ends(process) == 0


def test_a_killed_worker_loses_nothing(settings: Settings, store: Store, start: Start) -> None:
    upgrade(store.engine)
    first = start("bridge.workers.contact_processor")
    early = post(settings, CONTACT_QUEUE, EventType.CONTACT, manychat_id="MC-P4")
    until(lambda: early in ledger(store), first)
    first.kill()
    first.wait()

    late = post(settings, CONTACT_QUEUE, EventType.CONTACT, manychat_id="MC-P5")
    second = start("bridge.workers.contact_processor")
    until(lambda: {early, late} <= ledger(store), second)
    assert ends(second) == 0
