"""Children start, are waited for, and never outlive us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack import commands
from devstack.errors import CommandFailed, NotReady
from devstack.places import CHECKOUT
from devstack.processes import Process, stop_all

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT_OF_ONE = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"


def alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie that nobody has reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def children_of(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(word) for word in words]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def _make(code: str, **options: object) -> Process:
        command = [sys.executable, "-c", code]
        process = Process("part", command, log=tmp_path / "part.log", **options)
        made.append(process)
        return process

    yield _make
    for process in made:
        process.kill()


def said_up(process: Process) -> Callable[[], bool]:
    return lambda: "up" in process.log.read_text()


def test_a_part_is_ready_when_its_probe_says_so_and_gone_when_stopped(
    make: Callable[..., Process],
) -> None:
    process = make(SLEEPER)
    process.start()
    process.wait_until(said_up(process), seconds=20)
    pid = process.pid
    assert pid is not None
    assert process.running
    process.stop()
    assert not process.running
    assert not alive(pid)


def test_a_part_that_ignores_sigterm_is_killed_after_its_grace(
    make: Callable[..., Process],
) -> None:
    process = make(STUBBORN, grace=0.2)
    process.start()
    process.wait_until(said_up(process), seconds=20)
    process.stop()
    assert not process.running


def test_stopping_a_part_ends_the_children_that_it_left(make: Callable[..., Process]) -> None:
    process = make(PARENT_OF_ONE)
    process.start()
    assert process.pid is not None
    process.wait_until(said_up(process), seconds=20)
    [child] = children_of(process.pid)
    process.kill()
    assert eventually(lambda: not alive(child))


def test_starting_twice_starts_once(make: Callable[..., Process]) -> None:
    process = make(SLEEPER)
    process.start()
    first = process.pid
    process.start()
    assert process.pid == first


def test_a_part_that_ends_early_is_not_waited_for_and_its_log_is_quoted(
    make: Callable[..., Process],
) -> None:
    process = make("print('no such database'); raise SystemExit(3)")
    process.start()
    with pytest.raises(NotReady, match=r"(?s)part ended before it was ready.*no such database"):
        process.wait_until(lambda: False, seconds=60)


def test_waiting_ends_at_its_deadline_with_the_log(make: Callable[..., Process]) -> None:
    process = make(SLEEPER)
    process.start()
    process.wait_until(said_up(process), seconds=20)
    with pytest.raises(NotReady, match=r"(?s)part is not ready after 0 s.*up"):
        process.wait_until(lambda: False, seconds=0.2)


def test_stop_all_leaves_nothing_running(make: Callable[..., Process]) -> None:
    process = make(SLEEPER)
    process.start()
    stop_all()
    assert not process.running


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_part_dies_with_the_run_that_started_it(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "part.log"
    script = (
        "import signal, sys, time\nfrom pathlib import Path\n"
        "from devstack.processes import Process\n"
        # a suite that runs in the background of a shell has Ctrl-C ignored, and so its children
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"command = [sys.executable, '-c', {STUBBORN!r}]\n"
        f"part = Process('part', command, log=Path({str(log)!r}), grace=0.2)\n"
        "part.start()\nprint(part.pid, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(  # noqa: S603  (this very interpreter)
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as run:
        assert run.stdout is not None
        part = int(run.stdout.readline())
        try:
            assert eventually(lambda: log.exists() and "up" in log.read_text())
            assert alive(part)
            run.send_signal(number)
            run.wait(30)
        finally:
            run.kill()
        assert eventually(lambda: not alive(part)), f"{part} survived"


def test_a_command_that_fails_is_quoted_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WORK", tmp_path)
    with pytest.raises(CommandFailed, match=r"(?s)fetch it failed \(exit 7\).*the mirror is away"):
        commands.run(
            [sys.executable, "-c", "print('the mirror is away'); raise SystemExit(7)"],
            what="fetch it",
        )


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "WORK", tmp_path)
    monkeypatch.setattr(commands, "HEARTBEAT_SECONDS", 0.1)
    with pytest.raises(CommandFailed, match="did not end within"):
        commands.run([sys.executable, "-c", SLEEPER], what="hang", seconds=0.3)
    assert not [pid for pid in children_of(os.getpid()) if alive(pid)]


def test_a_command_returns_what_it_printed_and_reads_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WORK", tmp_path)
    said = commands.run(
        [sys.executable, "-c", "import sys; print(sys.stdin.read().upper())"],
        what="echo",
        stdin="ñandú",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert said.strip() == "ÑANDÚ"
