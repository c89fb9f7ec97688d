"""Parts run together, stop together, and one that dies takes the process down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag

import pytest
import requests

from bridge.workers.health import HealthServer
from bridge.workers.runner import STOP_SIGNALS, run_parts


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def until_stopped(stop: Flag) -> None:
    stop.wait()


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_stops_every_part_and_the_exit_is_clean(number: signal.Signals) -> None:
    ended: list[str] = []

    def part(stop: Flag) -> None:
        stop.wait()
        ended.append("part")

    def caller(stop: Flag) -> None:
        os.kill(os.getpid(), number)
        stop.wait()
        ended.append("caller")

    assert run_parts({"part": part, "caller": caller}) == 0
    assert sorted(ended) == ["caller", "part"]


def test_a_part_that_dies_stops_the_others_and_the_exit_is_1() -> None:
    def dying(_stop: Flag) -> None:
        raise ValueError("bug")

    assert run_parts({"good": until_stopped, "bad": dying}, signals=()) == 1


def test_a_part_that_returns_before_the_stop_counts_as_dead() -> None:
    assert run_parts({"good": until_stopped, "bad": lambda _stop: None}, signals=()) == 1


def test_a_part_that_hangs_is_left_behind_after_the_grace() -> None:
    never = Flag()
    stop = Flag()
    stop.set()
    left: list[int] = []
    parts = {"hung": lambda _stop: never.wait() and None}
    assert run_parts(parts, stop, 0.01, (), leave=left.append) == 0
    never.set()
    assert left == [0]


def test_a_hung_thread_of_a_pool_keeps_no_process_alive() -> None:
    code = (
        "import sys, threading; from concurrent.futures import ThreadPoolExecutor\n"
        "from bridge.workers.runner import run_parts\n"
        "def part(stop):\n"
        "    hung = ThreadPoolExecutor(1).submit(threading.Event().wait)\n"
        "    print('up', flush=True); hung.result()\n"
        "sys.exit(run_parts({'part': part}, grace=0.1))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)  # noqa: S603
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


def test_a_process_ends_by_sigterm_with_exit_code_0() -> None:
    code = (
        "import sys; from bridge.workers.runner import run_parts\n"
        "def part(stop):\n"
        "    print('up', flush=True); stop.wait()\n"
        "sys.exit(run_parts({'part': part}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)  # noqa: S603
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


def test_a_signal_that_another_thread_receives_ends_the_process_all_the_same() -> None:
    code = """
import signal, sys, threading, traceback
from bridge.workers.runner import run_parts

def main_waits():
    frame = sys._current_frames()[threading.main_thread().ident]
    names = [one.name for one in traceback.extract_stack(frame)]
    return names[-3:] == ["run_parts", "wait", "wait"]

def part(stop):
    while not main_waits():
        pass
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    print("up", flush=True)
    stop.wait()

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
sys.exit(run_parts({"part": part}))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)  # noqa: S603
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.terminate()
    try:
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()


@contextmanager
def serving(server: HealthServer) -> Iterator[str]:
    stop = Flag()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_health_answers_while_the_process_works() -> None:
    with serving(HealthServer(0, "127.0.0.1")) as url:
        assert requests.get(f"{url}/health", timeout=5).json() == {"status": "ok"}
        assert requests.get(f"{url}/secret", timeout=5).status_code == 404
        assert "bridge_events" in requests.get(f"{url}/metrics", timeout=5).text


def test_metrics_take_one_of_the_keys_and_health_takes_none() -> None:
    with serving(HealthServer(0, "127.0.0.1", metrics_keys=["one", "two"])) as url:
        for key, status in (("one", 200), ("two", 200), ("three", 401), ("", 401), ("ñ", 401)):
            headers = {"X-API-KEY": key.encode()}
            assert requests.get(f"{url}/metrics", headers=headers, timeout=5).status_code == status
        assert requests.get(f"{url}/metrics", timeout=5).status_code == 401
        assert requests.get(f"{url}/health", timeout=5).status_code == 200
