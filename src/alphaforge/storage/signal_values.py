"""What goes into and comes out of stored signals: the values that `SignalRepository` takes."""

from dataclasses import dataclass
from typing import Any

from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.signals.explain import sentence
from alphaforge.signals.model import Decision, Direction, Levels, Outcome, Status
from alphaforge.storage.rows import Position, given, place

M5 = Granularity.M5.seconds
OPEN = (Status.PENDING, Status.ACTIVE)
WORDS = {Status.WON: "WIN", Status.LOST: "LOSS"}
"""The predecessor's `outcome` for a status; EXPIRED is neither."""


@dataclass(frozen=True, slots=True)
class SignalCriteria:
    """Which signals: of these statuses, of this instrument, and so on; what is not given does not restrict.

    `start` and `end` in epoch seconds, `end` not included. `origin`: `strategy` or `manual`.
    """

    statuses: tuple[Status, ...] = ()
    instrument: str | None = None
    direction: Direction | None = None
    start: float | None = None
    end: float | None = None
    min_confidence: float | None = None
    origin: str | None = None
    source: str | None = None
    behind: Position | None = None

    def values(self) -> dict[str, tuple[Any, ...]]:
        """What is given, as `SIGNAL_LIST` takes it."""
        found: dict[str, tuple[Any, ...]] = {}
        if self.statuses:
            found["status"] = tuple(dict.fromkeys(status.value for status in self.statuses))
        if self.direction is not None:
            found["direction"] = (self.direction.value,)
        plain = given(self, "instrument", "start", "end", "min_confidence", "origin", "source")
        return found | plain | place(self.behind)


@dataclass(frozen=True, slots=True)
class NewSignal:
    """A signal made by hand or by a client. `created_at` in epoch seconds; `tp1`.. are its targets."""

    instrument: str
    direction: Direction
    entry: float
    stop_loss: float
    tp1: float
    created_at: float
    tp2: float | None = None
    tp3: float | None = None
    rr_ratio: str | None = None
    confidence_score: float | None = None
    signal_strength: str | None = None
    position_size: float | None = None
    risk_amount: float | None = None
    reasoning: str | None = None
    market_condition: str | None = None
    session: str | None = None
    notes: str | None = None
    tags: str | None = None
    status: Status = Status.PENDING
    source: str | None = None
    simulated: bool | None = None

    def row(self) -> dict[str, Any]:
        """Its columns."""
        row = {name: getattr(self, name) for name in self.__slots__}
        row |= {"direction": self.direction.value, "status": self.status.value}
        row |= {"symbol": Instrument(self.instrument).symbol, "origin": "manual"}
        return row | {"timestamp": self.created_at, "updated_at": self.created_at}


def decided_row(decision: Decision, levels: Levels) -> dict[str, Any]:
    """The columns that a decision of the strategy fills, but for where and how it was stored."""
    reward = abs(levels.target - levels.entry) / levels.risk
    return {
        "timestamp": decision.as_of,
        "direction": levels.direction.value,
        "entry": levels.entry,
        "stop_loss": levels.stop,
        "tp1": levels.target,
        "rr_ratio": f"1:{reward:.1f}",
        "confidence_score": decision.confidence,
        "reasoning": sentence(decision),
        "status": Status.PENDING.value,
        "market_condition": decision.regime.value,
        # in the words that the predecessor's clients take apart
        "notes": (
            f"Regime: {decision.regime.value}, Agreement: {decision.agreement:.2f}, Kelly: {decision.risk_fraction:.3f}"
        ),
        "created_at": decision.as_of,
        "updated_at": decision.as_of,
        "instrument": decision.instrument,
        "origin": "strategy",
        "strategy": decision.strategy,
        "candle_time": decision.candle_time,
        "candle_hash": decision.candle_hash,
        "settings_hash": decision.settings_hash,
        "regime": decision.regime.value,
        "strength": decision.strength,
        "agreement": decision.agreement,
        "spread": decision.spread,
        "risk_fraction": decision.risk_fraction,
    }


def settled_row(outcome: Outcome, at: float) -> dict[str, Any]:
    """The columns that an outcome fills."""
    return {
        "status": outcome.status.value,
        "outcome": WORDS.get(outcome.status),
        "exit_time": outcome.exit_time,
        "exit_price": outcome.exit_price,
        "pips_captured": outcome.pips,
        "r_multiple": outcome.r_multiple,
        "mae": outcome.mae,
        "mfe": outcome.mfe,
        "spread_paid": outcome.spread_paid,
        "ambiguous": outcome.ambiguous,
        "updated_at": at,
    }
