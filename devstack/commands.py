"""Run one command to its end, its output in a log file that an error quotes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from devstack import progress
from devstack.errors import CommandFailed
from devstack.places import WORK
from devstack.spawning import Identity, end_group, spawn

Words = list[str | Path]
HEARTBEAT_SECONDS = 15.0


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    identity: Identity | None = None,
    stdin: str | None = None,
    seconds: float = 1800.0,
) -> str:
    """Run `command` and return what it printed.

    `env` takes the place of ours. Raises CommandFailed with the last lines of the output, which
    then stays whole in `.devstack/logs`.
    """
    words = [str(word) for word in command]
    log = _log_file(what)
    with log.open("wb") as output, TemporaryFile() as given:
        given.write((stdin or "").encode())
        given.seek(0)
        child = spawn(
            words,
            output=output,
            env=env,
            cwd=cwd,
            identity=identity,
            stdin=given,
        )
        _finish(child, what, seconds)
    text = log.read_text(errors="replace")
    if child.returncode:
        tail = "\n".join(text.splitlines()[-25:])
        raise CommandFailed(f"{what} failed (exit {child.returncode}), see {log}\n{tail}")
    log.unlink()
    return text


def _finish(child: subprocess.Popen[bytes], what: str, seconds: float) -> None:
    began = time.monotonic()
    try:
        while (spent := time.monotonic() - began) < seconds:
            try:
                child.wait(HEARTBEAT_SECONDS)
                return
            except subprocess.TimeoutExpired:
                progress.say(f"{what}: still at it")
        raise CommandFailed(f"{what} did not end within {spent:.0f} s")
    finally:
        end_group(child, signal.SIGTERM, 5.0)


def _log_file(what: str) -> Path:
    folder = WORK / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in what)
    return folder / f"{name[:60]}-{os.getpid()}.log"  # two runs may do the same at once
