"""At most so many events in any window of time."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable


class WindowLimiter:
    """Lets `limit` events pass in any stretch of `window` seconds, in the order in which they ask.

    Unlike a bucket that refills, it is exact: wherever a window of that length is laid, no more than `limit`
    events lie in it. The moment that counts is the one at which `acquire` returns.
    """

    def __init__(
        self,
        limit: int,
        window: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._window = window
        self._now = now
        self._sleep = sleep
        self._passed: deque[float] = deque([float("-inf")] * limit, maxlen=limit)
        self._turn = asyncio.Lock()

    async def acquire(self) -> float:
        """Wait until one more event may happen, and count it as of now; answers that moment."""
        async with self._turn:
            while (wait := self.wait()) > 0:
                await self._sleep(wait)
            self._passed.append(moment := self._now())
            return moment

    def happened(self, moment: float) -> None:
        """The event that was let pass at `moment` happened between then and now: count it as of now.

        A busy process may come to it late, and the next ones would follow it too closely.
        """
        if moment in self._passed:
            self._passed.remove(moment)
            self._passed.append(self._now())

    def wait(self) -> float:
        """Seconds until one more event may happen; 0 where it may happen at once."""
        # the sum is compared, not the difference: what may pass is decided by the same numbers as how long it waits
        return max(0.0, self._passed[0] + self._window - self._now())

    def free(self) -> int:
        """How many events may happen at once."""
        now = self._now()
        return sum(passed + self._window <= now for passed in self._passed)
