"""Azurite's queue service: a real Azure Storage Queue protocol, on loopback."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import socket
from functools import cached_property
from pathlib import Path

from devstack.node import node, npm_package
from devstack.ports import LOOPBACK, free_port
from devstack.processes import Process

VERSION = "3.37.0"
ACCOUNT = "miasalud"


class Azurite:
    """The service with its messages below `folder`; stopping and starting loses none."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._key = base64.b64encode(secrets.token_bytes(48)).decode()
        self._process: Process | None = None

    @cached_property
    def port(self) -> int:
        return free_port(10001)

    @property
    def connection_string(self) -> str:
        """For AZURE_STORAGE_CONNECTION_STRING; the key is new in every run."""
        endpoint = f"http://{LOOPBACK}:{self.port}/{ACCOUNT}"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self._key};"
            f"QueueEndpoint={endpoint};"
        )

    @property
    def pid(self) -> int | None:
        """The process that serves."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the service and wait until it listens."""
        if self._process and self._process.running:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = Process(
            "Azurite",
            self._command(),
            log=self._logs / "azurite.log",
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self._key}"},
            cwd=self._folder,
            death_signal=signal.SIGTERM,  # it saves its tables on the way out
        )
        self._process.start()
        self._process.wait_until(self._listens, seconds=60)

    def stop(self) -> None:
        """End the service; what it holds stays on disk."""
        if self._process:
            self._process.stop()

    def lose(self) -> None:
        """Lose every queue and message, as an account that was deleted; it runs again, empty."""
        self.stop()
        shutil.rmtree(self._folder)
        self.start()

    def _command(self) -> list[str]:
        program = npm_package("azurite", VERSION) / "dist" / "src" / "queue" / "main.js"
        return [
            *(str(node()), str(program)),
            *("--queueHost", LOOPBACK, "--queuePort", str(self.port)),
            *("--location", str(self._folder)),
            *("--disableTelemetry", "--skipApiVersionCheck", "--silent"),
        ]

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((LOOPBACK, self.port)) == 0
