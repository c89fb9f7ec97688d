"""The bridge's own processes: API and workers, started as they are in production."""

from __future__ import annotations

import os
import secrets
import sys
from functools import cached_property
from pathlib import Path

import requests

from devstack import commands
from devstack.errors import StackError
from devstack.places import CHECKOUT
from devstack.ports import LOOPBACK, free_port
from devstack.processes import Process

# a shell made for another bridge must not steer this one
FOREIGN = (
    "API_KEY",
    "AZURE_",
    "DATABASE_URL",
    "ODOO_",
    "LOG_",
    "MANYCHAT_",
    "SYNC_",
    "USE_KEY_VAULT",
    "WEBHOOK_",
)


class Bridge:
    """API and workers against the given queue, mirror and Odoo.

    `settings` are environment variables on top of what the stack knows (connection string,
    DATABASE_URL, ODOO_…). The mirror is a SQLite file below `folder` unless they name another.
    """

    def __init__(self, folder: Path, logs: Path, settings: dict[str, str]) -> None:
        self.api_key = secrets.token_urlsafe(16)
        self.webhook_api_key = secrets.token_urlsafe(16)
        self._folder = folder
        self._logs = logs
        self._settings = settings
        self._api: Process | None = None
        self._workers: Process | None = None

    @cached_property
    def port(self) -> int:
        return free_port(8000)

    @property
    def api_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @cached_property
    def env(self) -> dict[str, str]:
        """The bridge's variables: what `.env` would hold."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return {
            "API_KEY": self.api_key,
            "WEBHOOK_API_KEY": self.webhook_api_key,
            "DATABASE_URL": f"sqlite:///{self._folder / 'mirror.db'}",
            "PORT": str(self.port),
            "SYNC_INTERVAL": "0.25",
            **self._settings,
        }

    def start(self) -> None:
        """Migrate the mirror, start API and workers, wait until the API accepts."""
        self.migrate()
        self.start_workers()
        self.start_api()

    def stop(self) -> None:
        """Stop API and workers, as SIGTERM stops them in production."""
        self.stop_api()
        self.stop_workers()

    def migrate(self) -> None:
        """Bring the mirror's schema up to date."""
        command = [sys.executable, "-m", "bridge", "db", "upgrade"]
        commands.run(command, what="bridge db upgrade", cwd=self._folder, env=self.environment())

    def start_api(self) -> None:
        """Start the API and wait until it is ready."""
        self._api = self._start("API", self._api, "serve", "--host", LOOPBACK)
        self._api.wait_until(self.accepts, seconds=60)

    def stop_api(self) -> None:
        if self._api:
            self._api.stop()

    def start_workers(self) -> None:
        """Start the workers of every hop in one process."""
        self._workers = self._start("workers", self._workers, "worker", "all")

    def stop_workers(self) -> None:
        if self._workers:
            self._workers.stop()

    def kill_workers(self) -> None:
        """End the workers as a crash would."""
        if self._workers:
            self._workers.kill()

    def check(self) -> None:
        """Raise StackError with its log when API or workers ended although nobody stopped them."""
        for process in (self._api, self._workers):
            if process and process.ended_by_itself:
                raise StackError(f"{process.name} ended\n{process.tail()}")

    def log_tails(self) -> str:
        """The end of both logs, for an error message."""
        return "\n".join(part.tail() for part in (self._api, self._workers) if part)

    def process(self, name: str, *words: str) -> Process:
        """`python -m WORDS` in this bridge's environment, not started yet."""
        return Process(
            name,
            [sys.executable, "-m", *words],
            log=self._logs / f"{name.lower()}.log",
            env=self.environment(),
            cwd=self._folder,  # a checkout's .env belongs to another bridge
        )

    def _start(self, name: str, current: Process | None, *words: str) -> Process:
        if current and current.running:
            return current
        process = self.process(name, "bridge", *words)
        process.start()
        return process

    def environment(self) -> dict[str, str]:
        """What a process of this bridge sees: ours, without a stranger's settings."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        return {**inherited, "PYTHONPATH": str(CHECKOUT), **self.env}

    def accepts(self) -> bool:
        """Whether it is ready, and this one: another bridge on the port would refuse the key."""
        key = {"X-API-KEY": self.api_key}
        try:
            ready = requests.get(f"{self.api_url}/ready", timeout=5)
            ours = requests.get(
                f"{self.api_url}/api/v1/manychat/webhook/verify", headers=key, timeout=5
            )
        except requests.RequestException:
            return False
        return (ready.status_code, ours.status_code) == (200, 200)
