"""API and workers replaced under load, as a platform does it: nothing refused, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.queue.connect import worker_client
from bridge.queue.names import DEAD_LETTER_QUEUE, QUEUES
from bridge.queue.reader import QueueReader
from bridge.queue.writer import create
from bridge.settings import Settings, load_settings
from devstack.ports import free_port
from devstack.stack import Stack
from tests.unit.about_the_code.sources import ROOT

KEY = "key-of-the-rolling-test"
PATIENCE_SECONDS = 90
SENDERS = 3
CONTACTS = 20
AT_ONCE = 40  # posts that are seen before and after each replacement


class Load:
    """Posts webhooks until it is left, each sender on one connection; no post is repeated."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.accepted: list[str] = []
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self) -> None:
        """Wait until some more posts were answered."""
        wanted = len(self.accepted) + len(self.failed) + AT_ONCE
        until(lambda: len(self.accepted) + len(self.failed) >= wanted)

    def _send(self, sender: int) -> None:
        session = requests.Session()
        session.headers["X-API-KEY"] = KEY
        number = 0
        while not self._stop.is_set():
            number += 1
            body = {"manychat_id": f"MC-{number % CONTACTS}", "nombre_lead": f"P{sender}-{number}"}
            try:
                answer = session.post(
                    f"{self.url}/api/v1/manychat/webhook/contact", json=body, timeout=60
                )
            except requests.RequestException as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                continue
            if answer.status_code == 202:
                self.accepted.append(answer.json()["event_id"])
            else:
                self.failed.append(f"{answer.status_code}: {answer.text}")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Fleet:
    """Processes of the bridge on one queue and one mirror."""

    def __init__(self, settings: Settings, environment: dict[str, str], folder: Path) -> None:
        self.settings = settings
        self._environment = environment
        self._folder = folder
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, **further: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{len(self.running)}.log").open("wb")
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *words], cwd=ROOT, env={**self._environment, **further},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log.close()
        self.running.append(process)
        return process

    def api(self) -> tuple[subprocess.Popen[bytes], str]:
        """A gunicorn as the image starts it, when it is ready."""
        port = free_port(18300)
        words = ("gunicorn", "bridge.asgi:app", "--config", "gunicorn.conf.py")
        process = self.start(*words, PORT=str(port), WEB_CONCURRENCY="2")
        url = f"http://127.0.0.1:{port}"
        until(lambda: is_ready(url))
        return process, url

    def workers(self) -> subprocess.Popen[bytes]:
        """A worker process of every hop, when it is healthy."""
        port = free_port(18400)
        process = self.start("bridge", "worker", "all", WORKER_HEALTH_PORT=str(port))
        until(lambda: is_ready(f"http://127.0.0.1:{port}", "/health"))
        return process


def is_ready(url: str, path: str = "/ready") -> bool:
    try:
        return requests.get(url + path, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def ends(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE_SECONDS)


@pytest.fixture
def fleet(parts: Stack, tmp_path: Path) -> Iterator[Fleet]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "API_KEY": KEY,
        "AZURE_STORAGE_CONNECTION_STRING": parts.azurite.connection_string,
        "DATABASE_URL": parts.postgres.createdb("mirror-rolling"),
        "SYNC_INTERVAL": "1",
        "LOG_LEVEL": "WARNING",
    }
    given = {key.lower(): value for key, value in environment.items()}
    known = {key: value for key, value in given.items() if key in Settings.model_fields}
    settings = load_settings(_env_file=None, **known)
    for name in (*QUEUES.values(), DEAD_LETTER_QUEUE):
        client = worker_client(settings, name)
        create(client)
        client.clear_messages()
    store = Store.from_settings(settings)
    upgrade(store.engine)
    store.close()
    made = Fleet(settings, environment, tmp_path)
    yield made
    for process in made.running:
        process.terminate()  # a killed gunicorn would leave its workers behind
    for process in made.running:
        process.wait(PATIENCE_SECONDS)


def missing(settings: Settings, accepted: list[str]) -> set[str]:
    """Accepted events that are not in the mirror yet."""
    store = Store.from_settings(settings)
    with store.reading() as session:
        known = set(session.execute(text('SELECT event_id FROM "Ledger"')).scalars())
    store.close()
    return set(accepted) - known


def test_gunicorn_reloads_under_load_without_a_failed_request(fleet: Fleet) -> None:
    process, url = fleet.api()
    with Load(url) as load:
        for _ in range(2):
            load.more()
            process.send_signal(signal.SIGHUP)
            load.more()
    assert load.failed == []
    assert len(load.accepted) >= 4 * AT_ONCE
    assert ends(process) == 0


def test_api_and_workers_are_replaced_under_load_and_nothing_is_lost(fleet: Fleet) -> None:
    api, url = fleet.api()
    workers = fleet.workers()
    with Load(url) as load:
        for _ in range(2):
            load.more()
            newer, load.url = fleet.api()  # the platform sends new requests there,
            load.more()
            assert ends(api) == 0  # and ends the older one once it is out of turn
            load.more()
            next_workers = fleet.workers()
            assert ends(workers) == 0
            api, workers = newer, next_workers
        load.more()
    assert load.failed == []
    until(lambda: not missing(fleet.settings, load.accepted))
    assert QueueReader(fleet.settings, DEAD_LETTER_QUEUE).depth() == 0
    assert len(set(load.accepted)) == len(load.accepted) >= 6 * AT_ONCE
    assert ends(workers) == 0
    assert ends(api) == 0


def test_a_stop_waits_for_the_request_that_is_on_its_way(fleet: Fleet) -> None:
    process, url = fleet.api()
    body = iter([b'{"manychat_id": ', b'"MC-slow"}'])
    begun = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield next(body)
        begun.set()
        time.sleep(2)
        yield next(body)

    answers: list[int] = []

    def post() -> None:
        headers = {"X-API-KEY": KEY, "Content-Type": "application/json"}
        target = f"{url}/api/v1/manychat/webhook/contact"
        answers.append(
            requests.post(target, data=slowly(), headers=headers, timeout=60).status_code
        )

    sender = threading.Thread(target=post)
    sender.start()
    assert begun.wait(30)
    assert ends(process) == 0
    sender.join()
    assert answers == [202]
