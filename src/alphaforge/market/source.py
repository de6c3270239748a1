"""What the desk asks of a market, whoever answers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Quote:
    """A price of now. `time` in epoch seconds; sizes in units, None where the broker gives none."""

    instrument: str
    time: float
    bid: float
    ask: float
    bid_volume: int | None
    ask_volume: int | None
    tradeable: bool

    def __post_init__(self) -> None:
        if not 0 < self.bid <= self.ask < float("inf"):
            message = f"{self.instrument}: bid {self.bid} and ask {self.ask} are no quote"
            raise InvalidInput(message)

    @property
    def mid(self) -> float:
        """The middle between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> float:
        """Ask minus bid."""
        return self.ask - self.bid


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The stream is alive at `time` (epoch seconds)."""

    time: float


@dataclass(frozen=True, slots=True)
class CandlePage:
    """One answer: its closed candles, and whether one that is not complete follows them (`forming_start`, epoch s)."""

    closed: CandleSeries
    forming: bool
    forming_start: int | None = None


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """The account's money, in its currency."""

    currency: str
    balance: float
    equity: float
    open_trades: int


class CandleSource(Protocol):
    """A market. Every method may raise a MarketError."""

    @property
    def name(self) -> str:
        """Where prices come from: `oanda-practice`, `oanda-live`, `oanda-practice@host:port`, `sandbox`."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether prices are invented by the sandbox."""
        ...

    async def candles(
        self,
        instrument: str,
        granularity: Granularity,
        *,
        start: int | None = None,
        end: int | None = None,
        count: int | None = None,
    ) -> CandlePage:
        """Bid, ask and mid candles, oldest first.

        Either `start` and `end` (epoch seconds, spanning at most 5,000 candles), or `count` (at most 5,000)
        with `start` for the first ones from there, with `end` for the last ones before it, alone for the newest.
        Fewer than asked may come: where there was no price there is no candle.
        """
        ...

    async def quotes(self, instruments: Sequence[str]) -> list[Quote]:
        """The newest quote of each instrument that has one."""
        ...

    def stream(self, instruments: Sequence[str]) -> AsyncIterator[Quote | Heartbeat]:
        """Quotes as they come, until the connection ends or stays silent for ten seconds (MarketUnavailable)."""
        ...

    async def instruments(self) -> list[Instrument]:
        """What the account may trade."""
        ...

    async def account(self) -> AccountSummary:
        """The account's money."""
        ...


class CandleArchive(Protocol):
    """Where closed candles are kept over restarts."""

    async def newest(self, instrument: str, count: int) -> CandleSeries:
        """The newest `count` M5 candles, oldest first."""
        ...

    async def since(self, instrument: str, start: int) -> CandleSeries:
        """The M5 candles that start at or after `start` (epoch seconds), oldest first."""
        ...

    async def keep(self, series: CandleSeries) -> None:
        """Store candles; a candle that is there already is replaced."""
        ...
