"""The bridge's processes on one Odoo and one mirror, frozen until a backlog is to be drained."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from psycopg import sql

from benchmarks.measuring import cpu_seconds, resident
from benchmarks.webhooks import Post, post_all
from devstack.bridge_processes import Bridge
from devstack.errors import NotReady
from devstack.odoo_server import OdooServer
from devstack.places import CHECKOUT
from devstack.ports import LOOPBACK
from devstack.processes import Process
from devstack.stack import Stack

KINDS = ("contact", "campaign", "crm")
SENDERS = 16
AT_ONCE = 1_000
"""Messages that may wait in Azurite: it looks through all of them for each get and delete."""
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Drained:
    """A backlog's way: seconds to the mirror and to Odoo, processor seconds of each part."""

    events: int
    to_mirror: float
    to_odoo: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Events a second into Odoo."""
        return self.events / self.to_odoo

    @property
    def cost(self) -> float:
        """Processor milliseconds an event, of everything that moved it."""
        return 1000 * sum(self.cpu.values()) / self.events


class Road:
    """API and workers over a mirror in PostgreSQL; `copies` of each worker.

    `concurrency`: batches that each handles at once.
    """

    def __init__(
        self, stack: Stack, odoo: OdooServer, name: str, copies: int = 1, concurrency: int = 1
    ) -> None:
        self.odoo, self.name = odoo, name
        self._stack = stack
        self.database = f"bench-mirror-{name}"
        settings = {
            "DATABASE_URL": stack.postgres.createdb(self.database),
            "AZURE_STORAGE_CONNECTION_STRING": stack.azurite.connection_string,
            "ODOO_URL": odoo.url,
            "ODOO_DB": odoo.db,
            "ODOO_USERNAME": odoo.bridge_login,
            "ODOO_PASSWORD": odoo.bridge_key,
            "SYNC_INTERVAL": "10",
            "RECONCILE_HOURS": "0",
        }
        self.bridge = Bridge(stack.folder / name, stack.logs / name, settings)
        lanes = ("--concurrency", str(concurrency))
        self._workers = {
            kind: [
                self.bridge.process(f"{kind}-{number}", "bridge", "worker", kind, *lanes)
                for number in range(1, copies + 1)
            ]
            for kind in KINDS
        }
        self._api: list[Process] = []

    def start(self, processes: int = 1) -> None:
        """Migrate, start the workers and an API of that many processes; raises NotReady."""
        self.bridge.migrate()
        self._start_workers()
        self.start_api(processes)

    def start_api(self, processes: int) -> None:
        """The API as in production: gunicorn with its configuration."""
        self.stop_api()
        words = ("gunicorn", "bridge.asgi:app", "--config", str(CHECKOUT / "gunicorn.conf.py"))
        more = ("--bind", f"{LOOPBACK}:{self.bridge.port}", "--workers", str(processes))
        api = self.bridge.process("API", *words, *more)
        api.start()
        self._api = [api]
        api.wait_until(self.bridge.accepts, seconds=60)

    def stop_api(self) -> None:
        for process in self._api:
            process.stop()

    def stop(self) -> None:
        """Stop every process, frozen ones too."""
        self.thaw()
        self.stop_api()
        for process in self._every_worker:
            process.stop()

    def freeze(self, kinds: Sequence[str] = KINDS) -> None:
        for kind in kinds:
            for process in self._workers[kind]:
                process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._every_worker:
            process.send_signal(signal.SIGCONT)

    def drain(self, posts: Sequence[Post], seconds: float = 600.0) -> Drained:
        """Queue the posts while the workers are frozen, thaw them, and wait until Odoo has all."""
        self.freeze()
        last = self.last()
        post_all(self.bridge.api_url, self.bridge.webhook_api_key, posts, SENDERS)
        spent, began = self.cpu(), datetime.now(UTC)
        self.thaw()
        self.wait_for(last, len(posts), seconds)
        cpu = {name: total - spent[name] for name, total in self.cpu().items()}
        mirrored, synced = self._ends(last)
        return Drained(
            len(posts), (mirrored - began).total_seconds(), (synced - began).total_seconds(), cpu
        )

    def drain_outbox(self, posts: Sequence[Post], seconds: float = 600.0) -> Drained:
        """Let the posts pile up in the outbox, the crm worker frozen, and drain that."""
        self.freeze(("crm",))
        last = self.last()
        for start in range(0, len(posts), AT_ONCE):
            some = posts[start : start + AT_ONCE]
            post_all(self.bridge.api_url, self.bridge.webhook_api_key, some, SENDERS)
            self._wait(lambda: self._count(last), start + len(some), seconds)
        spent, began = self.cpu(), datetime.now(UTC)
        self.thaw()
        self.wait_for(last, len(posts), seconds)
        cpu = {name: total - spent[name] for name, total in self.cpu().items()}
        _, synced = self._ends(last)
        return Drained(len(posts), 0.0, (synced - began).total_seconds(), cpu)

    def last(self) -> int:
        """The outbox's newest row: what comes after it is what a run brings."""
        [(last,)] = self.rows('SELECT coalesce(max(id), 0) FROM "Outbox"')
        return int(last)

    def wait_for(self, last: int, events: int, seconds: float) -> None:
        """Wait until Odoo has answered to that many events after the row `last`."""
        self._wait(lambda: self._count(last, "success"), events, seconds)

    def _wait(self, count: Callable[[], int], events: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (done := count()) < events:
            for process in self._every_worker:
                if process.ended_by_itself:
                    raise NotReady(f"{process.name} ended\n{process.tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{done} of {events} events are there after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def cpu(self) -> dict[str, float]:
        """Processor seconds so far, by part."""
        pids = {
            "Azurite": [self._stack.azurite.pid],
            "PostgreSQL": [self._stack.postgres.pid],
            "Odoo": [self.odoo.pid],
            **{f"{kind} worker": [p.pid for p in some] for kind, some in self._workers.items()},
        }
        return {name: cpu_seconds(pid for pid in some if pid) for name, some in pids.items()}

    def memory(self) -> dict[str, float]:
        """Resident megabytes of each process of ours and of Odoo."""
        pids = {process.name: process.pid for process in (*self._api, *self._every_worker)}
        pids["Odoo"] = self.odoo.pid
        return {name: resident(pid) for name, pid in pids.items() if pid}

    def rows(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the mirror."""
        return self._stack.postgres.execute(sql.SQL(statement), values, self.database)

    @property
    def _every_worker(self) -> list[Process]:
        return [process for some in self._workers.values() for process in some]

    def _start_workers(self) -> None:
        for process in self._every_worker:
            process.start()
        for process in self._every_worker:
            process.wait_until(lambda: "worker_started" in process.tail(), seconds=60)  # noqa: B023

    def _count(self, last: int, status: str = "%") -> int:
        [(count,)] = self.rows(
            'SELECT count(*) FROM "Outbox" WHERE id > %s AND status LIKE %s', last, status
        )
        return int(count)

    def _ends(self, last: int) -> tuple[datetime, datetime]:
        [(mirrored, synced)] = self.rows(
            'SELECT max(created_at), max(synced_at) FROM "Outbox" WHERE id > %s', last
        )
        return mirrored.replace(tzinfo=UTC), synced.replace(tzinfo=UTC)
