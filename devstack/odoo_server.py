"""A running Odoo with the addon, its people and the bridge's API key."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import requests

from devstack import commands, progress
from devstack.odoo_config import environment, write_config
from devstack.odoo_shell import pipe, run_in_odoo
from devstack.odoo_sources import OdooSource
from devstack.odoo_template import LANGUAGE, OdooTemplate
from devstack.people import People
from devstack.places import ADDON
from devstack.ports import LOOPBACK, free_port
from devstack.postgres import Postgres
from devstack.processes import Process
from devstack.tree_hash import tree_hash


class OdooServer:
    """One Odoo on one database of its own; `keep` keeps what an earlier run left in it.

    `workers` are processes that serve; with 0 one process serves in threads.
    """

    def __init__(
        self,
        source: OdooSource,
        postgres: Postgres,
        folder: Path,
        logs: Path,
        *,
        name: str = "miasalud",
        workers: int = 0,
        keep: bool = False,
    ) -> None:
        self.source = source
        self.db = f"{name}-{source.series}"
        self.people = People()
        self._postgres = postgres
        self._folder = folder
        self.log = logs / f"{folder.name}.log"
        self._workers = workers
        self._keep = keep
        self._process: Process | None = None

    @cached_property
    def port(self) -> int:
        return free_port(8069)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def admin_login(self) -> str:
        return self.people.admin.login

    @property
    def admin_password(self) -> str:
        return self.people.admin.password

    @property
    def bridge_login(self) -> str:
        return self.people.bridge.login

    @property
    def salesperson_login(self) -> str:
        return self.people.salesperson.login

    @property
    def salesperson_password(self) -> str:
        return self.people.salesperson.password

    @cached_property
    def bridge_key(self) -> str:
        """The bridge user's API key; asking for it makes the database."""
        self._make_database()
        arguments = {"people": self.people.as_arguments(), "language": LANGUAGE}
        with progress.step("making the bridge user, its API key and the salespeople in Odoo"):
            answer = run_in_odoo(self.source, self._config, "make_people", **arguments)
        key: str = answer["bridge_key"]
        return key

    def make_key(self, login: str) -> str:
        """A new API key of a user; the user's older ones are gone."""
        key: str = run_in_odoo(self.source, self._config, "make_key", login=login)["key"]
        return key

    def pipe(self, script: str, **variables: str) -> str:
        """What a script prints that is piped into `odoo shell`. Raises CommandFailed."""
        return pipe(self.source, self._config, script, what="script", **variables)

    def load_demo(self) -> None:
        """Load the addon's demo data; the manager then reads English."""
        run_in_odoo(self.source, self._config, "load_demo", login=self.people.manager.login)

    @property
    def pid(self) -> int | None:
        """The process that serves, or that has the workers as its children."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Make the database if need be, start Odoo, wait until it serves its login page."""
        if self._process and self._process.running:
            return
        _ = self.bridge_key
        self._process = Process(
            f"Odoo {self.source.series}",
            [str(self.source.python), str(self._launcher()), "-c", str(self._config)],
            log=self.log,
            env=environment(self.source),
            cwd=self._folder,
        )
        self._process.start()
        self._process.wait_until(self._serves, seconds=120)

    def stop(self) -> None:
        """Stop Odoo; its database stays."""
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        """End Odoo as a crash would; its database stays."""
        if self._process:
            self._process.kill()

    @cached_property
    def _config(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return write_config(
            self._folder / "odoo.conf",
            self.source,
            self._postgres,
            self.db,
            data=self._folder,
            port=self.port,
            workers=self._workers,
        )

    def _launcher(self) -> Path:
        """A script: with workers Odoo starts its own command again, which `-m odoo` cannot be."""
        path = self._folder / "serve-odoo"
        path.write_text("from odoo.cli.command import main\n\nmain()\n")
        return path

    def _make_database(self) -> None:
        stamp = self._folder / f"{self.db}.addon"
        state = tree_hash(ADDON)
        if not (self._keep and stamp.exists() and self._postgres.has(self.db)):
            OdooTemplate(self.source, self._postgres).copy_to(self.db, self._folder)
        elif stamp.read_text() != state:
            self._update_addon()
        stamp.write_text(state)

    def _update_addon(self) -> None:
        command: commands.Words = [
            self.source.python,
            "-m",
            "odoo",
            "-c",
            self._config,
            "-u",
            ADDON.name,
        ]
        with progress.step("updating the addon in the kept database"):
            commands.run(
                [*command, "--stop-after-init", "--no-http"],
                what="odoo update addon",
                cwd=self._folder,
                env=environment(self.source),
            )

    def _serves(self) -> bool:
        try:
            answer = requests.get(f"{self.url}/web/login", timeout=60)
        except requests.ConnectionError:
            return False
        return answer.status_code == 200
