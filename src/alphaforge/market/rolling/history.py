"""Which pages to ask for so that nothing is missing and little comes twice."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import reduce
from typing import Any

from alphaforge.core.candles import CandleSeries, joined
from alphaforge.core.clock import Clock
from alphaforge.core.errors import MalformedAnswer
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339
from alphaforge.market.source import CandlePage, CandleSource

M5 = Granularity.M5
STEP = M5.seconds

_MOST = 5_000
_SPAN = (_MOST - 2) * STEP
"""Seconds of a window: a little below the limit, in case a broker counts a candle at each of its ends."""

_OVERLAP = 2
"""Candles before the last known one that are asked for again: a revision of the newest few shows at no extra cost."""

_GAP_WINDOWS = 5
"""A gap of more windows is not filled: the capacity's candles all lie behind it."""

_MOST_PAGES = 200
_HISTORY_ENDS = 4
"""Answers in a row without a candle before which there is taken to be nothing."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Closed candles without a gap that the broker would fill. `late`: the next one has ended but is not complete."""

    series: CandleSeries
    late: bool


@dataclass(frozen=True, slots=True)
class History:
    """Asks `source` for M5 candles. Raises MarketError."""

    source: CandleSource
    clock: Clock
    capacity: int

    async def since(self, instrument: str, last: int) -> Fetched:
        """The candles from a little before `last`, the start of the newest known one, in one request as a rule."""
        start = last - _OVERLAP * STEP
        missing = max(0, int(self.clock.now()) - start) // STEP + 1
        if missing > _GAP_WINDOWS * _MOST:
            return await self.whole(instrument)
        count = min(missing + 2, _MOST)
        pages = await self._gap(instrument, start, missing) if missing + 2 > _MOST else []
        pages = pages or [await self._from_known(instrument, start, last, count)]
        known = last + STEP
        while self._goes_on(pages[-1], known, count):
            if len(pages) > _MOST_PAGES:
                raise MalformedAnswer(f"OANDA's candles of {instrument} have no end")
            known, count = pages[-1].closed.end, _MOST
            pages.append(await self._page(instrument, start=known, count=count))
        return self._together(pages)

    async def _from_known(self, instrument: str, start: int, last: int, count: int) -> CandlePage:
        """A page that begins with known candles: an empty one cannot be."""
        for _ in range(2):
            page = await self._page(instrument, start=start, count=count)
            if len(page.closed) or page.forming:
                return page
        now = self.clock.now()
        if last > now + STEP:
            raise MalformedAnswer(
                f"The market's clock says {rfc3339(int(now))}, but there is a {instrument} candle of {rfc3339(last)}",
                advice="A replay that starts anew needs a database of its own. Otherwise look at the machine's clock.",
            )
        raise MalformedAnswer(f"OANDA sent no {instrument} candles of a time of which it had some")

    def _goes_on(self, page: CandlePage, known: int, count: int) -> bool:
        """Whether there may be more behind a page: it is full, or brought candles after `known` but not up to now.

        A short page does not mean the end. Where it brought nothing new, the market is quiet: asking on would not end.
        """
        if page.forming or not len(page.closed) or page.closed.end <= known:
            return False
        return len(page.closed) >= count or page.closed.end < M5.floor(self.clock.now())

    async def whole(self, instrument: str) -> Fetched:
        """The newest `capacity` candles, and a few more: the newest page, then the page before the oldest known one.

        Pages by number are always full, whatever weekends lie between: an instrument takes as few as can be. There are
        no more connections than instruments at first, so windows side by side would only wait for each other.
        """
        newest = await self._page(instrument, count=_MOST)
        pages = [newest.closed]
        found = len(newest.closed)
        while 0 < found < self.capacity:
            if len(pages) > _MOST_PAGES:
                raise MalformedAnswer(f"OANDA's candles of {instrument} come a few at a time")
            older = await self._before(instrument, int(pages[-1].time[0]))
            if not len(older):
                break
            pages.append(older)
            found += len(older)
        series = reduce(joined, reversed(pages))
        return self._together([CandlePage(series, newest.forming, newest.forming_start)])

    async def _before(self, instrument: str, edge: int) -> CandleSeries:
        """The last candles before `edge`; none is believed only after several answers: it would hold for ever."""
        for _ in range(_HISTORY_ENDS):
            page = await self._page(instrument, end=edge, count=_MOST)
            if page.forming:
                raise MalformedAnswer(f"OANDA has candles of {instrument} from long ago that are not complete")
            if len(page.closed):
                return page.closed
        return page.closed

    async def _gap(self, instrument: str, start: int, missing: int) -> list[CandlePage]:
        """A gap that no single page fills: windows side by side, the last one without an end."""
        starts = range(start, start + missing * STEP, _SPAN)
        older = [self._span(instrument, at, at + _SPAN) for at in starts[:-1]]
        return await _side_by_side([*older, self._page(instrument, start=starts[-1], count=_MOST)])

    async def _span(self, instrument: str, start: int, end: int) -> CandlePage:
        """A window; one without any candle is asked for twice: believed wrongly, it would leave a hole for ever."""
        page = await self._page(instrument, start=start, end=end)
        return page if len(page.closed) or page.forming else await self._page(instrument, start=start, end=end)

    def _together(self, pages: list[CandlePage]) -> Fetched:
        """The pages, oldest first, as one; up to the first that ends in a candle that is not complete."""
        series = pages[0].closed
        forming = pages[0].forming_start
        for page in pages[1:]:
            if forming is not None:
                break
            series, forming = joined(series, page.closed), page.forming_start
        now = self.clock.now()
        if len(series) and series.time[-1] > now + STEP:
            at = rfc3339(int(series.time[-1]))
            raise MalformedAnswer(f"OANDA sent a closed {series.instrument} candle of {at}, which is in the future")
        return Fetched(series, late=forming is not None and forming + STEP <= now)

    async def _page(
        self, instrument: str, *, start: int | None = None, end: int | None = None, count: int | None = None
    ) -> CandlePage:
        return await self.source.candles(instrument, M5, start=start, end=end, count=count)


async def _side_by_side(pages: list[Coroutine[Any, Any, CandlePage]]) -> list[CandlePage]:
    """All pages, in the order asked for, or the first error; then the others are not waited for."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(page) for page in pages]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
