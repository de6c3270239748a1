"""Everything that candles alone say, for each M5 candle of a series at once: pure, vectorised, without look-ahead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, pairwise
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.indicators import newest
from alphaforge.signals.model import Regime, TimeframeVotes
from alphaforge.signals.receipt import Receipts
from alphaforge.signals.regime import REGIMES, Codes, classify, trends, volatility_rank
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.signals.timeframe import Alignment, Bars, Indicators, at, bars, by_bucket_end, indicators, side_by_side
from alphaforge.signals.votes import Mask, Votes, cast_votes, joined

_T = TypeVar("_T", bound=np.generic)

SPREAD_DIGITS: Final = 10
"""Decimals of a spread that is judged: 1.26955 - 1.26943 is 0.00012, not 0.00012000000000012001."""

_CHUNK = 32_768  # rows at a time: their indicators stay in the processor's cache

_FEW = 1_000

_TAIL = 1_200
"""Candles after which recursive indicators agree to the last bit wherever they began (measured: at most 683)."""


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One timeframe: its candles' times (m,) and indicators, and what each row (n,) makes of them.

    `back` is the newest candle that a row may use, counted from the end: -1 the last one, -m - 1 none. `votes` are
    those of runs of rows, through which nothing changes that they are cast by; `runs` is the first row of each.
    """

    granularity: Granularity
    time: Ints
    indicators: Indicators
    back: Ints
    runs: Ints
    votes: Votes

    def closed(self, row: int) -> int:
        """How many candles row `row` (0..n-1) may know."""
        return int(self.back[row]) + len(self.time) + 1

    def votes_of(self, row: int) -> TimeframeVotes:
        """The votes at row `row` (0..n-1), with the values that they were made from."""
        back, run, votes = int(self.back[row]), int(np.searchsorted(self.runs, row, side="right")) - 1, self.votes
        return TimeframeVotes(
            granularity=self.granularity,
            candle_time=int(self.time[back]),
            ema_ribbon=int(votes.ema_ribbon[run]),
            rsi=int(votes.rsi[run]),
            macd=int(votes.macd[run]),
            bollinger=int(votes.bollinger[run]),
            stochastic=int(votes.stochastic[run]),
            volume=float(votes.volume[run]),
            buy=float(votes.buy[run]),
            sell=float(votes.sell[run]),
            values=self.indicators.values(back),
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the candles say at M5 rows `first` to the end of `series`; arrays have the shape (len(series) - first,).

    `buy`, `sell`: weighted votes. `strength` (0-100) and `agreement` (0-1) speak of the larger side. `regime`:
    positions in `regime.REGIMES`.
    `atr`, `adx`, `close`: of M5, NaN where there is no value. `spread`: ask minus bid at the close.
    `warm`: whether every timeframe has enough closed candles for a decision. `receipts` hashes
    the candles that were seen, `fingerprint` the settings.
    """

    series: CandleSeries
    settings: StrategySettings
    first: int
    timeframes: tuple[Timeframe, ...]
    regime: Codes
    buy: Floats
    sell: Floats
    strength: Floats
    agreement: Floats
    close: Floats
    atr: Floats
    adx: Floats
    spread: Floats
    warm: Mask
    receipts: Receipts
    fingerprint: str

    def index(self, row: int) -> int:
        """The place in the arrays of the series' row `row`; a negative row counts from the end, as in Python.

        Raises InvalidInput for a row that was not analysed.
        """
        position = row + len(self.series) if row < 0 else row
        if not self.first <= position < len(self.series):
            message = f"Row {row} was not analysed: rows {self.first} to {len(self.series) - 1} were"
            raise InvalidInput(message)
        return position - self.first

    def regime_at(self, row: int) -> Regime:
        """The regime at the series' row `row`."""
        return REGIMES[int(self.regime[self.index(row)])]


def analyse(
    series: CandleSeries, settings: StrategySettings = DEFAULT_SETTINGS, *, alignment: Alignment = by_bucket_end
) -> Analysis:
    """What the candles say at every row of an M5 series.

    `alignment` says which longer candles an M5 candle may know; only tests of look-ahead replace it.
    """
    return _analysis(series, settings, 0, alignment)


def analyse_last(
    series: CandleSeries,
    settings: StrategySettings = DEFAULT_SETTINGS,
    rows: int = 1,
    *,
    alignment: Alignment = by_bucket_end,
) -> Analysis:
    """The same for the last `rows` rows only, bit for bit, from the shortest tail that gives the same bits."""
    return _analysis(series, settings, max(0, len(series) - rows), alignment)


def _analysis(series: CandleSeries, settings: StrategySettings, first: int, alignment: Alignment) -> Analysis:
    if series.granularity != Granularity.M5:
        message = f"{series.instrument}: the strategy reads M5 candles, not {series.granularity}"
        raise InvalidInput(message)
    frames = _frames(series, settings, first, alignment)
    latest, count = frames[0].indicators, len(series) - first
    buy, sell, strength, agreement = np.empty((4, count))
    rows = _Rows(np.empty(count, np.int8), buy, sell, strength, agreement, np.empty(count, bool))
    hourly = _regimes(frames[-1], settings)
    cast = [
        _judge(frames, hourly, rows, slice(start, start + _CHUNK), settings)
        for start in range(0, max(1, count), _CHUNK)
    ]
    return Analysis(
        series=series,
        settings=settings,
        first=first,
        timeframes=tuple(
            Timeframe(
                frame.granularity,
                frame.time,
                frame.indicators,
                frame.back,
                np.concatenate([runs for runs, _ in own]),
                joined([votes for _, votes in own]),
            )
            for frame, own in zip(frames, zip(*cast, strict=True), strict=True)
        ),
        regime=rows.regime,
        buy=buy,
        sell=sell,
        strength=strength,
        agreement=agreement,
        close=newest(latest.close, count),
        atr=newest(latest.atr, count),
        adx=newest(latest.adx, count),
        spread=series.ask.close[first:] - series.bid.close[first:],
        warm=rows.warm,
        receipts=Receipts(series, settings.window, first),
        fingerprint=settings.fingerprint(),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is said of each row (n,), filled some thousand rows at a time."""

    regime: Codes
    buy: Floats
    sell: Floats
    strength: Floats
    agreement: Floats
    warm: Mask


@dataclass(frozen=True, slots=True)
class _Frame:
    """A timeframe before its votes are cast; `first` is the oldest position that any row uses, `back` (n,)."""

    granularity: Granularity
    time: Ints
    indicators: Indicators
    first: int
    back: Ints


def _frames(series: CandleSeries, settings: StrategySettings, first: int, alignment: Alignment) -> list[_Frame]:
    """Each timeframe with the candles that the rows from `first` on need, and the tail before them."""
    tail = max(_TAIL, settings.minimum_candles)
    longest = max(granularity.seconds for granularity in settings.weights) // Granularity.M5.seconds
    candles = bars(series.rows(max(0, first - tail * longest)))
    position = np.arange(len(candles.time) - len(series) + first, len(candles.time))  # an M5 candle knows itself
    known: list[tuple[Granularity, Bars, int, Ints]] = []
    for granularity in settings.weights:
        if granularity != Granularity.M5:
            candles = candles.folded(granularity)  # from the next shorter ones: highs of highs, sums of sums
            position = alignment(series.time[first:], candles.time, granularity)
        oldest = max(0, int(position[0])) if len(position) else 0
        drop = max(0, oldest - tail)
        known.append((granularity, candles.since(drop), oldest - drop, position - len(candles.time)))
    values = indicators([(kept, oldest) for _, kept, oldest, _ in known], settings)
    return [
        _Frame(granularity, kept.time, value, oldest, back)
        for (granularity, kept, oldest, back), value in zip(known, values, strict=True)
    ]


def _regimes(frame: _Frame, settings: StrategySettings) -> Codes:
    """The regime of the newest H1 candles, of as many as the rows use."""
    hourly = frame.indicators
    return classify(hourly, volatility_rank(hourly, settings, frame.first), settings)


def _judge(
    frames: Sequence[_Frame], hourly: Codes, rows: _Rows, key: slice, settings: StrategySettings
) -> list[tuple[Ints, Votes]]:
    """Fill in some of the rows; answer with each timeframe's runs among them, and the votes of these.

    A run is of rows through which a timeframe's and the H1's newest usable candle stay the same: its votes are cast
    once. Those of all timeframes are cast together, one timeframe's runs after another's.
    """
    backs = [frame.back[key] for frame in frames]
    regime = at(hourly, backs[-1], REGIMES.index(Regime.UNKNOWN))
    runs = [_Runs.each(len(regime)), *(_Runs.of(back, backs[-1]) for back in backs[1:])]
    found = [frame.indicators.at(one.firsts(back)) for frame, back, one in zip(frames, backs, runs, strict=True)]
    trend = trends(regime)
    parts = _cast(found, [one.firsts(trend) for one in runs], settings)
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


def _cast(found: Sequence[Indicators], trend: Sequence[Codes], settings: StrategySettings) -> list[Votes]:
    """The votes of each timeframe; few are cast together, since then the number of steps is what they cost."""
    edges = [0, *accumulate(len(one) for one in trend)]
    if edges[-1] > _FEW:
        return [cast_votes(*one, settings) for one in zip(found, trend, strict=True)]
    together = cast_votes(side_by_side(found), np.concatenate(trend), settings)
    return [together.rows(slice(start, stop)) for start, stop in pairwise(edges)]


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
        begins = np.ones(len(position), bool)
        np.not_equal(position[1:], position[:-1], out=begins[1:])
        begins[1:] |= hourly[1:] != hourly[:-1]
        return _Runs(np.flatnonzero(begins), np.cumsum(begins) - 1)

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
