"""How often one key may ask: counted in this process, off unless `RATE_LIMIT` says otherwise."""

from __future__ import annotations

import math
import time

from fastapi import Request
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bridge.api.parts import settings_of
from bridge.api.problems import TooOften
from bridge.log import get_logger
from bridge.metrics import RATE_LIMITED

_log = get_logger(__name__)


class KeyRates:
    """Counts the requests of each key; `rate` is such as `600/minute`."""

    def __init__(self, rate: str) -> None:
        self._rate = parse(rate)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    async def seconds_to_wait(self, key: str) -> int:
        """0 where the request may go on, and is counted; `key` is a digest."""
        if await self._windows.hit(self._rate, key):
            return 0
        window = await self._windows.get_window_stats(self._rate, key)
        return max(1, math.ceil(window.reset_time - time.time()))


async def count(request: Request, digest: bytes, scope: str) -> None:
    """Count a request with a right key. Raises TooOften with the seconds to wait."""
    rate = settings_of(request.app).rate_limit
    if not rate:
        return
    state = request.app.state
    if getattr(state, "key_rates", None) is None:
        state.key_rates = KeyRates(rate)
    wait = await state.key_rates.seconds_to_wait(digest.hex())
    if wait:
        RATE_LIMITED.labels(scope).inc()
        _log.warning("rate_limited", key_scope=scope, retry_after=wait)
        raise TooOften(headers={"Retry-After": str(wait)})
