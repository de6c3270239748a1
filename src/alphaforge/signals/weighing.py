"""What M5 rows make of the timeframes' votes: joined without look-ahead, weighed together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats, Ints
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Regime
from alphaforge.signals.regime import REGIMES, Codes, trends
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.timeframe import Indicators, at, at_one
from alphaforge.signals.votes import Mask, Votes, cast_votes

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Frame:
    """A timeframe before its votes are cast; `first` is the oldest position that any row uses, `back` (n,)."""

    granularity: Granularity
    time: Ints
    indicators: Indicators
    first: int
    back: Ints


@dataclass(frozen=True, slots=True)
class Rows:
    """What is said of each row (n,), filled some thousand rows at a time."""

    regime: Codes
    buy: Floats
    sell: Floats
    strength: Floats
    agreement: Floats
    warm: Mask


def judge(
    frames: Sequence[Frame], hourly: Codes, rows: Rows, key: slice, settings: StrategySettings
) -> list[tuple[Ints, Votes]]:
    """Fill in some of the rows; answer with each timeframe's runs among them, and the votes of these.

    A run is of rows through which a timeframe's and the H1's newest usable candle stay the same: its votes are cast
    once.
    """
    backs = [frame.back[key] for frame in frames]
    regime = at(hourly, backs[-1], REGIMES.index(Regime.UNKNOWN))
    runs = [_Runs.each(len(regime)), *(_Runs.of(back, backs[-1]) for back in backs[1:])]
    parts = _cast(frames, backs, runs, trends(regime), settings)
    weighed = list(zip(runs, parts, settings.weights.values(), strict=True))
    buy = _weighted([one.spread(weight * part.buy) for one, part, weight in weighed])
    sell = _weighted([one.spread(weight * part.sell) for one, part, weight in weighed])
    lean = _sides(buy, sell, 0.0)
    leaning = [
        one.spread(_sides(part.buy, part.sell, settings.leaning)) * lean > 0
        for one, part in zip(runs, parts, strict=True)
    ]
    rows.regime[key], rows.buy[key], rows.sell[key] = regime, buy, sell
    rows.strength[key] = np.maximum(buy, sell) / settings.voters * 100
    rows.agreement[key] = np.divide(reduce(np.add, leaning, np.zeros(1, np.int8)), len(frames), dtype=np.float64)
    rows.warm[key] = reduce(
        np.logical_and,
        [back >= settings.minimum_candles - len(frame.time) - 1 for frame, back in zip(frames, backs, strict=True)],
    )
    return [(one.first + key.start, part) for one, part in zip(runs, parts, strict=True)]


def _cast(
    frames: Sequence[Frame], backs: Sequence[Ints], runs: Sequence["_Runs"], trend: Codes, settings: StrategySettings
) -> list[Votes]:
    """The votes of each timeframe's runs; those of a single row together, for a step costs more than three votes."""
    if len(trend) == 1:
        newest = at_one([(frame.indicators, back.item()) for frame, back in zip(frames, backs, strict=True)])
        votes = cast_votes(newest, trend.repeat(len(frames)), settings)
        return [votes.rows(slice(place, place + 1)) for place in range(len(frames))]
    return [
        cast_votes(frame.indicators.at(one.firsts(back)), one.firsts(trend), settings)
        for frame, back, one in zip(frames, backs, runs, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Rows (n,) in r runs: the first row of each (r,), and the run that each lies in, None where each is its own."""

    first: Ints
    number: Ints | None

    @staticmethod
    def each(count: int) -> "_Runs":
        """So many rows, each a run."""
        return _Runs(np.arange(count), None)

    @staticmethod
    def of(position: Ints, hourly: Ints) -> "_Runs":
        """The runs through which neither position, (n,), changes."""
        if len(position) == 1:
            return _Runs.each(1)
        begins = np.ones(len(position), bool)
        np.not_equal(position[1:], position[:-1], out=begins[1:])
        begins[1:] |= hourly[1:] != hourly[:-1]
        return _Runs(begins.nonzero()[0], begins.cumsum() - 1)

    def firsts(self, values: npt.NDArray[_T]) -> npt.NDArray[_T]:
        """From a value for each row to that of each run's first."""
        return values if self.number is None else values[self.first]

    def spread(self, values: npt.NDArray[_T]) -> npt.NDArray[_T]:
        """From a value for each run to one for each row."""
        return values if self.number is None else values[self.number]


def _sides(buy: Floats, sell: Floats, more: float) -> Codes:
    """+1 where buy has more than `more` above sell, -1 where sell has above buy, else 0."""
    lead = buy - sell
    sides: Codes = (lead > more).view(np.int8) - (lead < -more).view(np.int8)
    return sides


def _weighted(votes: Iterable[Floats]) -> Floats:
    """Weighted votes, (n,) of each timeframe, added up in order.

    Rounded so that 0.2 x 3 + 0.3 x 3 + 0.5 is 2.0 as on paper.
    """
    together: Floats = np.round(reduce(np.add, votes), 9)
    return together
