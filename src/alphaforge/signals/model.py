"""What the rules speak about: directions, regimes, votes, filters, decisions, outcomes."""

from dataclasses import dataclass
from enum import StrEnum

from alphaforge.core.granularity import Granularity


class Direction(StrEnum):
    """The side of a trade."""

    BUY = "BUY"
    SELL = "SELL"


class Status(StrEnum):
    """The life of a signal, by the predecessor's words."""

    WON = "WON"
    LOST = "LOST"
    EXPIRED = "EXPIRED"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


class Regime(StrEnum):
    """The weather on H1."""

    TRENDING_UP_HIGH = "trending_up_high_volatility"
    TRENDING_UP_LOW = "trending_up_low_volatility"
    TRENDING_DOWN_HIGH = "trending_down_high_volatility"
    TRENDING_DOWN_LOW = "trending_down_low_volatility"
    RANGING_HIGH = "ranging_high_volatility"
    RANGING_LOW = "ranging_low_volatility"
    TRANSITIONAL = "transitional"
    UNKNOWN = "unknown"


class FilterName(StrEnum):
    """The filters, in the order in which the first failure becomes the reason."""

    STALE_DATA = "stale_data"
    MARKET_CLOSED = "market_closed"
    REGIME = "regime"
    NO_DIRECTION = "no_direction"
    AGREEMENT = "agreement"
    STRENGTH = "strength"
    VOLATILITY = "volatility"
    TREND = "trend"
    SPREAD = "spread"
    EXPOSURE = "exposure"
    COOLDOWN = "cooldown"


@dataclass(frozen=True, slots=True)
class FilterResult:
    """One filter's verdict: what was measured, what it must reach, and the smallest change that would pass."""

    name: FilterName
    passed: bool
    measured: float | None
    threshold: float | None
    change: str


@dataclass(frozen=True, slots=True)
class TimeframeVotes:
    """The votes of one timeframe: +1 for buy, -1 for sell, 0 silent; volume adds half a vote to the leader.

    `values` holds the indicators that the votes were made from, None where an indicator has no value.
    """

    granularity: Granularity
    candle_time: int
    ema_ribbon: int
    rsi: int
    macd: int
    bollinger: int
    stochastic: int
    volume: float
    buy: float
    sell: float
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices of a trade: where it is entered, given up, and taken."""

    direction: Direction
    entry: float
    stop: float
    target: float

    @property
    def risk(self) -> float:
        """The distance from entry to stop: one R."""
        return abs(self.entry - self.stop)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one closed M5 candle, and everything it was decided from.

    `candle_time` and `as_of` in epoch seconds. `direction` is the side that leads, also where a filter refused it;
    `reason` is the first failed filter, None for a signal. `levels` are proposed wherever there is a direction.
    """

    strategy: str
    instrument: str
    candle_time: int
    as_of: float
    direction: Direction | None
    reason: FilterName | None
    regime: Regime
    buy_votes: float
    sell_votes: float
    strength: float
    agreement: float
    confidence: float
    close: float
    atr: float | None
    adx: float | None
    spread: float
    levels: Levels | None
    risk_fraction: float
    timeframes: tuple[TimeframeVotes, ...]
    filters: tuple[FilterResult, ...]
    candle_hash: str
    settings_hash: str

    @property
    def is_signal(self) -> bool:
        """Whether every filter passed."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a signal ended. `exit_time` in epoch seconds; mae and mfe in pips, both >= 0; spread in price."""

    status: Status
    exit_time: int
    exit_price: float
    pips: float
    r_multiple: float
    mae: float
    mfe: float
    spread_paid: float
    ambiguous: bool
