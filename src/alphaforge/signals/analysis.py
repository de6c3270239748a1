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
from alphaforge.signals.timeframe import NAMES, Alignment, Indicators, bars, by_bucket_end, gathered, table, values_of
from alphaforge.signals.votes import Mask, Votes, cast_votes

_TAIL = 1_200
"""Candles after which recursive indicators agree to the last bit wherever they began (measured: at most 683)."""


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One timeframe: its candles' times (m,) and indicators (indicators, m), and what each row (n,) makes of them.

    `position` is the newest candle that a row may use, -1 for none.
    """

    granularity: Granularity
    time: Ints
    table: Floats
    position: Ints
    votes: Votes

    def votes_of(self, row: int) -> TimeframeVotes:
        """The votes at row `row` (0..n-1), with the values that they were made from."""
        position, votes = int(self.position[row]), self.votes
        return TimeframeVotes(
            granularity=self.granularity,
            candle_time=int(self.time[position]),
            ema_ribbon=int(votes.ema_ribbon[row]),
            rsi=int(votes.rsi[row]),
            macd=int(votes.macd[row]),
            bollinger=int(votes.bollinger[row]),
            stochastic=int(votes.stochastic[row]),
            volume=float(votes.volume[row]),
            buy=float(votes.buy[row]),
            sell=float(votes.sell[row]),
            values=values_of(self.table, position),
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


def analyse_last(series: CandleSeries, settings: StrategySettings = DEFAULT_SETTINGS, rows: int = 1) -> Analysis:
    """The same for the last `rows` rows only, bit for bit, from the shortest tail that gives the same bits."""
    return _analysis(series, settings, max(0, len(series) - rows), by_bucket_end)


def _analysis(series: CandleSeries, settings: StrategySettings, first: int, alignment: Alignment) -> Analysis:
    if series.granularity != Granularity.M5:
        message = f"{series.instrument}: the strategy reads M5 candles, not {series.granularity}"
        raise InvalidInput(message)
    frames = [_Frame.of(series, granularity, settings, first, alignment) for granularity in settings.weights]
    columns = np.stack([gathered(frame.table, frame.position) for frame in frames], axis=1)
    regime = _regime(frames[-1], Indicators(*columns[:, -1]), settings)
    votes = cast_votes(Indicators(*columns), trends(regime), settings)
    weights = np.array(tuple(settings.weights.values()))[:, np.newaxis]
    buy, sell = _weighted(weights * votes.buy), _weighted(weights * votes.sell)
    lean = np.sign(buy - sell)
    leaning = (votes.buy - votes.sell) * lean > settings.leaning
    latest = Indicators(*columns[:, 0])
    return Analysis(
        series=series,
        settings=settings,
        first=first,
        timeframes=tuple(
            Timeframe(frame.granularity, frame.time, frame.table, frame.position, votes.of(place))
            for place, frame in enumerate(frames)
        ),
        regime=regime,
        buy=buy,
        sell=sell,
        lean=lean,
        strength=np.maximum(buy, sell) / settings.voters * 100,
        agreement=np.count_nonzero(leaning, axis=0) / len(frames),
        close=latest.close,
        atr=latest.atr,
        adx=latest.adx,
        spread=series.ask.close[first:] - series.bid.close[first:],
        warm=np.logical_and.reduce([frame.position + 1 >= settings.minimum_candles for frame in frames]),
        receipts=Receipts(series, settings.window),
        fingerprint=settings.fingerprint(),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """A timeframe before its votes are cast."""

    granularity: Granularity
    time: Ints
    table: Floats
    position: Ints

    @classmethod
    def of(
        cls,
        series: CandleSeries,
        granularity: Granularity,
        settings: StrategySettings,
        first: int,
        alignment: Alignment,
    ) -> "_Frame":
        """The timeframe's newest candles: all that the rows from `first` on need, and the tail before them."""
        reach = max(_TAIL, settings.minimum_candles) * (granularity.seconds // Granularity.M5.seconds)
        candles = bars(series.rows(max(0, first - reach)), granularity)
        position = alignment(series.time[first:], candles.time, granularity)
        return cls(granularity, candles.time, table(candles, settings, _first(position)), position)


def _first(position: Ints) -> int:
    """The oldest candle that any row asks for."""
    return max(0, int(position[0])) if len(position) else 0


def _regime(frame: _Frame, hourly: Indicators, settings: StrategySettings) -> Codes:
    """The regime of each row, from the H1 timeframe and its indicators at each row."""
    volatility = frame.table[NAMES.index("atr")] / frame.table[NAMES.index("close")]
    rank = volatility_rank(volatility, settings, _first(frame.position))
    return classify(hourly, gathered(rank[np.newaxis], frame.position)[0], settings)


def _weighted(votes: Floats) -> Floats:
    """Weighted votes (timeframes, n) added up in order, rounded so that 0.2 x 3 + 0.3 x 3 + 0.5 is 2.0 as on paper."""
    together: Floats = np.round(np.add.accumulate(votes, axis=0)[-1], 9)
    return together
