"""An evaluation becomes a signal or a rejection, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.signals.decision import Context
from alphaforge.signals.desk import Book
from alphaforge.signals.model import Decision
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A decision and what the database made of it. `stored` is false where another process was first."""

    decision: Decision
    signal_id: int | None
    stored: bool

    @property
    def reason(self) -> str:
        """Why there is no signal; empty for one."""
        if self.decision.reason is not None:
            return self.decision.reason
        return "" if self.signal_id is not None else "already_signalled"


@dataclass(frozen=True, slots=True)
class EvaluationStore:
    """Where one transaction puts evaluations."""

    desk: Desk
    signals: SignalRepository
    rejections: RejectionRepository

    async def put(self, decision: Decision, context: Context, book: Book) -> Evaluation:
        """Store a decision, and take a signal up into the book."""
        source, simulated = self.desk.source.name, self.desk.source.simulated
        if not decision.is_signal:
            stored = await self.rejections.add(decision, source=source, simulated=simulated)
            return Evaluation(decision, None, stored)
        signal_id = await self.signals.add(
            decision,
            symbol=context.instrument.symbol,
            source=source,
            simulated=simulated,
            expires_at=decision.candle_time + Granularity.M5.seconds + self.desk.strategy.lifetime,
            context=context_to_dict(context),
        )
        if signal_id is not None:
            book.add(decision, signal_id)
            log.info("signal", signal_id=signal_id, instrument=decision.instrument, direction=decision.direction)
        return Evaluation(decision, signal_id, signal_id is not None)


def context_to_dict(context: Context) -> dict[str, Any]:
    """What a decision was made from beside candles, as JSON takes it."""
    return {
        "market_open": context.market_open,
        "exposure": dict(context.exposure),
        "last_signal_at": context.last_signal_at,
        "r_multiples": list(context.r_multiples),
        "pip_location": context.instrument.pip_location,
        "display_precision": context.instrument.display_precision,
    }


def context_from_dict(plain: Mapping[str, Any], name: str, as_of: float) -> Context:
    """The context that was stored for a decision on the instrument `name` at `as_of` (epoch seconds)."""
    return Context(
        as_of=as_of,
        market_open=plain["market_open"],
        exposure=plain["exposure"],
        last_signal_at=plain["last_signal_at"],
        r_multiples=plain["r_multiples"],
        instrument=Instrument(name, plain["pip_location"], plain["display_precision"]),
    )
