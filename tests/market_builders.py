"""Candles, answers and brokers for the tests of the market room."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2
import numpy as np

from alphaforge.core.candles import CandleSeries, empty_series, joined, series_from_columns
from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import InvalidInput, MarketUnavailable
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import rfc3339
from alphaforge.market.oanda import CallLimits, OandaAccess, OandaClient
from alphaforge.market.source import AccountSummary, CandlePage, Heartbeat, Quote

M5 = Granularity.M5
STEP = M5.seconds
MONDAY = 1_719_792_000  # 2024-07-01T00:00:00Z
TOKEN = "a1b2c3d4-secret-token"
ACCOUNT = "101-001-1234567-001"


@dataclass(slots=True)
class HandClock:
    """A market clock that is moved by hand."""

    time: float = float(MONDAY)
    speed: float = 1.0

    def now(self) -> float:
        return self.time


def series(times: Iterable[int], instrument: str = "GBP_USD", *, seed: int = 1, decimals: int = 5) -> CandleSeries:
    """Random candles that a market could make, with prices of so many decimals."""
    time = np.array(sorted(times), np.int64)
    random = np.random.default_rng(seed)
    unit = 10.0**-decimals
    close = 130_000 + np.cumsum(random.integers(-50, 51, len(time)))
    opened = close + random.integers(-40, 41, len(time))
    high = np.maximum(opened, close) + random.integers(0, 30, len(time))
    low = np.minimum(opened, close) - random.integers(0, 30, len(time))
    spread = random.integers(1, 9, len(time))
    columns: list[Any] = [time]
    for shift in (0 * spread, -spread, spread):
        columns += [np.round((price + shift) * unit, decimals) for price in (opened, high, low, close)]
    return series_from_columns(instrument, M5, [*columns, random.integers(0, 900, len(time))])


def candle_row(
    candles: CandleSeries, row: int, *, complete: bool = True, unix: bool = False, decimals: int = 5
) -> dict:
    """A candle as OANDA writes it."""

    def side(name: str) -> dict[str, str]:
        prices = getattr(candles, name).columns()
        return {key: f"{price[row]:.{decimals}f}" for key, price in zip("ohlc", prices, strict=True)}

    time = int(candles.time[row])
    return {
        "complete": complete,
        "volume": int(candles.volume[row]),
        "time": f"{time}.000000000" if unix else rfc3339(time).replace("Z", ".000000000Z"),
        "bid": side("bid"),
        "mid": side("mid"),
        "ask": side("ask"),
    }


def candle_body(candles: CandleSeries, *, incomplete: Sequence[int] = (), unix: bool = False, **changed: Any) -> bytes:
    """An answer with these candles; those at the positions `incomplete` (may be negative) are not complete."""
    still = {position % len(candles) for position in incomplete} if len(candles) else set()
    rows = [candle_row(candles, row, complete=row not in still, unix=unix) for row in range(len(candles))]
    page = {"instrument": candles.instrument, "granularity": "M5", "candles": rows} | changed
    return json.dumps(page, separators=(",", ":")).encode()


def same(left: CandleSeries, right: CandleSeries) -> bool:
    """Whether both hold the same candles, bit for bit."""
    return len(left) == len(right) and all((a == b).all() for a, b in zip(left.columns(), right.columns(), strict=True))


def access(**changed: Any) -> OandaAccess:
    """Access to a practice server that is not there."""
    return OandaAccess.of(
        changed.pop("environment", "practice"),
        TOKEN,
        **({"account_id": ACCOUNT, "api_url": "http://broker.test"} | changed),
    )


QUICK = CallLimits(budget=5.0, pause=0.001, longest_pause=0.002, jitter=0.001, rate_pause=0.001)


def mocked(handler: Callable[[httpx2.Request], Any], **options: Any) -> OandaClient:
    """A client whose requests `handler` answers."""
    options = {"limits": QUICK, "clock": MarketClock()} | options
    given = options.pop("access", None) or access()
    return OandaClient(given, options.pop("clock"), transport=httpx2.MockTransport(handler), **options)


@dataclass(slots=True)
class MemoryArchive:
    """A candle archive that forgets when the test ends; `broken` makes it refuse."""

    kept: dict[str, CandleSeries] = field(default_factory=dict)
    broken: Exception | None = None

    async def newest(self, instrument: str, count: int) -> CandleSeries:
        return self.kept.get(instrument, empty_series(instrument, M5)).last(count)

    async def since(self, instrument: str, start: int) -> CandleSeries:
        return self.kept.get(instrument, empty_series(instrument, M5)).after(start)

    async def keep(self, candles: CandleSeries) -> None:
        if self.broken:
            raise self.broken
        known = self.kept.get(candles.instrument, empty_series(candles.instrument, M5))
        self.kept[candles.instrument] = joined(known, candles)


@dataclass
class FakeBroker:
    """A market in memory that keeps OANDA's rules of asking. `incomplete`: starts of candles not complete yet.

    `most`: the most candles it puts on a page, however many were asked for: pages may be short. `fail_at`: the number
    of the request that fails; `empty_at`: of those answered without candles. `together`: where those who ask for a
    span wait for each other.
    """

    clock: HandClock
    history: dict[str, CandleSeries] = field(default_factory=dict)
    incomplete: set[int] = field(default_factory=set)
    most: int = 5_000
    asked: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    fail_at: int = 0
    empty_at: set[int] = field(default_factory=set)
    together: asyncio.Barrier | None = None
    wait_always: bool = False
    name: str = "fake"
    simulated: bool = True

    async def candles(
        self,
        instrument: str,
        granularity: Granularity,
        *,
        start: int | None = None,
        end: int | None = None,
        count: int | None = None,
    ) -> CandlePage:
        self.asked.append({"start": start, "end": end, "count": count})
        if self.failures:
            raise self.failures.pop(0)
        if len(self.asked) == self.fail_at:
            raise MarketUnavailable("down in the middle")
        if self.together and (count is None or self.wait_always):
            await self.together.wait()
        if (start is not None and end is not None) == (count is not None):
            raise InvalidInput("count + from + to")
        if start is not None and end is not None and end - start > 5_000 * STEP:
            raise InvalidInput("Maximum value for 'count' exceeded")
        if len(self.asked) in self.empty_at:
            return CandlePage(empty_series(instrument, granularity), forming=False)
        there = self.history.get(instrument, empty_series(instrument, granularity))
        there = there.rows(0, int(np.searchsorted(there.time, self.clock.now())))  # begun by now
        if start is not None:
            there = there.after(start)
        if end is not None:
            there = there.rows(0, int(np.searchsorted(there.time, end)))
        if count is not None:
            there = there.rows(0, count) if start is not None else there.last(count)
            there = there.rows(0, self.most) if start is not None else there.last(self.most)
        open_or_late = (there.time + STEP > self.clock.now()) | np.isin(there.time, list(self.incomplete))
        closed = int(np.argmax(open_or_late)) if open_or_late.any() else len(there)
        forming = int(there.time[closed]) if closed < len(there) else None
        return CandlePage(there.rows(0, closed), forming is not None, forming)

    def closed(self, instrument: str = "GBP_USD") -> CandleSeries:
        """What a client may know: closed candles before the first that is not complete."""
        there = self.history[instrument].until(self.clock.now())
        late = np.isin(there.time, list(self.incomplete))
        return there.rows(0, int(np.argmax(late))) if late.any() else there

    def revise(self, start: int, instrument: str = "GBP_USD") -> None:
        """Give the candle of `start` other numbers."""
        there = self.history[instrument]
        other = series([start], instrument, seed=start + Random(start).randrange(99))
        self.history[instrument] = joined(there, other)

    async def quotes(self, instruments: Sequence[str]) -> list[Quote]:
        raise MarketUnavailable("no prices here")

    async def stream(self, instruments: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        raise MarketUnavailable("no prices here")
        yield Heartbeat(0.0)

    async def instruments(self) -> list[Instrument]:
        return []

    async def account(self) -> AccountSummary:
        return AccountSummary("USD", 0.0, 0.0, 0)
