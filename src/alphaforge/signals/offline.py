"""A whole history decided as the live desk would have: every candle at its close, settling before deciding."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import CandleSeries
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours
from alphaforge.signals.analysis import Analysis, analyse
from alphaforge.signals.decision import decide
from alphaforge.signals.desk import Book, Settled
from alphaforge.signals.model import Decision
from alphaforge.signals.outcome import OpenSignal, ambiguous_candle
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings

FinerCandles = Callable[[str, Granularity, int, int], CandleSeries]
"""Closed candles of an instrument that start in [start, end), epoch seconds; empty where there are none so fine."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened at one close (epoch seconds): the signals that had ended by then, then the decisions."""

    close: int
    settled: tuple[Settled, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Every decision in the order of time and instruments, every end in the order it became known, and the book after.

    The signals among the decisions carry the ids 1, 2, 3, ... in their order; `settled` and the book name them so.
    """

    decisions: tuple[Decision, ...]
    settled: tuple[Settled, ...]
    book: Book

    @property
    def signals(self) -> tuple[Decision, ...]:
        """The decisions that became signals."""
        return tuple(decision for decision in self.decisions if decision.is_signal)


def simulate(
    series: Mapping[str, CandleSeries],
    instruments: Sequence[Instrument],
    hours: Mapping[str, MarketHours],
    settings: StrategySettings = DEFAULT_SETTINGS,
    *,
    start: float = 0,
    end: float = float("inf"),
    finer: FinerCandles | None = None,
) -> Simulation:
    """Every decision and end of the candles that close after `start` and by `end` (epoch seconds), held in memory.

    A decision is about 5 KB: `replay` gives a long history step by step instead.
    """
    book = Book(settings)
    steps = list(replay(series, instruments, hours, book, start=start, end=end, finer=finer))
    return Simulation(
        tuple(decision for step in steps for decision in step.decisions),
        tuple(settled for step in steps for settled in step.settled),
        book,
    )


def replay(
    series: Mapping[str, CandleSeries],
    instruments: Sequence[Instrument],
    hours: Mapping[str, MarketHours],
    book: Book,
    *,
    start: float = 0,
    end: float = float("inf"),
    finer: FinerCandles | None = None,
) -> Iterator[Step]:
    """Step the M5 candles that close after `start` and by `end` (epoch seconds), as_of being each candle's close.

    At each close: settle the book's open signals with the candles up to it, then decide on each instrument that has a
    candle closing there, in the order given, by the book's settings. Signals are numbered after the highest number that
    the book holds. Candles before `start` only warm up; where there are too few, nothing is decided. `finer` is asked
    for M1, then for S5, where a candle touched both levels of a signal; without it such a signal is lost, as it is
    live in a market that has nothing finer.
    """
    analyses = {one.name: analyse(series[one.name], book.settings) for one in instruments}
    pips = {one.name: one.pip for one in instruments}
    number = max(book.open, default=0)
    for close, due in _steps(analyses, instruments, hours, start, end):
        closer = {} if finer is None else _closer(finer, book, series, close)
        settled = book.settle(series, pips, close, finer=closer)
        decisions = []
        for instrument, row, is_open in due:
            context = book.context_for(instrument, float(close), market_open=is_open)
            decision = decide(analyses[instrument.name], row, context)
            decisions.append(decision)
            if decision.is_signal:
                number += 1
                book.add(decision, number)
        yield Step(close, tuple(settled), tuple(decisions))


def _closer(finer: FinerCandles, book: Book, series: Mapping[str, CandleSeries], close: int) -> dict[int, CandleSeries]:
    """By signal, the finer candles of the one that touched both its levels by `close`."""
    found = {}
    for signal in book.open.values():
        if signal.instrument in series:
            start = ambiguous_candle(signal, series[signal.instrument].until(close))
            if start is not None:
                found[signal.id] = closer_look(finer, signal, start)
    return found


def closer_look(finer: FinerCandles, signal: OpenSignal, start: int) -> CandleSeries:
    """What tells more of the M5 candle at `start` that touched both levels of a signal; empty where nothing does.

    Its M1 candles, and where one of those touched both levels too, the S5 candles of that minute.
    """
    minutes = finer(signal.instrument, Granularity.M1, start, start + Granularity.M5.seconds)
    minute = ambiguous_candle(signal, minutes)
    if minute is None:
        return minutes
    return finer(signal.instrument, Granularity.S5, minute, minute + Granularity.M1.seconds)


_Due = list[tuple[Instrument, int, bool]]


def _steps(
    analyses: Mapping[str, Analysis],
    instruments: Sequence[Instrument],
    hours: Mapping[str, MarketHours],
    start: float,
    end: float,
) -> list[tuple[int, _Due]]:
    """Each close with what is due at it: the instrument, its row, and whether its market is open."""
    steps: dict[int, _Due] = {}
    for instrument in instruments:
        analysis = analyses[instrument.name]
        closes = analysis.series.time + Granularity.M5.seconds
        rows = np.flatnonzero(analysis.warm & (closes > start) & (closes <= end))
        opens = hours[instrument.name].open_at(closes[rows])
        for row, close, is_open in zip(rows.tolist(), closes[rows].tolist(), opens.tolist(), strict=True):
            steps.setdefault(close, []).append((instrument, row, is_open))
    return sorted(steps.items())
