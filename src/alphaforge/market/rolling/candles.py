"""The rolling window that every decision is made from."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from alphaforge.core.candles import CandleSeries, joined
from alphaforge.core.clock import Clock, lag, newest_close
from alphaforge.core.errors import AlphaForgeError
from alphaforge.core.times import rfc3339
from alphaforge.market.rolling.buffer import CandleBuffer
from alphaforge.market.rolling.changes import Changes, changes
from alphaforge.market.rolling.history import M5, Fetched, History
from alphaforge.market.source import CandleArchive, CandleSource
from alphaforge.telemetry import tracing

log = structlog.get_logger(__name__)

CAPACITY = 13_000
"""M5 candles: a thousand closed hours and some."""

_SLACK = 2_000
_REVISED_SECONDS = 3_600
"""How far back somebody else's revisions are looked for."""

_WHOLE_WINDOWS = 6
"""How many windows are fetched from their beginning at the same time: each is some megabytes of pages on the way."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh brought. `new`: closed since the last one; `revised`: known, but now with other numbers.

    `late`: the next candle has ended, but the broker has not completed it yet: ask again soon.
    `backfilled`: candles older than any known that came along.
    """

    new: CandleSeries
    revised: CandleSeries
    late: bool = False
    backfilled: int = 0


@dataclass(frozen=True, slots=True)
class InstrumentStatus:
    """How an instrument's window stands.

    `last_end`: when its newest candle closed, epoch seconds. `refreshed_at`: the monotonic moment of the last
    successful refresh. `error`: why the last refresh failed, empty if it did not. `filled`: the whole window is there,
    or all that the broker has.
    """

    instrument: str
    candles: int
    capacity: int
    filled: bool
    last_end: int | None
    refreshed_at: float | None
    late: bool
    error: str


@dataclass(slots=True)
class RollingTraffic:
    """Counts over all instruments since the start. `joined`: refreshes that found one under way and shared it."""

    refreshes: int = 0
    joined: int = 0
    failures: int = 0
    candles_new: int = 0
    candles_revised: int = 0
    candles_backfilled: int = 0


@dataclass(slots=True)
class _Window:
    buffer: CandleBuffer
    loaded: bool = False
    filled: bool = False
    refreshed_at: float | None = None
    late: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A refresh under way, and the newest close when it began: of a later one it may know nothing.

    `trace`: the step of whoever began it, which has the calls; None where nobody records that.
    """

    task: asyncio.Task[Refreshed]
    close: int
    trace: str | None

    def awaited(self) -> tracing.Step:
        """The step of waiting for it: who began nothing has no calls in his trace, but is told here whose they are."""
        return tracing.span(f"await {self.task.get_name()}", linked=self.trace)


@dataclass(slots=True)
class RollingCandles:
    """Closed M5 candles of each instrument: at least the newest `capacity`, if the broker has as many.

    Memory never runs ahead of the archive: what cannot be kept there is not shown here.
    """

    source: CandleSource
    archive: CandleArchive
    clock: Clock
    capacity: int = CAPACITY
    changed: Callable[[], None] = lambda: None
    traffic: RollingTraffic = field(default_factory=RollingTraffic)
    _windows: dict[str, _Window] = field(default_factory=dict)
    _flights: dict[str, _Flight] = field(default_factory=dict)
    _whole: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WHOLE_WINDOWS))

    async def load(self, instruments: Iterable[str]) -> None:
        """Read what the archive has. Raises StorageError."""
        for instrument in instruments:
            await self._loaded(instrument)

    async def refresh(self, instrument: str) -> Refreshed:
        """Fetch what is missing, keep it in the archive, then show it. Raises MarketError and StorageError.

        Who asks while a refresh of the instrument is under way gets the answer of that one, unless a candle has closed
        since it began.
        """
        close = newest_close(self.clock, M5)
        while (flight := self._flights.get(instrument)) and flight.close < close:
            with flight.awaited():
                await asyncio.wait([flight.task])
        if flight is None:
            return await asyncio.shield(self._begun(instrument).task)
        self.traffic.joined += 1
        with flight.awaited():
            return await asyncio.shield(flight.task)  # one who asks and goes away takes no one else's answer with him

    def begin(self, instruments: Iterable[str]) -> None:
        """Start a refresh of each, for those to share who refresh it before the next close."""
        for instrument in instruments:
            if instrument not in self._flights:
                self._begun(instrument)

    async def recall(self, instruments: Iterable[str]) -> None:
        """Show what somebody else has put into the archive since it was read. Raises StorageError."""
        for instrument in instruments:
            window = await self._loaded(instrument)
            held = window.buffer.series
            if not len(held):
                window.loaded = False  # it was empty when it was read
                await self._loaded(instrument)
                continue
            found = changes(held, await self.archive.since(instrument, int(held.time[-1]) - _REVISED_SECONDS))
            self._show(window, found)

    def series(self, instrument: str) -> CandleSeries:
        """The closed candles in memory, perhaps none; what is handed out never changes."""
        return self._window(instrument).buffer.series

    def age(self, instrument: str) -> float | None:
        """Real seconds since the newest candle closed, by the market's clock; None without candles."""
        series = self.series(instrument)
        return lag(self.clock, series.end) if len(series) else None

    def status(self, instrument: str) -> InstrumentStatus:
        """How the instrument's window stands."""
        window, series = self._window(instrument), self.series(instrument)
        last_end = series.end if len(series) else None
        return InstrumentStatus(
            instrument,
            len(series),
            self.capacity,
            window.filled,
            last_end,
            window.refreshed_at,
            window.late,
            window.error,
        )

    async def aclose(self) -> None:
        """Stop refreshes under way."""
        flights = [flight.task for flight in self._flights.values()]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _begun(self, instrument: str) -> _Flight:
        task = asyncio.create_task(self._refresh(instrument), name=f"refresh {instrument}")
        flight = self._flights[instrument] = _Flight(task, newest_close(self.clock, M5), tracing.traceparent())
        task.add_done_callback(lambda done: self._landed(instrument, done))
        return flight

    def _landed(self, instrument: str, flight: asyncio.Task[Refreshed]) -> None:
        del self._flights[instrument]
        if not flight.cancelled():
            flight.exception()  # whoever waited has it; if nobody did any more, the status tells

    async def _refresh(self, instrument: str) -> Refreshed:
        self.traffic.refreshes += 1
        window = self._window(instrument)
        try:
            window = await self._loaded(instrument)
            fetched = await self._fetch(instrument, window)
            refreshed = await self._take(window, fetched)
        except AlphaForgeError as error:
            self.traffic.failures += 1
            window.error = error.message
            raise
        window.refreshed_at, window.late, window.error = time.monotonic(), fetched.late, ""
        return refreshed

    async def _fetch(self, instrument: str, window: _Window) -> Fetched:
        held = window.buffer.series
        history = History(self.source, self.clock, self.capacity)
        if not (len(held) and window.filled):
            async with self._whole:
                return await history.whole(instrument)
        return await history.since(instrument, int(held.time[-1]))

    async def _take(self, window: _Window, fetched: Fetched) -> Refreshed:
        """Keep what is new in the archive, then in memory."""
        found = changes(window.buffer.series, fetched.series)
        if len(found.all):
            await self.archive.keep(found.all)
        self._show(window, changes(window.buffer.series, fetched.series))
        window.filled = True
        if len(found.all):
            self.changed()
        self.traffic.candles_new += len(found.new)
        self.traffic.candles_revised += len(found.revised)
        self.traffic.candles_backfilled += len(found.older)
        if len(found.revised):
            first = rfc3339(int(found.revised.time[0]))
            log.warning(
                "candles_revised", instrument=window.buffer.series.instrument, count=len(found.revised), first=first
            )
        return Refreshed(found.new, found.revised, fetched.late, len(found.older))

    @staticmethod
    def _show(window: _Window, found: Changes) -> None:
        """Have in memory what differs from it."""
        if len(found.revised) or len(found.older):
            window.buffer.replace(joined(window.buffer.series, found.all))
        elif len(found.new):
            window.buffer.append(found.new)

    async def _loaded(self, instrument: str) -> _Window:
        """The instrument's window, read from the archive when it is first asked for."""
        window = self._window(instrument)
        if not window.loaded:
            series = await self.archive.newest(instrument, self.capacity)
            if not window.loaded:  # nobody else was quicker
                window.buffer.replace(series)
                window.loaded, window.filled = True, len(series) >= self.capacity
        return window

    def _window(self, instrument: str) -> _Window:
        window = self._windows.get(instrument)
        if window is None:
            window = self._windows[instrument] = _Window(CandleBuffer(instrument, M5, self.capacity, _SLACK))
        return window
