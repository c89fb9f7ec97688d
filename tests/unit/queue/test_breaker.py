"""While the queue hangs, callers are told at once; one in five seconds tries again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from bridge.errors import AwayError, BridgeError, BusyError, TransientError, UnusableEvent
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.queue.breaker import Breaker
from bridge.queue.sender import QueueSender
from bridge.settings import load_settings

DOWN = AwayError("queue_unreachable")


class House:
    """A sender whose client raises `error`, or hangs, or takes what it gets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.breaker = Breaker(lambda: self.seconds)
        self.sender = QueueSender(
            load_settings(_env_file=None, api_key="key"),
            wire_for=lambda *_given: self,  # type: ignore[arg-type,return-value]
            breaker=self.breaker,
        )
        self.error: Exception | None = ServiceRequestError("down")
        self.asked = 0

    async def put(self, _text: str) -> None:
        self.asked += 1
        if self.error:
            raise self.error

    async def send(self, size: int = 1) -> BridgeError | None:
        payload = {"manychat_id": "MC-1", "summary": "x" * size}
        envelope = Envelope(
            id="e", type=EventType.CONTACT, received_at=datetime(2025, 1, 1, tzinfo=UTC),
            occurred_at=None, payload=payload,
        )  # fmt: skip
        try:
            await self.sender.send("queue", envelope)
        except BridgeError as error:
            return error
        return None

    async def codes(self, count: int) -> list[str]:
        return [error.code if (error := await self.send()) else "sent" for _ in range(count)]


@pytest.fixture
def house() -> House:
    return House()


async def test_after_three_failures_the_queue_is_not_asked(house: House) -> None:
    assert await house.codes(5) == ["queue_unreachable"] * 3 + ["queue_breaker_open"] * 2
    assert (house.asked, house.breaker.is_open) == (3, True)


async def test_one_call_tries_again_and_the_others_do_not_wait_for_it(house: House) -> None:
    await house.codes(3)
    house.seconds = 5.0
    assert await house.codes(2) == ["queue_unreachable", "queue_breaker_open"]
    house.seconds = 9.9
    assert await house.codes(1) == ["queue_breaker_open"]
    house.seconds = 10.0
    house.error = None
    assert await house.codes(2) == ["sent", "sent"]
    assert not house.breaker.is_open


async def test_failures_that_a_success_parts_open_nothing(house: House) -> None:
    for _ in range(3):
        house.error = ServiceRequestError("down")
        await house.codes(2)
        house.error = None
        assert await house.codes(1) == ["sent"]
    assert not house.breaker.is_open


async def test_an_event_that_does_not_fit_is_not_the_queues_fault(house: House) -> None:
    house.error = None
    for _ in range(3):
        assert isinstance(await house.send(size=60_000), UnusableEvent)
    assert (house.asked, house.breaker.is_open) == (0, False)


async def test_a_caller_that_gives_up_waiting_counts_as_a_failure(house: House) -> None:
    async def hang(*_given: Any, **_options: Any) -> None:
        await asyncio.Event().wait()

    house.put = hang  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await house.send()
    assert await house.codes(1) == ["queue_breaker_open"]


def test_the_queues_own_wish_is_how_long_it_stays_open() -> None:
    breaker = Breaker(lambda: 100.0)
    for _ in range(3):
        breaker.failed(BusyError("queue_busy", retry_after=20))
    assert breaker._next_try == 120.0
    for error in (DOWN, TransientError("queue_http_500"), HttpResponseError("x")):
        breaker.failed(error)
    breaker.succeeded()
    breaker.admit()
