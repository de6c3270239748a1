"""Everything that candles alone say, for each M5 candle of a series at once: pure, vectorised, without look-ahead."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Regime, TimeframeVotes
from alphaforge.signals.receipt import Receipts
from alphaforge.signals.regime import REGIMES, Codes, classify, trends, volatility_rank
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.signals.timeframe import Alignment, Bars, Indicators, bars, by_bucket_end, indicators
from alphaforge.signals.votes import Mask, Votes, cast_votes

_TAIL = 1_200
"""Candles after which recursive indicators agree to the last bit wherever they began (measured: at most 683)."""


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One timeframe: its candles' times (m,) and indicators, and what each row (n,) makes of them.

    `back` is the newest candle that a row may use, counted from the end: -1 the last one, -m - 1 none.
    """

    granularity: Granularity
    time: Ints
    indicators: Indicators
    back: Ints
    votes: Votes

    def closed(self, row: int) -> int:
        """How many candles row `row` (0..n-1) may know."""
        return int(self.back[row]) + len(self.time) + 1

    def votes_of(self, row: int) -> TimeframeVotes:
        """The votes at row `row` (0..n-1), with the values that they were made from."""
        back, votes = int(self.back[row]), self.votes
        return TimeframeVotes(
            granularity=self.granularity,
            candle_time=int(self.time[back]),
            ema_ribbon=int(votes.ema_ribbon[row]),
            rsi=int(votes.rsi[row]),
            macd=int(votes.macd[row]),
            bollinger=int(votes.bollinger[row]),
            stochastic=int(votes.stochastic[row]),
            volume=float(votes.volume[row]),
            buy=float(votes.buy[row]),
            sell=float(votes.sell[row]),
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
    values = np.stack([frame.indicators.at(frame.back) for frame in frames], axis=1)
    regime = _regime(frames[-1], Indicators(*values[:, -1]), settings)
    votes = cast_votes(Indicators(*values), trends(regime), settings)
    weights = np.array(tuple(settings.weights.values()))[:, np.newaxis]
    buy, sell = _weighted(weights * votes.buy), _weighted(weights * votes.sell)
    lean = np.sign(buy - sell)
    leaning = (votes.buy - votes.sell) * lean > settings.leaning
    latest = Indicators(*values[:, 0])
    return Analysis(
        series=series,
        settings=settings,
        first=first,
        timeframes=tuple(
            Timeframe(frame.granularity, frame.time, frame.indicators, frame.back, votes.of(place))
            for place, frame in enumerate(frames)
        ),
        regime=regime,
        buy=buy,
        sell=sell,
        lean=lean,
        strength=np.maximum(buy, sell) / settings.voters * 100,
        agreement=np.add.reduce(leaning, axis=0) / len(frames),
        close=latest.close,
        atr=latest.atr,
        adx=latest.adx,
        spread=series.ask.close[first:] - series.bid.close[first:],
        warm=np.logical_and.reduce([frame.closed >= settings.minimum_candles for frame in frames]),
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
    back: Ints

    @property
    def closed(self) -> Ints:
        """How many candles each row may know, (n,)."""
        return self.back + (len(self.time) + 1)


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
    return [
        _Frame(granularity, kept.time, value, oldest, back)
        for (granularity, kept, oldest, back), value in zip(known, values, strict=True)
    ]


def _regime(frame: _Frame, hourly: Indicators, settings: StrategySettings) -> Codes:
    """The regime of each row, from the H1 timeframe and its indicators at each row."""
    rank = volatility_rank(frame.indicators, settings, frame.first)
    known = -frame.back <= len(rank)
    return classify(
        hourly, np.where(known, rank[np.where(known, frame.back, -1)] if len(rank) else np.nan, np.nan), settings
    )


def _weighted(votes: Floats) -> Floats:
    """Weighted votes (timeframes, n) added up in order, rounded so that 0.2 x 3 + 0.3 x 3 + 0.5 is 2.0 as on paper."""
    together: Floats = np.round(np.add.accumulate(votes, axis=0)[-1], 9)
    return together
