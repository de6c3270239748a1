"""What clients have spent, counted in Redis for all processes together.

One journey counts and decides at once. Redis gone or slow means that each process counts for itself; after a failure it
is left alone for a moment, so that a dead one costs hardly a request its patience, and none an error.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from alphaforge.cache.windows import WINDOW, Counts, window_of

log = structlog.get_logger(__name__)

PATIENCE = 0.1
"""Seconds that Redis has for an answer."""

REST = 2.0
"""Seconds for which Redis is not asked after a failure."""

_SPEND = """
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
local before = tonumber(redis.call('GET', KEYS[2]) or '0')
if current + before * (1 - tonumber(ARGV[1])) + 1 <= tonumber(ARGV[2]) then
  redis.call('INCR', KEYS[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {current, before}
"""
"""Takes one where there is one; answers what had been spent before."""


class SharedAllowance:
    """Counts under `prefix`, which must differ between desks that share a Redis. `clock` in epoch seconds."""

    def __init__(
        self, url: str, prefix: str, clock: Callable[[], float] = time.time, patience: float = PATIENCE
    ) -> None:
        self._redis = Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience, protocol=2)
        self._patience = patience
        self._spend = self._redis.register_script(_SPEND)
        self._prefix = prefix
        self._clock = clock
        self._rests_until = 0.0
        self.failures = 0

    async def spend(self, client: str, limit: int) -> Counts | None:
        """Take one where `limit` allows it; what was spent before it, or None where Redis cannot say."""
        if time.monotonic() < self._rests_until:
            return None
        window, gone = window_of(self._clock())
        keys = [f"{self._prefix}:{number}:{client}" for number in (window, window - 1)]
        try:
            async with asyncio.timeout(self._patience):
                current, before = await self._spend(keys, [gone, limit, int(2 * WINDOW * 1000)])
        except (RedisError, OSError, TimeoutError) as error:
            self.failures += 1
            self._rests_until = time.monotonic() + REST
            log.warning("redis_unavailable", reason=type(error).__name__, advice="Requests are counted here meanwhile.")
            return None
        return Counts(current, before, gone)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
