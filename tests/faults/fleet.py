"""The bridge as a fleet: one API, two workers of each kind, started again whenever one ends."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from devstack.bridge_processes import Bridge
from devstack.ports import LOOPBACK
from devstack.processes import Process
from tests.faults.worker import KILLED

KINDS = ("contact", "campaign", "crm", "feedback")
COPIES = 2


class Fleet:
    """Every process of the bridge, and what a supervisor does about them.

    `deaths`: names of processes that ended although neither a fault nor an event killed them.
    `killings`: how many workers an event killed.
    """

    def __init__(self, bridge: Bridge) -> None:
        self.deaths: list[str] = []
        self.killings = 0
        self._bridge = bridge
        self.api = bridge.process("API", "bridge", "serve", "--host", LOOPBACK)
        self.workers: dict[str, list[Process]] = {
            kind: [
                bridge.process(f"{kind}-{number}", "tests.faults.worker", kind)
                for number in range(1, COPIES + 1)
            ]
            for kind in KINDS
        }

    @property
    def every_worker(self) -> list[Process]:
        return [process for group in self.workers.values() for process in group]

    def start(self) -> None:
        self._bridge.migrate()
        for process in (*self.every_worker, self.api):
            process.start()
        self.api.wait_until(self._bridge.accepts, seconds=60)

    def stop(self) -> None:
        for process in (self.api, *self.every_worker):
            process.stop()

    def supervise(self) -> None:
        """Start again what ended by itself, and note it."""
        for process in (self.api, *self.every_worker):
            if process.ended_by_itself:
                if process.exit_code == KILLED:
                    self.killings += 1
                else:
                    self.deaths.append(f"{process.name} ended with {process.exit_code}")
                process.stop()
                process.start()

    def crash(self, processes: Sequence[Process]) -> None:
        """kill -9, and a supervisor that starts them again."""
        for process in processes:
            process.kill()
            process.start()

    def roll(self, processes: Sequence[Process]) -> None:
        """SIGTERM one after the other, as a deployment does."""
        for process in processes:
            process.stop()
            process.start()

    def freeze(self, processes: Sequence[Process]) -> None:
        for process in processes:
            process.send_signal(signal.SIGSTOP)

    def thaw(self, processes: Sequence[Process]) -> None:
        for process in processes:
            process.send_signal(signal.SIGCONT)
