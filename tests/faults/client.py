"""ManyChat as it should be and is not: posts until an answer comes, always under the same key."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from tests.faults.story import PATHS, Post

SENDERS = 8
PAUSE = 0.25
ANSWER_SECONDS = aiohttp.ClientTimeout(total=10)
FINAL = frozenset({202, 413, 422})


@dataclass
class Told:
    """What became of a post: each attempt's span, and the answer that ended them.

    `attempts`: (sent, heard). Each may have kept the event; the last one surely did.
    """

    post: Post
    attempts: list[tuple[datetime, datetime]] = field(default_factory=list)
    status: int = 0
    event_id: str = ""
    odd: list[int] = field(default_factory=list)


class Client:
    """Posts a story in a thread of its own; `allow` tells how far it may go.

    `per_second` is the most that it starts, so that a fault meets events for as long as it lasts.
    """

    def __init__(self, url: str, key: str, posts: Sequence[Post], per_second: float) -> None:
        self.told = [Told(post) for post in posts]
        self.done = 0
        self._url, self._key = url, key
        self._gap, self._free_at = 1.0 / per_second, 0.0
        self._next = self._allowed = 0
        self._error: BaseException | None = None
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="client", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def allow(self, posts: int) -> None:
        """Let the first `posts` of the story be sent."""
        self._allowed = posts

    @property
    def idle(self) -> bool:
        """Whether everything that was allowed has been answered. Raises what the thread died of."""
        if self._error is not None:
            raise self._error
        return self.done >= self._allowed

    def stop(self) -> None:
        self._stop = True
        self._thread.join(30)

    def _run(self) -> None:
        try:
            asyncio.run(self._send_all())
        except BaseException as error:  # noqa: BLE001  (told to whoever waits)
            self._error = error

    async def _send_all(self) -> None:
        headers = {"X-API-KEY": self._key, "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers, timeout=ANSWER_SECONDS) as session:
            await asyncio.gather(*(self._sender(session) for _ in range(SENDERS)))

    async def _sender(self, session: aiohttp.ClientSession) -> None:
        while self._next < len(self.told) and not self._stop:
            if self._next >= self._allowed:
                await asyncio.sleep(0.02)
                continue
            told = self.told[self._next]
            self._next += 1
            await self._turn()
            while told.status not in FINAL and not self._stop:
                await self._attempt(session, told)
            self.done += 1

    async def _turn(self) -> None:
        now = time.monotonic()
        self._free_at = max(now, self._free_at + self._gap)
        await asyncio.sleep(self._free_at - now)

    async def _attempt(self, session: aiohttp.ClientSession, told: Told) -> None:
        post = told.post
        headers = {} if post.in_body or post.poison else {"idempotency-key": post.key}
        sent = datetime.now(UTC)
        try:
            async with session.post(
                self._url + PATHS[post.kind], data=post.body, headers=headers
            ) as answer:
                told.status = answer.status
                if answer.status in FINAL:
                    told.event_id = str((await answer.json(content_type=None))["event_id"])
        except (aiohttp.ClientError, TimeoutError, ValueError):
            told.status = 0  # it may have been kept, or not
        told.attempts.append((sent, datetime.now(UTC)))
        if told.status not in FINAL:
            if told.status:
                told.odd.append(told.status)
            await asyncio.sleep(PAUSE)
