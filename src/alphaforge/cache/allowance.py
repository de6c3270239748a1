"""What clients have spent, counted in Redis for all processes together.

One journey counts and decides at once. Redis gone or slow means that each process counts for itself; after a failure it
is left alone for a moment, so that a dead one costs hardly a request its patience, and none an error.
"""

import time
from collections.abc import Callable

from alphaforge.cache.breaker import PATIENCE, Breaker
from alphaforge.cache.windows import WINDOW, Counts, window_of

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
        self.breaker = Breaker(url, "Requests are counted here meanwhile.", patience)
        self._spend = self.breaker.redis.register_script(_SPEND)
        self._prefix = prefix
        self._clock = clock

    @property
    def failures(self) -> int:
        """How often Redis could not say."""
        return self.breaker.failures

    async def spend(self, client: str, limit: int) -> Counts | None:
        """Take one where `limit` allows it; what was spent before it, or None where Redis cannot say."""
        window, gone = window_of(self._clock())
        keys = [f"{self._prefix}:{number}:{client}" for number in (window, window - 1)]
        spent = await self.breaker.ask(lambda: self._spend(keys, [gone, limit, int(2 * WINDOW * 1000)]))
        if spent is None:
            return None
        current, before = spent
        return Counts(current, before, gone)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.breaker.aclose()
