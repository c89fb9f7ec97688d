"""A PostgreSQL cluster of our own, on loopback, for Odoo and for the mirror's tests."""

from __future__ import annotations

import secrets
import shutil
import signal
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from devstack import commands
from devstack.identity import hand_over, unprivileged
from devstack.ports import LOOPBACK, free_port
from devstack.postgres_binaries import find_binaries, major_version
from devstack.processes import Process
from devstack.spawning import Identity

ROLE = "odoo"  # Odoo refuses to work as `postgres`
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",  # a crash of the machine may lose data here, a crash of a process may not
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "200",
}


class Postgres:
    """The cluster below `folder`; its databases stay there between runs."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._process: Process | None = None

    def start(self) -> None:
        """Make the cluster if it is new, start it, wait until it answers."""
        if self._process and self._process.running:
            return
        self._make_cluster()
        self._process = Process(
            "PostgreSQL",
            self._command(),
            log=self._logs / "postgres.log",
            identity=self._identity,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            grace=30.0,
        )
        self._process.start()
        self._process.wait_until(self._answers, seconds=60)

    def stop(self) -> None:
        """Fast shutdown: clients are cut, data is safe."""
        if self._process:
            self._process.stop()

    @property
    def pid(self) -> int | None:
        """The process whose children serve the connections."""
        return self._process.pid if self._process else None

    @cached_property
    def port(self) -> int:
        return free_port()

    @cached_property
    def password(self) -> str:
        return (self._folder / "password").read_text()

    def url(self, database: str = "postgres") -> str:
        """A SQLAlchemy and libpq URL of `database`."""
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def createdb(self, name: str, template: str | None = None) -> str:
        """Make `name` anew (a database of that name is dropped first) and return its URL."""
        self.dropdb(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        self.execute(statement)
        return self.url(name)

    def dropdb(self, name: str) -> None:
        """Drop `name` if it is there, cutting its connections."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        self.execute(statement)

    def rename(self, old: str, new: str) -> None:
        """Give a database that nobody uses another name."""
        names = (sql.Identifier(old), sql.Identifier(new))
        self.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def has(self, name: str) -> bool:
        """Whether a database `name` exists."""
        return bool(self.execute(sql.SQL("SELECT 1 FROM pg_database WHERE datname = %s"), [name]))

    def execute(
        self, statement: sql.SQL | sql.Composed, values: Any = None, database: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction and return its rows, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def dump(self, database: str, target: Path) -> None:
        """Write `database` to `target` in pg_dump's own format."""
        self._tool("pg_dump", "-Fc", "-Z1", "-f", target, "-d", self.url(database))

    def restore(self, source: Path, database: str) -> None:
        """Make `database` anew from a dump."""
        self.createdb(database)
        self._tool("pg_restore", "-j2", "-O", "-d", self.url(database), source)

    @cached_property
    def _binaries(self) -> Path:
        return find_binaries()

    @cached_property
    def _data(self) -> Path:
        return self._folder / f"data-{major_version(self._binaries)}"

    @cached_property
    def _identity(self) -> Identity:
        self._folder.mkdir(parents=True, exist_ok=True)
        return unprivileged(self._folder, self._binaries)

    def _tool(self, program: str, *arguments: str | Path) -> None:
        commands.run([self._binaries / program, *arguments], what=program)

    def _command(self) -> list[str]:
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        return [
            str(self._binaries / "postgres"),
            f"-D{self._data}",
            f"-p{self.port}",
            *options,
        ]

    def _answers(self) -> bool:
        try:
            self.execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self) -> None:
        if (self._data / "global" / "pg_control").exists():
            return
        shutil.rmtree(self._data, ignore_errors=True)
        identity = self._identity
        secret = self._folder / "password"
        self._data.mkdir(mode=0o700)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(16))
        for path in (self._data, secret):
            hand_over(path, identity)
        command: commands.Words = [
            self._binaries / "initdb",
            "-D",
            self._data,
            "-U",
            ROLE,
            "-E",
            "UTF8",
            "--no-sync",
        ]
        command += ["--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={secret}"]
        commands.run(command, what="initdb", identity=identity, cwd=self._folder)
