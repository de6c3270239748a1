"""What the routers need of the rest of the system, as one value that the composition root fills.

Every collaborator is a protocol: the routers know what they ask for, not who answers. Times are epoch seconds;
instruments go by OANDA's name (`GBP_USD`). Each method may raise an AlphaForgeError, which the error table answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from alphaforge.api.measurements import Measurements
from alphaforge.api.results import KellyFigures, ScanResult, Settlement
from alphaforge.api.turns import Turns
from alphaforge.core.candles import CandleSeries
from alphaforge.core.clock import Clock
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours
from alphaforge.market.source import Quote
from alphaforge.signals.settings import StrategySettings
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.evaluation_counts import EvaluationTally
from alphaforge.storage.jobs import Job
from alphaforge.storage.journal_days import JournalDays
from alphaforge.stream.listeners import Stream
from alphaforge.telemetry.requests import RequestTimes
from alphaforge.telemetry.slow import SlowLog


class SignalDesk(Protocol):
    """The workflows, bound to their desk."""

    @property
    def settings(self) -> StrategySettings:
        """The numbers by which it decides."""
        ...

    async def scan(self, instruments: Sequence[str] | None = None) -> Sequence[ScanResult]:
        """Evaluate the newest closed candles now; None means every watched instrument."""
        ...

    async def settle(self, *, own_only: bool) -> Sequence[Settlement]:
        """Hold open signals against the candles. Answers one settlement for every signal that was looked at."""
        ...

    async def record_trade_result(
        self, connection: AsyncConnection, instrument: str, profit_loss: float, risk: float
    ) -> KellyFigures:
        """Store a trader's own result (both in account currency, risk > 0) and say what sizing makes of it.

        In the caller's transaction, which writes `trade_results`.
        """
        ...

    async def kelly(self, instrument: str | None = None) -> KellyFigures:
        """The sizing figures of an instrument from stored results; None: of all watched ones together."""
        ...


class StrategyControl(Protocol):
    """The scheduled scans. Whether they run is kept in the database, so that a restart finds it again."""

    @property
    def is_running(self) -> bool:
        """Whether scheduled scans are on."""
        ...

    @property
    def settings(self) -> StrategySettings:
        """The numbers that it decides by."""
        ...

    @property
    def is_scanning(self) -> bool:
        """Whether a scan is under way at this moment."""
        ...

    @property
    def last_scan_at(self) -> float | None:
        """When the last scan (scheduled or asked for) ended, in the market's time."""
        ...

    @property
    def last_failure(self) -> Exception | None:
        """What broke the last scan off; None where it ended well."""
        ...

    @property
    def last_results(self) -> Mapping[str, ScanResult]:
        """The newest result of each instrument since the start."""
        ...

    async def start(self) -> None:
        """Turn scheduled scans on; no error where they are on."""
        ...

    async def stop(self) -> None:
        """Turn scheduled scans off; no error where they are off."""
        ...


class PriceFeed(Protocol):
    """The newest quotes."""

    async def quotes(self, instruments: Sequence[str]) -> Sequence[Quote]:
        """The newest known quote of each instrument: from memory where it is fresh, else asked of the market.

        An instrument without any quote is absent. Where the market cannot be asked, the last known quotes are
        answered with their own time; MarketError is raised only where nothing at all is known.
        """
        ...


class CandleReader(Protocol):
    """Closed M5 candles."""

    def series(self, instrument: str) -> CandleSeries:
        """The rolling window in memory, perhaps empty."""
        ...

    async def between(self, instrument: str, start: int, end: int) -> CandleSeries:
        """Stored candles of the present source with `start <= time < end`."""
        ...


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """How the market's side is doing.

    `connected` says that the last request was answered; `problem` says in plain words what went wrong with it.
    """

    source: str
    simulated: bool
    connected: bool
    last_answer_at: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CandleFacts:
    """How many closed candles of an instrument are in memory, how many an evaluation needs, when the newest ended."""

    instrument: str
    loaded: int
    needed: int
    newest_end: int | None


class StatusFacts(Protocol):
    """What the system can say about itself without I/O."""

    @property
    def started_at(self) -> float:
        """When the process began, machine's time."""
        ...

    @property
    def gemini_configured(self) -> bool:
        """Whether a Gemini key is set."""
        ...

    def market(self) -> MarketFacts:
        """The market's side."""
        ...

    def candles(self) -> Sequence[CandleFacts]:
        """The candles of each watched instrument."""
        ...


class InstrumentRegistry(Protocol):
    """The instruments by OANDA's name, and which of them are watched, over restarts."""

    @property
    def watched(self) -> Sequence[str]:
        """What the desk evaluates, in the order of the settings; what was added since comes last."""
        ...

    @property
    def known(self) -> Mapping[str, Instrument]:
        """What the account may trade; at least the watched ones."""
        ...

    def hours(self, instrument: str) -> MarketHours:
        """When the instrument trades."""
        ...

    async def add(self, instrument: str) -> bool:
        """Watch an instrument; False where it is watched already.

        Raises UnknownInstrument where the account cannot trade it, NoData before that is known, and Conflict where no
        more can be watched.
        """
        ...

    async def remove(self, instrument: str) -> None:
        """Watch an instrument no more; its open signals are followed. Raises UnknownInstrument, Conflict."""
        ...


class Jobs(Protocol):
    """Background work, asked for and looked at. What is listed is read from the database itself."""

    async def ask(self, kind: str, payload: Mapping[str, Any], *, lane: str | None = None) -> Job:
        """Queue a job and start it; without background work in this process it has ended already."""
        ...

    async def start(self, job_id: int) -> None:
        """Have a job run that was queued in a transaction of one's own."""
        ...

    async def get(self, job_id: int) -> Job:
        """One job. Raises NotFound."""
        ...

    async def cancel(self, job_id: int) -> Job:
        """End a job that waits, ask a running one to end. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel for alerts, what it wants, and how sending to it goes. Nothing of its address.

    Empty `kinds` and `instruments` restrict nothing; `quiet` as the setting has it; moments in epoch seconds.
    """

    name: str
    service: str
    kinds: Sequence[str]
    instruments: Sequence[str]
    min_confidence: float
    quiet: str | None
    failures: int
    disabled_at: float | None
    last_error: str | None
    last_sent_at: float | None


class AlertChannels(Protocol):
    """The channels for alerts. What was sent is read from the database itself."""

    async def facts(self) -> Sequence[ChannelFacts]:
        """Every channel, in the order of the settings."""
        ...

    async def test(self, name: str) -> None:
        """Send a test message now. Raises NotFound, and NotDelivered where the receiver does not take it."""
        ...

    async def enable(self, name: str) -> None:
        """Forget a channel's failures and try what waits for it. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a request may touch. `measurements` None: nothing is measured."""

    database: Database
    clock: Clock
    desk: SignalDesk
    strategy: StrategyControl
    prices: PriceFeed
    candles: CandleReader
    instruments: InstrumentRegistry
    status: StatusFacts
    evaluations: EvaluationTally
    jobs: Jobs
    alerts: AlertChannels
    journal_days: JournalDays
    turns: Turns = field(default_factory=Turns)
    stream: Stream = field(default_factory=Stream)
    requests: RequestTimes = field(default_factory=RequestTimes)
    slow: SlowLog = field(default_factory=SlowLog)
    measurements: Measurements | None = None

    @property
    def counting(self) -> RequestTimes | None:
        """Where requests are counted; None where nothing is measured."""
        return None if self.measurements is None else self.requests


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What of the settings the interface follows.

    `api_key` None leaves the interface open (loopback only, the wiring sees to that). `max_body_bytes` must leave
    room for the journal's three screenshots. `allowed_origins` are exact origins besides loopback's. A
    `rate_limit_per_minute` of 0 sets none. `cache_ttl` in seconds, `cache_bytes` of answers kept in this process.
    `slow_request` in seconds, 0 for none.
    """

    api_key: str | None = None
    max_page_size: int = 100
    max_body_bytes: int = 10 * 1024 * 1024
    allowed_origins: tuple[str, ...] = ()
    rate_limit_per_minute: int = 0
    enable_cache: bool = True
    cache_ttl: float = 300.0
    cache_bytes: int = 8 * 1024 * 1024
    enable_compression: bool = True
    slow_request: float = 0.0
    version: str = "2.0.0"


CANDLE_GRANULARITIES = (Granularity.M5, Granularity.M15, Granularity.H1)
"""What /api/candles serves: the granularities that decisions are made from."""
