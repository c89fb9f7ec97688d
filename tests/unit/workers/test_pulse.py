"""A part that hangs is told by its flag, and the health port passes it on."""

from __future__ import annotations

from threading import Event as Flag
from threading import Semaphore, Thread

import pytest
import requests

from bridge.workers.health import HealthServer
from bridge.workers.loop import QueueWorker
from bridge.workers.pulse import HUNG_SECONDS, Pulses
from bridge.workers.runner import run_parts


class Clock:
    """Told by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulses(clock: Clock) -> Pulses:
    return Pulses(clock)


def test_a_part_that_comes_round_is_well(pulses: Pulses, clock: Clock) -> None:
    flag = pulses.flag_for("crm", Flag())
    assert not pulses.all_begun()
    assert not flag.is_set()
    assert pulses.all_begun()
    clock.now += HUNG_SECONDS - 1
    assert pulses.hung() == []
    assert not flag.wait(0)
    clock.now += HUNG_SECONDS - 1
    assert pulses.hung() == []


def test_a_part_that_does_not_come_round_is_named(pulses: Pulses, clock: Clock) -> None:
    flag, other = pulses.flag_for("crm", Flag()), pulses.flag_for("contact", Flag())
    flag.is_set()
    clock.now += HUNG_SECONDS + 1
    other.is_set()
    assert pulses.hung() == ["crm"]
    flag.is_set()
    assert pulses.hung() == []


def test_a_part_that_has_not_begun_is_not_hung_but_not_ready(pulses: Pulses, clock: Clock) -> None:
    pulses.flag_for("crm", Flag())
    clock.now += HUNG_SECONDS + 1
    assert (pulses.hung(), pulses.all_begun()) == ([], False)


@pytest.mark.parametrize("seconds", [None, 3600.0])
def test_a_wait_is_rest(pulses: Pulses, clock: Clock, seconds: float | None) -> None:
    stop = Flag()
    flag = pulses.flag_for("schedule", stop)
    resting = Thread(target=flag.wait, args=(seconds,))
    resting.start()
    while not flag.has_begun:
        pass
    clock.now += 3600
    assert pulses.hung() == []
    flag.set()
    resting.join()
    assert stop.is_set()


def test_a_receiver_whose_lanes_hang_is_no_sign_of_life(pulses: Pulses, clock: Clock) -> None:
    stop = Flag()
    flag = pulses.flag_for("contact", stop)
    flag.is_set()
    worker = object.__new__(QueueWorker)
    worker._room = Semaphore(0)
    waiting = Thread(target=worker._take_room, args=(1, flag))
    waiting.start()
    clock.now += HUNG_SECONDS + 1
    waiting.join(0.5)  # longer than one look at the flag
    assert pulses.hung() == ["contact"]
    stop.set()
    waiting.join()


def test_the_health_port_tells_of_parts_that_hang_or_have_not_begun() -> None:
    clock = Clock()
    pulses = Pulses(clock)
    server = HealthServer(0, "127.0.0.1", pulses=pulses)
    stop = Flag()
    serving = Thread(target=server.run, args=(stop,))
    flag = pulses.flag_for("crm", stop)
    serving.start()

    def told() -> list[int]:
        url = f"http://127.0.0.1:{server.port}"
        return [requests.get(f"{url}{path}", timeout=5).status_code
                for path in ("/health", "/ready")]  # fmt: skip

    try:
        assert told() == [200, 503]
        flag.is_set()
        assert told() == [200, 200]
        clock.now += HUNG_SECONDS + 1
        assert told() == [503, 503]
        flag.is_set()
        assert told() == [200, 200]
    finally:
        stop.set()
        serving.join()


def test_every_part_gets_a_flag_of_its_own_and_stops_by_it() -> None:
    pulses, stop = Pulses(), Flag()
    seen: list[object] = []

    def part(flag: Flag) -> None:
        seen.append(flag)
        if len(seen) == 2:
            stop.set()
        flag.wait()

    parts = {"one": part, "two": part}
    assert run_parts(parts, stop, signals=(), flag_for=pulses.flag_for) == 0
    assert seen[0] is not seen[1]
    assert pulses.all_begun()
