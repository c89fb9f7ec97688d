"""A part that runs as a process: started once, waited for, stopped with certainty."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from devstack.errors import NotReady
from devstack.spawning import Identity, end_group, spawn

_running: list[Process] = []


class Process:
    """One child with a log file.

    `stop_signal` asks it to end, SIGKILL follows after `grace` seconds. `death_signal` is what it
    gets when we die without stopping it: SIGKILL, unless it has something to save first.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        identity: Identity | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
        grace: float = 15.0,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self._env = env
        self._cwd = cwd
        self._identity = identity
        self._stop_signal = stop_signal
        self._death_signal = death_signal
        self._grace = grace
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def ended_by_itself(self) -> bool:
        """Whether it was started, was not stopped, and is not there any more."""
        return self in _running and not self.running

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def exit_code(self) -> int | None:
        """Of the last child: None while it runs, negative when a signal ended it."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Start the child; from a thread that lives as long as the child is to live."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._spawn(output)

    def run_in_sight(self) -> int:
        """Run to the end with our own output as the child's; returns its exit code."""
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
            child = self._spawn(output)
        try:
            return child.wait()
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop the child and everything in its group; a second call does nothing."""
        self._end(self._stop_signal, self._grace)

    def kill(self) -> None:
        """End the child at once, as a crash would."""
        self._end(signal.SIGKILL, self._grace)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the running child and to everything in its group."""
        if self.running and self.pid:
            os.killpg(self.pid, number)

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Poll `ready`; raises NotReady with the log's tail when time is up or the child ended."""
        deadline = time.monotonic() + seconds
        while not ready() or not self.running:  # somebody else's server may answer the probe
            if not self.running:
                raise NotReady(f"{self.name} ended before it was ready\n{self.tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} is not ready after {seconds:.0f} s\n{self.tail()}")
            time.sleep(0.1)

    def tail(self, lines: int = 25) -> str:
        """The last lines of the log, under its path."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join([f"--- end of {self.log} ---", *text.splitlines()[-lines:]])

    def _spawn(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        child = spawn(
            self.command,
            output=output,
            env=self._env,
            cwd=self._cwd,
            identity=self._identity,
            death_signal=self._death_signal,
        )
        self._child = child
        _running.append(self)
        return child

    def _end(self, first: signal.Signals, grace: float) -> None:
        if self._child is not None:
            end_group(self._child, first, grace)
        if self in _running:
            _running.remove(self)


@atexit.register
def stop_all() -> None:
    """Stop whatever still runs, the youngest first."""
    for process in reversed(list(_running)):
        process.stop()
