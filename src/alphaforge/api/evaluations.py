"""Evaluations in answers: decisions, why there is no signal, and what would have made one."""

from alphaforge.api.results import ScanResult
from alphaforge.signals.explain import decision_to_dict, sentence, summary
from alphaforge.signals.model import Decision
from alphaforge.signals.settings import StrategySettings


def evaluation_result(result: ScanResult) -> dict[str, object]:
    """What a scan found on one instrument, without its name.

    `generated` says whether this scan stored a signal; `reason` says in a sentence why not, and `signal_id` names the
    signal of this candle, whichever scan made it.
    """
    body: dict[str, object] = {"generated": result.signal_id is not None}
    decision = result.decision
    if result.signal_id is not None:
        body["signal_id"] = result.signal_id
    else:
        body["reason"] = _reason(result)
        if result.earlier_id is not None:
            body["signal_id"] = result.earlier_id
    if decision is not None:
        body |= {
            "direction": decision.direction.value if decision.direction else None,
            "confidence": decision.confidence,
            "regime": decision.regime.value,
            "strength": decision.strength,
            "agreement": decision.agreement,
            "filter": decision.reason.value if decision.reason else None,
            "summary": summary(decision),
            "explanation": sentence(decision),
            "failed_filters": failed_filters(decision),
            "nearest": nearest(decision),
        }
    if result.problem:
        body["problem"] = result.problem
    return body


def _reason(result: ScanResult) -> str:
    if result.decision is None:
        return result.reason
    if result.decision.is_signal:
        which = f"signal {result.earlier_id}" if result.earlier_id is not None else "a signal"
        return f"The newest candle has made {which} already. {sentence(result.decision)}"
    return sentence(result.decision)


def failed_filters(decision: Decision) -> list[dict[str, object]]:
    """The filters that refused, in their order."""
    return [
        {"name": one.name.value, "measured": one.measured, "threshold": one.threshold, "change": one.change}
        for one in decision.filters
        if not one.passed
    ]


def nearest(decision: Decision) -> str | None:
    """The smallest change that would have passed the first failed filter."""
    return next((one.change for one in decision.filters if not one.passed), None)


def decision_body(decision: Decision, settings: StrategySettings) -> dict[str, object]:
    """A decision in full, with its sentence, its failed filters and what was nearest; `settings` are the desk's."""
    is_by_these = decision.settings_hash == settings.fingerprint()
    return {
        "summary": summary(decision),
        "sentence": sentence(decision),
        "is_signal": decision.is_signal,
        "failed_filters": failed_filters(decision),
        "nearest": nearest(decision),
        "candle_hash": decision.candle_hash,
        "settings_hash": decision.settings_hash,
        "weights": settings.weights if is_by_these else None,
        "decision": decision_to_dict(decision),
    }
