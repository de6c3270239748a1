"""The scheduled scan: at every M5 close, until the broker says that the candle is complete."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from alphaforge.core.clock import CLOCK_DOUBT, Clock, lag
from alphaforge.core.errors import AlphaForgeError
from alphaforge.core.granularity import Granularity
from alphaforge.telemetry import tracing
from alphaforge.workflows.scan_market import ScanResult

log = structlog.get_logger(__name__)

CLOSE_DELAY = 0.5
"""Market seconds after a close, beside the doubt about the clock, at which the candle is first asked for."""

COMPLETION_LIMIT = 60.0
"""Seconds for which a candle that is not complete yet is asked for again; it was seen 45 s late."""

Scan = Callable[[Sequence[str]], Awaitable[Sequence[ScanResult]]]


@dataclass(slots=True)
class ScanSchedule:
    """Runs `scan` for ever. `is_open` says whether an instrument traded in the five minutes before a moment."""

    scan: Scan
    clock: Clock
    names: Callable[[], Sequence[str]]
    was_open: Callable[[str, int], bool]
    _wait: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def run(self) -> None:
        """Scan at every close, the first time at once, until cancelled."""
        boundary = Granularity.M5.floor(self.clock.now())
        await self._scan_close(boundary, self.names())
        while True:
            boundary = await self._next_close(boundary)
            trading = [name for name in self.names() if self.was_open(name, boundary)]
            if trading:
                await self._scan_close(boundary, trading)

    async def _next_close(self, boundary: int) -> int:
        """Wait for the close after `boundary`, by the market's clock; answers the newest one passed.

        Set back by more than a candle, the clock was wrong before: at the start it may have been the machine's, which
        says nothing of a market of another time.
        """
        step = Granularity.M5.seconds
        following = boundary + step
        while (ahead := following + CLOSE_DELAY + CLOCK_DOUBT * self.clock.speed - self.clock.now()) > 0:
            if ahead > 2 * step + CLOSE_DELAY + CLOCK_DOUBT * self.clock.speed:
                following = Granularity.M5.floor(self.clock.now()) + step
                continue
            await self._wait(min(ahead / self.clock.speed, 1.0))
        return max(following, Granularity.M5.floor(self.clock.now()))

    async def _scan_close(self, boundary: int, names: Sequence[str]) -> None:
        """Scan, and again for the instruments whose candle is late or whose market did not answer."""
        with tracing.begin("scan"):
            await self._until_complete(boundary, names)

    async def _until_complete(self, boundary: int, names: Sequence[str]) -> None:
        for pause in _pauses():
            try:
                results = await self.scan(names)
            except AlphaForgeError as error:  # the next close is a new chance; this one is on record
                log.error("scan_failed", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
                return
            names = [result.instrument for result in results if result.late]
            if not names or lag(self.clock, boundary) > COMPLETION_LIMIT:
                return
            await self._wait(pause)


def _pauses() -> Iterator[float]:
    """Seconds between attempts: quick at first, then every five."""
    yield from (0.5, 0.5, 1.0, 2.0)
    while True:
        yield 5.0
