"""Everything that candles alone say, for each M5 candle of a series at once: pure, vectorised, without look-ahead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from typing import Final

import numpy as np

from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Regime, TimeframeVotes
from alphaforge.signals.receipt import Receipts
from alphaforge.signals.regime import REGIMES, Codes, classify, trends, volatility_rank
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.signals.timeframe import (
    Alignment,
    Bars,
    Indicators,
    Runs,
    all_at,
    at,
    bars,
    by_bucket_end,
    indicators,
    runs,
)
from alphaforge.signals.votes import Mask, Votes, cast_votes, joined

SPREAD_DIGITS: Final = 10
"""Decimals of a spread that is judged: 1.26955 - 1.26943 is 0.00012, not 0.00012000000000012001."""

_CHUNK = 8_192  # runs at a time: their indicators stay in the processor's cache

_TAIL = 1_200
"""Candles after which recursive indicators agree to the last bit wherever they began (measured: at most 683)."""


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One timeframe: its candles' times (m,) and indicators, and what each of its runs of rows (r,) makes of them.

    `back` is the newest candle that a run may use, counted from the end: -1 the last one, -m - 1 none.
    """

    granularity: Granularity
    time: Ints
    indicators: Indicators
    runs: Runs
    back: Ints
    votes: Votes

    def closed(self, row: int) -> int:
        """How many candles row `row` (0..n-1) may know."""
        return int(self.back[self.runs.of[row]]) + len(self.time) + 1

    def votes_of(self, row: int) -> TimeframeVotes:
        """The votes at row `row` (0..n-1), with the values that they were made from."""
        run, votes = self.runs.of[row], self.votes
        back = int(self.back[run])
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

    `buy`, `sell`: weighted votes. `lean`: +1 where buy is larger, -1 where sell is, 0 where neither.
    `strength` (0-100) and `agreement` (0-1) speak of the larger side. `regime`: positions in `regime.REGIMES`.
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
    lean: Floats
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
    regime = frames[-1].runs.spread(_regime(frames[-1], settings))
    votes = _votes(frames, trends(regime), settings)
    timeframes = tuple(
        Timeframe(frame.granularity, frame.time, frame.indicators, frame.runs, frame.back, votes.rows(part))
        for frame, part in zip(frames, _parts(frames), strict=True)
    )
    weighed = list(zip(timeframes, settings.weights.values(), strict=True))
    buy = _weighted([one.runs.spread(weight * one.votes.buy) for one, weight in weighed])
    sell = _weighted([one.runs.spread(weight * one.votes.sell) for one, weight in weighed])
    lean = np.sign(buy - sell)
    return Analysis(
        series=series,
        settings=settings,
        first=first,
        timeframes=timeframes,
        regime=regime,
        buy=buy,
        sell=sell,
        lean=lean,
        strength=np.maximum(buy, sell) / settings.voters * 100,
        agreement=_agreement(timeframes, lean, settings),
        close=frames[0].rows(frames[0].indicators.close),
        atr=frames[0].rows(frames[0].indicators.atr),
        adx=frames[0].rows(frames[0].indicators.adx),
        spread=series.ask.close[first:] - series.bid.close[first:],
        warm=np.logical_and.reduce([one.runs.spread(one.count >= settings.minimum_candles) for one in frames]),
        receipts=Receipts(series, settings.window, first),
        fingerprint=settings.fingerprint(),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """A timeframe before its votes are cast; `first` is the oldest position that any row uses."""

    granularity: Granularity
    time: Ints
    indicators: Indicators
    first: int
    runs: Runs
    back: Ints

    @property
    def count(self) -> Ints:
        """How many candles each run may know, (r,)."""
        return self.back + (len(self.time) + 1)

    def rows(self, column: Floats) -> Floats:
        """One of the indicators at each row, (n,), NaN where it has no value."""
        return self.runs.spread(at(column, self.back, np.nan))


def _frames(series: CandleSeries, settings: StrategySettings, first: int, alignment: Alignment) -> list[_Frame]:
    """Each timeframe with the candles that the rows from `first` on need, and the tail before them."""
    tail = max(_TAIL, settings.minimum_candles)
    longest = max(granularity.seconds for granularity in settings.weights) // Granularity.M5.seconds
    candles = bars(series.rows(max(0, first - tail * longest)))
    known: list[tuple[Granularity, Bars, int, Ints]] = []
    for granularity in settings.weights:
        if granularity != Granularity.M5:
            candles = candles.folded(granularity)  # from the next shorter ones: highs of highs, sums of sums
        position = alignment(series.time[first:], candles.time, granularity)
        oldest = max(0, int(position[0])) if len(position) else 0
        drop = max(0, oldest - tail)
        known.append((granularity, candles.since(drop), oldest - drop, position - len(candles.time)))
    values = indicators([(kept, oldest) for _, kept, oldest, _ in known], settings)
    hourly = known[-1][-1]
    frames = []
    for (granularity, kept, oldest, back), value in zip(known, values, strict=True):
        own = runs(back, hourly)
        frames.append(_Frame(granularity, kept.time, value, oldest, own, back[own.first]))
    return frames


def _parts(frames: list[_Frame]) -> list[slice]:
    """Where each timeframe's runs lie in arrays that hold those of all, one timeframe after another."""
    stops = list(accumulate(len(frame.back) for frame in frames))
    return [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]


def _regime(frame: _Frame, settings: StrategySettings) -> Codes:
    """The regime of each of the H1 timeframe's runs."""
    codes = classify(frame.indicators, volatility_rank(frame.indicators, settings, frame.first), settings)
    return at(codes, frame.back, REGIMES.index(Regime.UNKNOWN))


def _votes(frames: list[_Frame], trend: Codes, settings: StrategySettings) -> Votes:
    """The votes of every timeframe's runs, one timeframe after another, from the trend of each row."""
    trend = trend[np.concatenate([frame.runs.first for frame in frames])]
    parts = _parts(frames)
    cast = []
    for start in range(0, max(1, len(trend)), _CHUNK):
        stop = start + _CHUNK
        here = [
            (frame.indicators, frame.back[max(0, start - part.start) : max(0, stop - part.start)])
            for frame, part in zip(frames, parts, strict=True)
        ]
        cast.append(cast_votes(all_at(here), trend[start:stop], settings))
    return joined(cast)


def _weighted(votes: Iterable[Floats]) -> Floats:
    """Weighted votes, (n,) of each timeframe, added up in order.

    Rounded so that 0.2 x 3 + 0.3 x 3 + 0.5 is 2.0 as on paper.
    """
    together: Floats = np.round(reduce(np.add, votes), 9)
    return together


def _agreement(timeframes: Sequence[Timeframe], lean: Floats, settings: StrategySettings) -> Floats:
    """The share of timeframes that lean clearly to the side that leads, (n,)."""
    count = np.zeros(len(lean), np.int8)
    for one in timeframes:
        lead = one.votes.buy - one.votes.sell
        side = (lead > settings.leaning).view(np.int8) - (lead < -settings.leaning).view(np.int8)
        count += one.runs.spread(side) * lean > 0
    return np.divide(count, len(timeframes), dtype=np.float64)
