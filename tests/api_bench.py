"""What the application stands on in tests: a market that stands still, so that every answer is exactly known."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import numpy as np
import pytest

from alphaforge.api.services import CandleFacts, ChannelFacts, MarketFacts, Services
from alphaforge.core.candles import CandleSeries, empty_series, series_from_columns
from alphaforge.core.errors import NotDelivered, NotFound, UnknownInstrument
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS, Instrument
from alphaforge.core.market_hours import MarketHours, hours_of
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.source import Quote
from alphaforge.signals.model import Decision, Direction, Status
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.job_board import JobBoard
from builders import decision

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what has nothing to do with the kind of the database."""

NOW = parse_rfc3339("2026-03-03T10:02:30Z")
"""A Tuesday, two and a half minutes after a candle closed."""


@dataclass
class FakeClock:
    moment: float = NOW
    speed: float = 1.0

    def now(self) -> float:
        return self.moment


@dataclass(frozen=True)
class FakeResult:
    instrument: str
    decision: Decision | None = None
    signal_id: int | None = None
    reason: str = ""
    problem: str | None = None
    earlier_id: int | None = None


@dataclass(frozen=True)
class FakeSettlement:
    signal_id: int
    instrument: str
    status: Status
    exit_price: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class FakeKelly:
    win_rate: float = 0.0
    avg_win: float = 0.0
    avg_loss: float = 0.0
    win_loss_ratio: float | None = 0.0
    recommended_risk: float = 0.02
    trade_count: int = 0


@dataclass
class FakeDesk:
    results: list[FakeResult] = field(default_factory=list)
    settlements: list[FakeSettlement] = field(default_factory=list)
    recorded: list[tuple[str, float, float]] = field(default_factory=list)
    asked: list[Sequence[str] | None] = field(default_factory=list)
    fails: Exception | None = None
    settings: StrategySettings = DEFAULT_SETTINGS

    async def scan(self, instruments: Sequence[str] | None = None) -> Sequence[FakeResult]:
        if self.fails:
            raise self.fails
        self.asked.append(instruments)
        found = {one.instrument: one for one in self.results}
        cold = FakeResult("", reason="warming_up: 200 of 13000 candles")
        names = instruments or found or ("GBP_USD", "XAU_USD", "USD_JPY")
        return [found.get(name) or replace(cold, instrument=name) for name in names]

    async def settle(self, *, own_only: bool) -> Sequence[FakeSettlement]:
        assert not own_only, "whoever asks wants the predecessor's signals settled too"
        return self.settlements

    async def record_trade_result(
        self, connection: AsyncConnection, instrument: str, profit_loss: float, risk: float
    ) -> FakeKelly:
        self.recorded.append((instrument, profit_loss, risk))
        return FakeKelly(trade_count=len(self.recorded))

    async def kelly(self, instrument: str | None = None) -> FakeKelly:
        return FakeKelly(trade_count=len(self.recorded))


@dataclass
class FakeStrategy:
    settings: StrategySettings = DEFAULT_SETTINGS
    is_running: bool = False
    is_scanning: bool = False
    last_scan_at: float | None = None
    last_results: dict[str, FakeResult] = field(default_factory=dict)
    last_failure: Exception | None = None

    async def start(self) -> None:
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False


@dataclass
class FakeAlerts:
    """Channels that remember what was asked of them; `dead` ones take nothing."""

    channels: list[ChannelFacts] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    tested: list[str] = field(default_factory=list)
    enabled: list[str] = field(default_factory=list)

    async def facts(self) -> Sequence[ChannelFacts]:
        return self.channels

    async def test(self, name: str) -> None:
        self._known(name)
        if name in self.dead:
            raise NotDelivered("Failed to send: error=503.")
        self.tested.append(name)

    async def enable(self, name: str) -> None:
        self._known(name)
        self.enabled.append(name)

    def _known(self, name: str) -> None:
        if name not in {one.name for one in self.channels}:
            raise NotFound(f"There is no channel {name!r}")


def idle_board(database: Database) -> JobBoard:
    """A board whose jobs wait, since nobody works on them."""
    return JobBoard(database, Engine(database, (), 1, "nobody"), in_background=True)


@dataclass
class FakeMarket:
    """Prices, candles, instruments and facts of a market that stands still."""

    known_quotes: dict[str, Quote] = field(default_factory=dict)
    memory: dict[str, CandleSeries] = field(default_factory=dict)
    archive: dict[str, CandleSeries] = field(default_factory=dict)
    facts: MarketFacts = field(default_factory=lambda: MarketFacts("sandbox", simulated=True, connected=True))
    loaded: int = 13_000
    watched: tuple[str, ...] = ("GBP_USD", "XAU_USD", "USD_JPY")
    known: dict[str, Instrument] = field(default_factory=lambda: dict(FALLBACK_INSTRUMENTS))
    started_at: float = NOW - 60
    gemini_configured: bool = False

    async def quotes(self, instruments: Sequence[str]) -> Sequence[Quote]:
        return [self.known_quotes[name] for name in instruments if name in self.known_quotes]

    def series(self, instrument: str) -> CandleSeries:
        return self.memory.get(instrument, empty_series(instrument, Granularity.M5))

    async def between(self, instrument: str, start: int, end: int) -> CandleSeries:
        kept = self.archive.get(instrument, empty_series(instrument, Granularity.M5))
        return kept.after(start).rows(0, int(np.searchsorted(kept.after(start).time, end)))

    def hours(self, instrument: str) -> MarketHours:
        return hours_of(instrument)

    async def add(self, instrument: str) -> bool:
        if instrument not in self.known:
            raise UnknownInstrument(f"The account cannot trade {instrument}")
        is_new = instrument not in self.watched
        self.watched = tuple(dict.fromkeys((*self.watched, instrument)))
        return is_new

    async def remove(self, instrument: str) -> None:
        self.watched = tuple(name for name in self.watched if name != instrument)

    def market(self) -> MarketFacts:
        return self.facts

    def candles(self) -> Sequence[CandleFacts]:
        return [CandleFacts(name, self.loaded, 13_000, None) for name in self.watched]


@dataclass
class Bench:
    """A client before an application, and what lies behind it."""

    client: httpx2.AsyncClient
    app: Any
    services: Services
    clock: FakeClock
    desk: FakeDesk
    strategy: FakeStrategy
    market: FakeMarket

    async def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        return await self.ask("GET", path, status, params=params)

    async def ask(self, method: str, path: str, status: int = 200, /, **kwargs: Any) -> Any:
        answer = await self.client.request(method, path, **kwargs)
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    async def store(self, decision: Decision, source: str = "sandbox") -> int | None:
        """Store an evaluation as the desk would; answers the signal's id."""
        async with self.services.database.write() as connection:
            if not decision.is_signal:
                await RejectionRepository(connection).add(decision, source=source, simulated=True)
                return None
            return await SignalRepository(connection).add(
                decision,
                symbol=Instrument(decision.instrument).symbol,
                source=source,
                simulated=True,
                expires_at=decision.candle_time + 300 + 14_400,
            )

    async def signal(self, **changes: Any) -> int:
        """Store a signal made by hand."""
        new = NewSignal("GBP_USD", Direction.BUY, 1.31, 1.308, 1.314, NOW - 3600)
        async with self.services.database.write() as connection:
            return await SignalRepository(connection).create(replace(new, **changes))


def decided(**changes: Any) -> Decision:
    """A decision on GBP_USD's newest closed candle: a BUY, unless a reason is given."""
    newest = {"candle_time": int(NOW) // 300 * 300 - 300, "as_of": NOW}
    return decision(**(newest | changes))


def m5(instrument: str, start: int, count: int, *, without: Sequence[int] = ()) -> CandleSeries:
    """`count` M5 candles from `start` whose mid closes count up from 1.0001; positions in `without` are absent."""
    keep = np.array([i for i in range(count) if i not in without])
    close = 1.0 + (keep + 1) / 10_000
    opened = close - 0.0001
    mid = [opened, close + 0.00005, opened - 0.00005, close]
    prices = [np.round(x + side, 5) for side in (0.0, -0.00005, 0.00005) for x in mid]
    columns = [start + 300 * keep, *prices, keep + 1]
    return series_from_columns(instrument, Granularity.M5, columns)
