"""The whole road on one machine, each part made when it is first asked for."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from devstack.azurite import Azurite
from devstack.bridge_processes import Bridge
from devstack.errors import StackError
from devstack.locks import try_lock
from devstack.odoo_server import OdooServer
from devstack.odoo_sources import OdooSource
from devstack.places import WORK
from devstack.postgres import Postgres

MOST_RUNS = 9


class Stack:
    """PostgreSQL, Azurite, Odoo and the bridge, with their data in one folder.

    `postgres` and `azurite` run from the first time they are asked for; `odoo` and `bridge` have
    to be started. `settings` are further environment variables of the bridge. Leaving the `with`
    block stops everything. Without `folder` the stack takes `.devstack/<name>`, or the next free
    `<name>-2`, … when another run works there.
    """

    def __init__(
        self,
        odoo: OdooSource | None = None,
        folder: Path | None = None,
        *,
        name: str = "test",
        keep: bool = False,
        settings: dict[str, str] | None = None,
    ) -> None:
        self._source = odoo
        self._keep = keep
        self._settings = settings or {}
        self.folder, self._lock = _claim(folder, name)
        self.logs = self.folder / "logs"
        self._started: list[Postgres | Azurite | OdooServer | Bridge] = []
        for old in self.logs.glob("*.log"):
            old.unlink()

    @cached_property
    def postgres(self) -> Postgres:
        """The cluster, running."""
        postgres = Postgres(self.folder / "postgres", self.logs)
        self._started.append(postgres)
        postgres.start()
        return postgres

    @cached_property
    def azurite(self) -> Azurite:
        """The queue service, running and empty of what earlier runs left."""
        folder = self.folder / "azurite"
        if not self._keep:
            shutil.rmtree(folder, ignore_errors=True)
        azurite = Azurite(folder, self.logs)
        self._started.append(azurite)
        azurite.start()
        return azurite

    @cached_property
    def odoo(self) -> OdooServer:
        """Odoo on a database of its own, not started yet."""
        if self._source is None:
            raise StackError("This stack was made without an Odoo.")
        odoo = OdooServer(
            self._source, self.postgres, self.folder / "odoo", self.logs, keep=self._keep
        )
        self._started.append(odoo)
        return odoo

    def another_odoo(self, name: str, *, workers: int = 0) -> OdooServer:
        """One more Odoo beside the first, on a new database of its own, not started yet."""
        if self._source is None:
            raise StackError("This stack was made without an Odoo.")
        odoo = OdooServer(
            self._source,
            self.postgres,
            self.folder / name,
            self.logs,
            name=name,
            workers=workers,
        )
        self._started.append(odoo)
        return odoo

    @cached_property
    def bridge(self) -> Bridge:
        """The bridge on this stack's queue and Odoo, not started yet."""
        folder = self.folder / "bridge"
        if not self._keep:
            shutil.rmtree(folder, ignore_errors=True)
        settings = {"AZURE_STORAGE_CONNECTION_STRING": self.azurite.connection_string}
        if self._source is not None:
            settings |= {
                "ODOO_URL": self.odoo.url,
                "ODOO_DB": self.odoo.db,
                "ODOO_USERNAME": self.odoo.bridge_login,
                "ODOO_PASSWORD": self.odoo.bridge_key,
            }
        bridge = Bridge(folder, self.logs, {**settings, **self._settings})
        self._started.append(bridge)
        return bridge

    def stop(self) -> None:
        """Stop every part, the last started first, and give the folder free."""
        while self._started:
            self._started.pop().stop()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _claim(folder: Path | None, name: str) -> tuple[Path, IO[str]]:
    """The folder to work in, and the lock that keeps other runs out of it."""
    names = [name, *(f"{name}-{number}" for number in range(2, MOST_RUNS + 1))]
    for candidate in [folder] if folder else [WORK / each for each in names]:
        lock = try_lock(candidate / "lock")
        if lock is not None:
            return candidate, lock
    raise StackError(f"Another run works in {folder or WORK / name}: stop it first.")
