"""The product's sentence: take the closed candles of each instrument side by side, evaluate, store, announce."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from alphaforge.core.clock import lag, newest_close
from alphaforge.core.errors import MarketError, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.market.rolling import Refreshed
from alphaforge.signals.analysis import Analysis, analyse_last
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Decision
from alphaforge.signals.settings import STRATEGY
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.collect_candles import collect_candles, is_late
from alphaforge.workflows.desk import Desk, HeldBook
from alphaforge.workflows.load_book import NOUN, followed, load_book
from alphaforge.workflows.settle_signals import finer_candles
from alphaforge.workflows.store_evaluation import Evaluation, EvaluationStore, context_from_dict

M5 = Granularity.M5.seconds


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found on one instrument.

    `decision` is about the newest closed candle, None where none could be made. `reason` says why there is no signal:
    the first failed filter's name, `already_signalled`, or a sentence where nothing could be decided; empty for a
    signal, which `signal_id` names. `late`: the broker has not closed its newest candle yet, or could not be asked:
    ask again soon. `evaluated`: how many candles this scan evaluated and stored. `problem`: what the market answered
    instead of candles. `earlier_id`: the signal that an earlier scan made of this very candle.
    """

    instrument: str
    decision: Decision | None
    signal_id: int | None
    reason: str
    late: bool = False
    evaluated: int = 0
    problem: str | None = None
    earlier_id: int | None = None


async def scan_market(desk: Desk, names: tuple[str, ...] | None = None) -> list[ScanResult]:
    """Fetch, evaluate and store every candle that closed since the last evaluation; decide on the newest.

    Each candle is stored once, as a signal or as a rejection, however often and from wherever this is called. Where
    nothing new has closed, the newest candle is decided again as things stand now, and nothing is stored;
    where it made a signal, without that one, which would refuse it.
    """
    watched = desk.watched(names)
    with desk.counts.scan():
        return await _scanned(desk, watched)


async def _scanned(desk: Desk, watched: Sequence[str]) -> list[ScanResult]:
    boundary, asked = newest_close(desk.clock, Granularity.M5), time.monotonic()
    fetched = await collect_candles(desk, watched)
    # the answers put right a clock that was ahead: it saw a close that came in some of them and not in others
    boundary = min(boundary, newest_close(desk.clock, Granularity.M5, ago=time.monotonic() - asked))
    async with desk.deciding:
        held, desk.held = await load_book(desk), None  # where a step fails, the book is read anew
        scan = _Scan(desk, held, await _pending(desk, watched, boundary), boundary)
        for start in scan.starts():
            await scan.step(start)
        desk.held = scan.held
        return [await scan.result(name, fetched[name]) for name in watched]


async def _pending(desk: Desk, names: Sequence[str], boundary: int) -> dict[str, Analysis]:
    """The analysis of each instrument's candles that nobody has evaluated; on the very first scan, of the newest.

    Only of those that had closed before any of them was asked for: else a close during the questions would be known
    of one instrument and not of another, and what is open in the one weighs on the decision in the other.
    """
    pending = {}
    for name in names:
        closed = desk.candles.series(name).until(boundary)
        if not len(closed):
            continue
        newest = int(closed.time[-1])
        new = len(closed.after(desk.evaluated.get(name, newest - M5) + M5))
        if new:
            pending[name] = analyse_last(closed, desk.strategy, new)
            await asyncio.sleep(0)  # others get their turn: with thirty instruments all of this takes long
    return pending


@dataclass(slots=True)
class _Scan:
    """One scan under way: what is to be evaluated, and what was decided so far."""

    desk: Desk
    held: HeldBook
    pending: dict[str, Analysis]
    boundary: int
    newest: dict[str, Evaluation] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def starts(self) -> list[int]:
        """The starts of all candles to be evaluated, oldest first."""
        return sorted({int(t) for one in self.pending.values() for t in one.series.time[one.first :][one.warm]})

    async def step(self, start: int) -> None:
        """Settle what ended with this candle, then decide on it for each instrument in turn: one transaction."""
        desk, close = self.desk, start + M5
        candles = {name: desk.candles.series(name) for name in self.held.book.instruments(desk.names)}
        finer = await finer_candles(desk, self.held.book.open.values(), candles, close)
        pips = {name: desk.instrument(name).pip for name in candles}
        async with desk.database.write(NOUN, "rejections") as connection:
            signals = SignalRepository(connection)
            for ended in self.held.book.settle(candles, pips, close, finer=finer.candles, awaited=finer.awaited):
                await signals.settle(ended.signal.id, ended.outcome, at=desk.clock.now())
            store = EvaluationStore(desk, signals, RejectionRepository(connection))
            found = [await self._evaluated(store, name, row) for name, row in self._rows(start)]
        self.held = followed(self.held)
        for evaluation in found:  # only now they are on the disk
            name = evaluation.decision.instrument
            desk.evaluated[name] = start
            self.newest[name] = evaluation
            self.counts[name] = self.counts.get(name, 0) + evaluation.stored
            if evaluation.stored:
                desk.counts.stored(evaluation.decision)

    def _rows(self, start: int) -> list[tuple[str, int]]:
        """The instruments that have a candle to be evaluated at `start`, in the desk's order, each with its row."""
        rows = []
        for name in self.desk.names:
            if (analysis := self.pending.get(name)) is None:
                continue
            row = int(analysis.series.time.searchsorted(start))
            fits = analysis.first <= row < len(analysis.series) and analysis.series.time[row] == start
            if fits and analysis.warm[analysis.index(row)]:
                rows.append((name, row))
        return rows

    async def _evaluated(self, store: EvaluationStore, name: str, row: int) -> Evaluation:
        """Decide on a candle, as of its close and the time that passed since, and store what was decided."""
        analysis = self.pending[name]
        close = int(analysis.series.time[row]) + M5
        context = self.context(name, close + lag(self.desk.clock, close))
        return await store.put(decide(analysis, row, context), context, self.held.book)

    def context(self, name: str, as_of: float) -> Context:
        """What a decision on an instrument at a moment must know beside candles."""
        is_open = self.desk.hours_of(name).is_open(as_of)
        return self.held.book.context_for(self.desk.instrument(name), as_of, market_open=is_open)

    async def result(self, name: str, fetched: Refreshed | MarketError) -> ScanResult:
        """What this scan says of an instrument."""
        problem = fetched.message if isinstance(fetched, MarketError) else None
        closed = self.desk.candles.series(name)
        has_close = len(closed) > 0 and closed.end >= self.boundary
        late = is_late(fetched) and not has_close  # who is asked again alone must not run ahead of the others
        if (found := self.newest.get(name)) is None:
            return await self._again(name, problem, late=late)
        return ScanResult(name, found.decision, found.signal_id, found.reason, late, self.counts[name], problem)

    async def _again(self, name: str, problem: str | None, *, late: bool) -> ScanResult:
        """The decision on the newest candle as things stand now; nothing of it is stored."""
        await asyncio.sleep(0)  # others get their turn
        closed = self.desk.candles.series(name)
        if not len(closed):
            why = problem or "warming_up: no candles are loaded yet"
            return ScanResult(name, None, None, why, late, problem=problem)
        analysis = self.desk.analyses.get(name)
        if analysis is None or analysis.series is not closed:
            analysis = self.desk.analyses[name] = analyse_last(closed, self.desk.strategy)
        as_of = self.desk.clock.now()
        made = await self._made(name, int(closed.time[-1]), as_of)
        try:
            decision = decide(analysis, -1, made[1] if made else self.context(name, as_of))
        except NoData as error:
            return ScanResult(name, None, None, error.message, late, problem=problem)
        if made and decision.is_signal:
            return ScanResult(name, decision, None, "already_signalled", late, problem=problem, earlier_id=made[0])
        return ScanResult(name, decision, None, decision.reason or "already_evaluated", late, problem=problem)

    async def _made(self, name: str, candle: int, as_of: float) -> tuple[int, Context] | None:
        """The signal that this candle made, and what it was decided from, as of now; None where it made none.

        A decision that knew of its own signal would be refused by its cooldown.
        """
        if self.held.book.last_signal_at.get(name) != candle + M5:
            return None
        async with self.desk.database.read() as connection:
            made = await SignalRepository(connection).made_of(STRATEGY, self.desk.source.name, name, candle)
        if made is None or (known := made[1].get("context")) is None:
            return None
        is_open = self.desk.hours_of(name).is_open(as_of)
        return made[0], replace(context_from_dict(known, name, as_of), market_open=is_open)
