"""What the desk holds between decisions: open signals, the last one of each instrument, and how the others ended.

The live scan, a replay and a backtest step the same book: settle what the candles up to a moment have ended, then
decide on each instrument's candle, always in the same order. Nothing here reads a clock or a disk.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.signals.decision import Context
from alphaforge.signals.model import Decision, Outcome
from alphaforge.signals.outcome import OpenSignal, settle
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings


def opened(decision: Decision, signal_id: int, settings: StrategySettings = DEFAULT_SETTINGS) -> OpenSignal:
    """The open signal that a decision makes. Raises InvalidInput where it decided against one."""
    if not decision.is_signal or decision.levels is None:
        raise InvalidInput(f"{decision.instrument}: a decision for no signal ({decision.reason}) opens none")
    closed_at = decision.candle_time + Granularity.M5.seconds
    return OpenSignal(
        id=signal_id,
        instrument=decision.instrument,
        direction=decision.levels.direction,
        entry=decision.levels.entry,
        stop=decision.levels.stop,
        target=decision.levels.target,
        opened_at=closed_at,
        expires_at=closed_at + settings.lifetime,
        spread=decision.spread,
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """A signal and how it ended."""

    signal: OpenSignal
    outcome: Outcome


@dataclass(slots=True)
class Book:
    """The state that decisions depend on beside candles; it can be rebuilt from the database at any time.

    `open`: signals by id. `last_signal_at`: by instrument, the close of the newest signal's candle, epoch seconds.
    `results`: by instrument, (time, R-multiple), oldest first.
    """

    settings: StrategySettings = DEFAULT_SETTINGS
    open: dict[int, OpenSignal] = field(default_factory=dict)
    last_signal_at: dict[str, int] = field(default_factory=dict)
    results: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def instruments(self, watched: Iterable[str]) -> tuple[str, ...]:
        """The watched instruments, and those of open signals that are watched no more."""
        return tuple(dict.fromkeys((*watched, *(signal.instrument for signal in self.open.values()))))

    def exposure(self) -> dict[str, int]:
        """Net open signals by currency: a BUY of GBP_USD is GBP +1 and USD -1. Currencies at zero are left out."""
        net: dict[str, int] = {}
        for signal in self.open.values():
            base, _, quote = signal.instrument.partition("_")
            net[base] = net.get(base, 0) + signal.sign
            net[quote] = net.get(quote, 0) - signal.sign
        return {currency: count for currency, count in net.items() if count}

    def r_multiples(self, instrument: str) -> tuple[float, ...]:
        """The newest results of an instrument that sizing looks at, oldest first."""
        return tuple(map(itemgetter(1), self.results.get(instrument, [])[-self.settings.kelly_results :]))

    def context_for(self, instrument: Instrument, as_of: float, *, market_open: bool) -> Context:
        """What a decision on `instrument` at `as_of` (epoch seconds) must know beside candles."""
        return Context(
            as_of=as_of,
            market_open=market_open,
            exposure=self.exposure(),
            last_signal_at=self.last_signal_at.get(instrument.name),
            r_multiples=self.r_multiples(instrument.name),
            instrument=instrument,
        )

    def add(self, decision: Decision, signal_id: int) -> OpenSignal:
        """Take up a signal under its id, and answer with it. Raises InvalidInput where the decision is none."""
        signal = opened(decision, signal_id, self.settings)
        self.hold((signal,))
        newest = self.last_signal_at.get(signal.instrument, signal.opened_at)
        self.last_signal_at[signal.instrument] = max(newest, signal.opened_at)
        return signal

    def hold(self, signals: Iterable[OpenSignal]) -> None:
        """Take up signals that are open already."""
        self.open.update((signal.id, signal) for signal in signals)

    def record(self, instrument: str, r_multiple: float, at: float) -> None:
        """Remember a result, a settled signal's or a trader's own, in the order of time (epoch seconds)."""
        insort(self.results.setdefault(instrument, []), (at, r_multiple))

    def settle(
        self,
        candles: Mapping[str, CandleSeries],
        pips: Mapping[str, float],
        through: float,
        *,
        finer: Mapping[int, CandleSeries] | None = None,
        awaited: Collection[int] = (),
    ) -> list[Settled]:
        """Close the signals that ended by `through` (epoch seconds), oldest first, and remember their results.

        `candles`: M5 by instrument, complete through that moment; later ones are not looked at. `pips`: the price of a
        pip by instrument. `finer`: by signal id, finer candles of its ambiguous one; `awaited`: signals that
        stay open because those cannot be had yet.
        """
        settled = []
        for signal in sorted(self.open.values(), key=lambda one: (one.opened_at, one.id)):
            series = candles.get(signal.instrument)
            if series is None or signal.id in awaited:
                continue
            known = series.until(through)
            outcome = settle(
                signal, known, pips[signal.instrument], finer=(finer or {}).get(signal.id), through=through
            )
            if outcome is not None:
                settled.append(Settled(signal, outcome))
        for end in settled:
            del self.open[end.signal.id]
            self.record(end.signal.instrument, end.outcome.r_multiple, end.outcome.exit_time)
        return settled
