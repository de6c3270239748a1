"""What a backtest is asked, and what it answers with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from alphaforge.backtests.choices import Entry, Positions
from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidSetting
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours
from alphaforge.signals.offline import FinerCandles
from alphaforge.signals.settings import StrategySettings

Codes = npt.NDArray[np.int8]

SIGNAL: Final = -1
"""The code of a row that became a signal, beside the positions in `tuple(Reason)` of what refused the others."""


class Reason(StrEnum):
    """Why a row is no trade: the live filters by their names and in their order, then what only a backtest asks."""

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
    POSITION_OPEN = "position_open"
    NO_NEXT_CANDLE = "no_next_candle"


@dataclass(frozen=True, slots=True)
class Options:
    """How trades are made of signals.

    `balance`: money at the start. `risk`: the fraction of the equity that a trade risks, None: Kelly's, as live.
    `financing`: by instrument, the yearly rates of a long and of a short position as fractions (negative: paid),
    charged at 17:00 New York for the days of that night; none where it is empty. `finer`: settle candles that touched
    both levels with finer ones where there are any; else against the trade.
    Raises InvalidSetting for numbers that cannot be meant.
    """

    entry: Entry = Entry.SIGNAL
    positions: Positions = Positions.MANY
    balance: float = 10_000.0
    risk: float | None = None
    financing: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    finer: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.balance) and self.balance > 0):
            message = f"A starting balance of {self.balance} is impossible"
            raise InvalidSetting(message, advice="Give an amount above 0.")
        if self.risk is not None and not 0 < self.risk < 1:
            message = f"A risk of {self.risk} of the equity is impossible"
            raise InvalidSetting(message, advice="Give a fraction between 0 and 1, 0.01 for 1 %.")
        for name, rates in self.financing.items():
            if not all(math.isfinite(rate) and abs(rate) < 1 for rate in rates):
                message = f"{name}: financing of {rates} a year is impossible"
                raise InvalidSetting(message, advice="Give yearly fractions, -0.03 for 3 % paid.")


@dataclass(frozen=True, slots=True)
class Market:
    """What a backtest runs over: M5 candles by instrument, warm-up included, in the order of `instruments`.

    `source`: whose candles they are. `finer`: where finer candles are to be had.
    """

    series: Mapping[str, CandleSeries]
    instruments: tuple[Instrument, ...]
    hours: Mapping[str, MarketHours]
    source: str
    simulated: bool = False
    finer: FinerCandles | None = None


@dataclass(frozen=True, slots=True)
class Fills:
    """The trades of a backtest in the order of their signals, each column of shape (trades,).

    `instrument`: position in `Market.instruments`. `side`: +1 BUY, -1 SELL. `row`: of the signal's candle in its
    series. `candle_time`, `opened`, `closed`: epoch seconds. Prices: `entry`, `stop`, `target`, `spread` (at the
    entry), `exit`.
    `regime`: position in `signals.regime.REGIMES`. `strength`, `agreement`, `confidence` as the decision has them.
    `risk_fraction`: what the decision would risk. `status`: position in `tuple(Status)`. `pips`, `r`, `mae`, `mfe` as
    `Outcome` has them, before financing; `financing_r`: financing as R-multiples, negative where it was paid.
    `amount`: money won or lost, financing included; `cost`: spread and financing paid in money; `equity`: what the
    account had when the trade closed, after it.
    """

    instrument: Codes
    side: Codes
    row: Ints
    candle_time: Ints
    opened: Ints
    closed: Ints
    entry: Floats
    stop: Floats
    target: Floats
    spread: Floats
    exit: Floats
    regime: Codes
    strength: Floats
    agreement: Floats
    confidence: Floats
    risk_fraction: Floats
    status: Codes
    pips: Floats
    r: Floats
    mae: Floats
    mfe: Floats
    ambiguous: npt.NDArray[np.bool_]
    financing_r: Floats
    amount: Floats
    cost: Floats
    equity: Floats

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Rows:
    """The evaluated rows of one instrument: `first` to the end of the period, in the series' own numbering.

    `reason`: (rows,) int8, positions in `tuple(Reason)`, SIGNAL where a trade was made; rows that were not warm are
    left out by `first` (warmth never ends).
    """

    first: int
    reason: Codes


@dataclass(frozen=True, slots=True)
class Run:
    """One backtest: what was asked, what was traded, what was refused and why.

    `start`, `end` in epoch seconds: candles that close after `start` and by `end` were evaluated. `still_open`: signals
    that the end of the data left without an outcome; they are in no figure.
    """

    market: Market
    settings: StrategySettings
    options: Options
    start: float
    end: float
    fills: Fills
    rows: Mapping[str, Rows]
    still_open: int
