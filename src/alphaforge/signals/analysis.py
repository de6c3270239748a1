"""Everything that candles alone say, for each M5 candle of a series at once: pure, vectorised, without look-ahead."""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.indicators import newest
from alphaforge.signals.model import Regime, TimeframeVotes
from alphaforge.signals.receipt import Receipts
from alphaforge.signals.regime import REGIMES, Codes, classify, volatility_rank
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.signals.timeframe import Alignment, Bars, Indicators, bars, by_bucket_end, indicators
from alphaforge.signals.votes import Mask, Votes, joined
from alphaforge.signals.weighing import Frame, Rows, judge

SPREAD_DIGITS: Final = 10
"""Decimals of a spread that is judged: 1.26955 - 1.26943 is 0.00012, not 0.00012000000000012001."""

_CHUNK = 131_072  # rows at a time: a year in one piece, ten years in no more memory than two

WARM_UP: Final = 1_200
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

    def under(self, settings: StrategySettings) -> "Analysis":
        """The analysis that other settings make of the same candles, where it differs in nothing but those.

        Raises InvalidInput where it would differ (`same_analysis`).
        """
        if not same_analysis(self.settings, settings):
            theirs = ", ".join(name for name in _ANALYSED if getattr(self.settings, name) != getattr(settings, name))
            message = f"{self.series.instrument} was analysed by other settings: {theirs} differ"
            raise InvalidInput(message, advice="Analyse its candles anew by these settings.")
        return replace(self, settings=settings, fingerprint=settings.fingerprint())

    def without_frames(self) -> "Analysis":
        """What screening needs, a third of the memory: `decide` cannot tell its votes and refuses it."""
        return replace(self, timeframes=())


_DECIDED: Final = frozenset(
    (
        "multipliers",
        "untraded",
        "minimum_votes",
        "maximum_age",
        "minimum_agreement",
        "minimum_strength",
        "minimum_volatility",
        "maximum_volatility",
        "minimum_adx",
        "maximum_spread_share",
        "exposure_cap",
        "cooldown",
        "stop_atr",
        "target_atr",
        "lifetime",
        "kelly_share",
        "kelly_confidence",
        "kelly_results",
        "kelly_minimum_results",
        "risk_default",
        "risk_minimum",
        "risk_maximum",
    )
)
"""The settings that are first asked when it is decided, sized or settled."""

_ANALYSED: Final = tuple(one.name for one in fields(StrategySettings) if one.name not in _DECIDED)


def same_analysis(one: StrategySettings, other: StrategySettings) -> bool:
    """Whether two settings make the same of any candles, and differ at most in what is decided from it."""
    return all(getattr(one, name) == getattr(other, name) for name in _ANALYSED)


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
    rows = Rows(np.empty(count, np.int8), buy, sell, strength, agreement, np.empty(count, bool))
    hourly = _regimes(frames[-1], settings)
    cast = [
        judge(frames, hourly, rows, slice(start, start + _CHUNK), settings) for start in range(0, max(1, count), _CHUNK)
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


def _frames(series: CandleSeries, settings: StrategySettings, first: int, alignment: Alignment) -> list[Frame]:
    """Each timeframe with the candles that the rows from `first` on need, and the tail before them."""
    tail = max(WARM_UP, settings.minimum_candles)
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
        Frame(granularity, kept.time, value, oldest, back)
        for (granularity, kept, oldest, back), value in zip(known, values, strict=True)
    ]


def _regimes(frame: Frame, settings: StrategySettings) -> Codes:
    """The regime of the newest H1 candles, of as many as the rows use."""
    hourly = frame.indicators
    return classify(hourly, volatility_rank(hourly, settings, frame.first), settings)
