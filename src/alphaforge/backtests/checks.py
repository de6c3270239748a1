"""Two questions to a strategy over given candles: does a decision know its future, and does it forget its beginning?

Both compare decisions field by field and bit for bit. What is asked of sampled rows only can miss a fault that shows in
few of them: with k faulty rows in n a sample of m misses all with a chance of about (1 - k/n)^m.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from alphaforge.core.candles import CandleSeries, Ints, buckets, series_from_columns
from alphaforge.core.errors import InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours
from alphaforge.core.times import rfc3339
from alphaforge.signals.analysis import Analysis, analyse, analyse_last
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Decision
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.timeframe import Alignment, by_bucket_end

_M5 = Granularity.M5.seconds
_AHEAD = 288
"""Candles of another future: a day, many times the longest candle that a decision is made from."""
_GROWTH = 1.25
_OF_THE_WINDOW = frozenset({"candle_hash"})
"""What names the candles that were seen, and so is another for another history by its purpose."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row whose decision is another one: its candle's start (epoch seconds), which fields differ, and with what."""

    instrument: str
    candle_time: int
    fields: tuple[str, ...]
    told_by: str


@dataclass(frozen=True, slots=True)
class Lookahead:
    """What came of looking for knowledge of the future in `rows` decisions of an instrument."""

    instrument: str
    rows: int
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether no decision was another one."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Warmup:
    """What came of deciding `rows` rows from the shortest history that the settings accept.

    `minimum`: closed candles of every timeframe in that history. `agreed_from`: so many, and all decisions were those
    of the full history; None where no history at hand was long enough. `candle_hash` is not compared: it names the
    candles that were seen.
    """

    instrument: str
    rows: int
    minimum: int
    agreed_from: int | None
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether the shortest history decides like the full one."""
        return not self.differences


def look_ahead(
    series: CandleSeries,
    instrument: Instrument,
    hours: MarketHours,
    settings: StrategySettings,
    *,
    start: float = 0.0,
    end: float = float("inf"),
    rows: int = 200,
    seed: int = 0,
    alignment: Alignment = by_bucket_end,
) -> Lookahead:
    """Decide `rows` sampled rows that close after `start` and by `end` (epoch seconds) three times.

    From the whole series, from the series that ends with the row, and from one whose later candles are others. A
    decision that differs knows what it cannot know. `alignment` says which longer candles an M5 candle may know.
    Raises NoData where no row is warm, InvalidInput for less than one row.
    """
    whole = analyse(series, settings, alignment=alignment)
    chosen = _sample(whole, start, end, rows, seed)
    found = []
    for row in chosen.tolist():
        expected = _decision(whole, row, instrument, hours)
        cut = analyse_last(series.rows(0, row + 1), settings, alignment=alignment)
        other = _with_another_future(series, row, seed)
        changed = analyse_last(other, settings, len(other) - row, alignment=alignment)
        for told_by, analysis in (("no future", cut), ("another future", changed)):
            differing = _differing(expected, _decision(analysis, row, instrument, hours))
            if differing:
                found.append(Difference(series.instrument, int(series.time[row]), differing, told_by))
    return Lookahead(series.instrument, len(chosen), tuple(found))


def warm_up(
    series: CandleSeries,
    instrument: Instrument,
    hours: MarketHours,
    settings: StrategySettings,
    *,
    start: float = 0.0,
    end: float = float("inf"),
    rows: int = 200,
    seed: int = 0,
) -> Warmup:
    """Decide `rows` sampled rows that close after `start` and by `end` from the full and from the shortest history.

    The shortest has `minimum_candles` closed candles on every timeframe, the first one of the longest cut short, as
    when the desk starts within an hour. Where decisions differ, longer histories are tried until none does.
    Raises NoData where no row is warm, InvalidInput for less than one row.
    """
    whole = analyse(series, settings)
    chosen = _sample(whole, start, end, rows, seed)
    minimum = settings.minimum_candles
    differences = _from_histories(whole, chosen, minimum, instrument, hours)
    count, left = minimum, [_row_of(series, one) for one in differences]
    while left:
        count = int(np.ceil(count * _GROWTH))
        able = [row for row in left if min(frame.closed(row) for frame in whole.timeframes) > count]
        if not able:  # their whole history is no longer than that
            break
        left = [_row_of(series, one) for one in _from_histories(whole, able, count, instrument, hours)]
    return Warmup(series.instrument, len(chosen), minimum, None if left else count, tuple(differences))


def warm_from(time: Ints, settings: StrategySettings) -> int | None:
    """From which close on (epoch seconds) M5 candles at `time` (n,) suffice for decisions; None: they never do."""
    closes = []
    for granularity in settings.weights:
        starts, _, _ = buckets(time, granularity)
        if len(starts) < settings.minimum_candles:
            return None
        closes.append(int(starts[settings.minimum_candles - 1]) + granularity.seconds)
    enough = time[time + _M5 >= max(closes)]
    return int(enough[0]) + _M5 if len(enough) else None


def _sample(analysis: Analysis, start: float, end: float, rows: int, seed: int) -> Ints:
    """Positions of warm rows, in order, each once."""
    if rows < 1:
        message = f"{rows} rows can show nothing"
        raise InvalidInput(message, advice="Ask for 1 or more.")
    closes = analysis.series.time + _M5
    able = np.flatnonzero(analysis.warm & (closes > start) & (closes <= end))
    if not len(able):
        needed = analysis.settings.minimum_candles
        message = f"{analysis.series.instrument}: no candle of this period has {needed} closed ones on every timeframe"
        raise NoData(message, advice="Choose a later period, or download older candles.")
    chosen = np.random.default_rng(seed).choice(able, min(rows, len(able)), replace=False)
    return np.sort(chosen).astype(np.int64)


def _decision(analysis: Analysis, row: int, instrument: Instrument, hours: MarketHours) -> Decision:
    close = int(analysis.series.time[row]) + _M5
    return decide(analysis, row, Context(float(close), hours.is_open(close), {}, None, (), instrument))


def _differing(one: Decision, other: Decision, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The fields whose values are not the same to the last bit (a float's text is exact, and knows -0.0)."""
    names = (field.name for field in fields(Decision))
    return tuple(
        name for name in names if name not in without and repr(getattr(one, name)) != repr(getattr(other, name))
    )


def _with_another_future(series: CandleSeries, row: int, seed: int) -> CandleSeries:
    """The candles up to `row`, and at the times of those after it others: from half to twice their prices."""
    part = series.rows(0, row + 1 + _AHEAD)
    random = np.random.default_rng((seed, row))
    later = len(part) - row - 1
    factor = np.ones(len(part))
    factor[row + 1 :] = random.uniform(0.5, 2.0, later)
    volume = part.volume.copy()
    volume[row + 1 :] = random.integers(1, 10_000, later)
    sides = (price * factor for side in (part.mid, part.bid, part.ask) for price in side.columns())
    return series_from_columns(part.instrument, part.granularity, [part.time, *sides, volume])


def _from_histories(
    whole: Analysis, rows: Iterable[int], count: int, instrument: Instrument, hours: MarketHours
) -> list[Difference]:
    """The rows that `count` closed candles on every timeframe decide otherwise than the whole series does."""
    series, found = whole.series, []
    begins = _Beginnings(series, whole.settings)
    for row in rows:
        begin = begins.of(int(row), count)
        part = analyse_last(series.rows(begin, int(row) + 1), whole.settings)
        ours = _decision(whole, int(row), instrument, hours)
        theirs = _decision(part, int(row) - begin, instrument, hours)
        differing = _differing(ours, theirs, _OF_THE_WINDOW)
        if differing:
            told_by = f"{count} candles on every timeframe"
            found.append(Difference(series.instrument, int(series.time[row]), differing, told_by))
    return found


class _Beginnings:
    """Where histories of so many closed candles begin."""

    def __init__(self, series: CandleSeries, settings: StrategySettings) -> None:
        self._time = series.time
        self._buckets = [(one, *buckets(series.time, one)) for one in settings.weights]

    def of(self, row: int, count: int) -> int:
        """The last position from which each timeframe has `count` candles that are closed at `row`."""
        position = row
        for granularity, starts, _, ends in self._buckets:
            newest = int(by_bucket_end(self._time[row : row + 1], starts, granularity)[0])
            position = min(position, int(ends[newest - count + 1]))
        return position


def _row_of(series: CandleSeries, difference: Difference) -> int:
    return int(np.searchsorted(series.time, difference.candle_time))


def in_words(difference: Difference) -> str:
    """A sentence about a row."""
    where = f"{difference.instrument} at {rfc3339(difference.candle_time)}"
    return f"{where}: with {difference.told_by} the decision differs in {', '.join(difference.fields)}"
