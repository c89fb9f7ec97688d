"""Writing back as processes: the limit holds over two, and one may be killed at any time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.mirror import write_back, write_back_setup
from bridge.mirror.contacts import lock_contacts
from bridge.mirror.database_clock import database_now
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.mirror.write_back import FIELD, FLOW, Wish
from bridge.mirror.write_back_setup import Setup
from bridge.settings import load_settings
from devstack.manychat_server import LIMITS, ManyChatServer

ROOT = Path(__file__).parents[3]
CALLS = 15
START = """
import sys, threading
from bridge.errors import TransientError
from bridge.mirror.store import Store
from bridge.settings import load_settings
from bridge.workers.parts import feedback_parts, manychat_client
settings = load_settings(_env_file=None, api_key="key")
store = Store.from_settings(settings)
"""
WORKER = START + "feedback_parts(settings, store)['write-back'](threading.Event())"
CALLER = f"""{START}
client, done = manychat_client(settings, store), 0
while done < {CALLS}:
    try:
        client.set_fields(str(done), {{"etapa": "Nuevo"}})
        done += 1
    except TransientError as error:
        if error.code.startswith("manychat"):
            raise
"""


class World:
    def __init__(self, server: ManyChatServer, url: str) -> None:
        self.page = server.page
        self.env = {**os.environ, "DATABASE_URL": url, "MANYCHAT_API_URL": server.url,
                    "MANYCHAT_API_TOKEN": server.page.token}  # fmt: skip
        self.store = Store.from_settings(
            load_settings(_env_file=None, api_key="key", database_url=url)
        )
        self.started: list[subprocess.Popen[bytes]] = []
        upgrade(self.store.engine)
        with self.store.transaction() as session:
            write_back_setup.keep(session, Setup("on", {"stage": "etapa"}))

    def start(self, script: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", script]
        process = subprocess.Popen(command, env=self.env, cwd=ROOT)  # noqa: S603  (our script)
        self.started.append(process)
        return process

    def wish(self, kind: str, name: str, value: str) -> None:
        with self.store.transaction() as session:
            id = lock_contacts(session, ["77"])["77"]
            now = database_now(session)
            write_back.wish(session, [Wish(id, kind, name, value)], now, really=True)

    def sql(self, statement: str) -> list[dict[str, Any]]:
        with self.store.engine.begin() as connection:
            found = connection.execute(text(statement))
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    def until(self, right: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not right():
            assert time.monotonic() < deadline, (
                self.page.calls,
                self.sql("SELECT * FROM Write_Back"),
            )
            time.sleep(0.05)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ManyChatServer() as server:
        made = World(server, f"sqlite:///{tmp_path / 'mirror.db'}")
        yield made
        for process in made.started:
            process.kill()
            process.wait()
        made.store.close()


def test_two_processes_together_stay_below_manychats_limit(world: World) -> None:
    for process in [world.start(CALLER), world.start(CALLER)]:
        assert process.wait(120) == 0
    times = [moment for moment, _, _ in world.page.calls]
    assert (len(times), world.page.strikes) == (2 * CALLS, 0)
    most = max(sum(1 for other in times if 0 <= other - one < 1.0) for one in times)
    assert most <= LIMITS["set"]
    assert times[-1] - times[0] > (2 * CALLS - 1) / 8 * 0.9


def test_a_worker_that_is_killed_while_it_sends_loses_no_value(world: World) -> None:
    world.wish(FIELD, "etapa", "Nuevo")
    world.page.mood, world.page.seconds = "slow", 5.0
    first = world.start(WORKER)
    world.until(world.page.paths)
    first.kill()
    first.wait()
    world.page.mood = "ok"
    world.wish(FIELD, "etapa", "Ganado")
    world.sql("UPDATE Lease SET holder = NULL")  # it would run out by itself, later
    world.start(WORKER)
    world.until(lambda: world.sql("SELECT 1 FROM Write_Back WHERE status = 'success'"))
    assert world.page.contact("77").fields == {"etapa": "Ganado"}


def test_a_worker_that_is_killed_while_it_starts_a_flow_does_not_start_it_twice(
    world: World,
) -> None:
    world.wish(FLOW, "welcome", "clock-1")
    world.page.mood, world.page.seconds = "slow", 5.0
    first = world.start(WORKER)
    world.until(lambda: world.page.contact("77").flows)
    first.kill()
    first.wait()
    world.page.mood = "ok"
    world.sql("UPDATE Lease SET holder = NULL")
    world.sql("UPDATE Write_Back SET next_attempt_at = changed_at")  # five minutes later
    world.start(WORKER)
    world.until(lambda: world.sql("SELECT 1 FROM Write_Back WHERE status = 'error' AND parked"))
    assert world.page.contact("77").flows == ["welcome"]
