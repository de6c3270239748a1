"""A decision in plain words, and as JSON that gives the same decision back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.signals.model import (
    Decision,
    Direction,
    FilterName,
    FilterResult,
    Levels,
    Regime,
    TimeframeVotes,
)

_REASONS = {
    FilterName.STALE_DATA: "the data is too old",
    FilterName.MARKET_CLOSED: "the market is closed",
    FilterName.REGIME: "this regime is not traded",
    FilterName.NO_DIRECTION: "no side has enough votes",
    FilterName.AGREEMENT: "the timeframes disagree",
    FilterName.STRENGTH: "the lead is too weak",
    FilterName.VOLATILITY: "volatility is out of bounds",
    FilterName.TREND: "the trend is too weak",
    FilterName.SPREAD: "the spread is too wide",
    FilterName.EXPOSURE: "too much is open in one currency",
    FilterName.COOLDOWN: "the last signal is too recent",
}


def sentence(decision: Decision) -> str:
    """The decision in a few plain sentences: what, why, and for no signal what would have had to be different."""
    if decision.is_signal and decision.levels is not None:
        levels = decision.levels
        return (
            f"{levels.direction} {decision.instrument} at {levels.entry}, stop {levels.stop}, target {levels.target}. "
            f"{_leaning(decision)} {_votes(decision)} The regime is {_words(decision.regime)}."
        )
    failed = [result for result in decision.filters if not result.passed]
    first = failed[0]
    others = f" Also: {'; '.join(_because(result) for result in failed[1:])}." if failed[1:] else ""
    return f"No signal on {decision.instrument}: {_because(first)}.{others} {_leaning(decision)} {_votes(decision)}"


def summary(decision: Decision) -> str:
    """The decision in a line: the proposal, or the first reason against one and which side was nearer to it."""
    if decision.is_signal and decision.levels is not None:
        levels = decision.levels
        return f"{levels.direction} at {levels.entry}, stop {levels.stop}, target {levels.target}."
    first = next(result for result in decision.filters if not result.passed)
    side = Direction.BUY if decision.buy_votes > decision.sell_votes else Direction.SELL
    nearest = "" if decision.buy_votes == decision.sell_votes else f" Nearest to {side}."
    return f"No signal because {_because(first)}.{nearest}"


def _because(result: FilterResult) -> str:
    return f"{_REASONS[result.name]} ({result.change})"


def _leaning(decision: Decision) -> str:
    """Which side is ahead and by what."""
    if decision.buy_votes == decision.sell_votes:
        return f"Neither side leads: {decision.buy_votes:.2f} weighted votes each."
    side, votes, other = (
        ("BUY", decision.buy_votes, decision.sell_votes)
        if decision.buy_votes > decision.sell_votes
        else ("SELL", decision.sell_votes, decision.buy_votes)
    )
    verb = "leads" if decision.direction else "is nearest"
    return (
        f"{side} {verb} with {votes:.2f} weighted votes against {other:.2f}, "
        f"{decision.agreement:.0%} of the timeframes lean that way."
    )


def _votes(decision: Decision) -> str:
    """Who voted on each timeframe."""
    return " ".join(f"{frame.granularity}: {_voters(frame)}." for frame in decision.timeframes)


def _voters(frame: TimeframeVotes) -> str:
    votes = (
        ("EMA ribbon", frame.ema_ribbon),
        ("RSI", frame.rsi),
        ("MACD", frame.macd),
        ("Bollinger", frame.bollinger),
        ("stochastic", frame.stochastic),
        ("volume", frame.volume),
    )
    cast = [f"{name} {'buy' if vote > 0 else 'sell'}" for name, vote in votes if vote]
    return ", ".join(cast) or "all silent"


def _words(regime: Regime) -> str:
    return str(regime).replace("_", " ")


def decision_to_dict(decision: Decision) -> dict[str, Any]:
    """The decision as JSON takes it: times as RFC 3339 UTC, floats as they are (JSON keeps their repr)."""
    plain = asdict(decision)
    plain["candle_time"] = rfc3339(decision.candle_time)
    plain["as_of"] = rfc3339(decision.as_of)
    for frame in plain["timeframes"]:
        frame["candle_time"] = rfc3339(frame["candle_time"])
    plain["timeframes"], plain["filters"] = list(plain["timeframes"]), list(plain["filters"])
    return plain


def decision_from_dict(plain: Mapping[str, Any]) -> Decision:
    """The decision that `decision_to_dict` was given. Raises InvalidInput for what it cannot have written."""
    try:
        values = {field.name: plain[field.name] for field in fields(Decision)}
        values |= {
            "candle_time": int(parse_rfc3339(plain["candle_time"])),
            "as_of": parse_rfc3339(plain["as_of"]),
            "direction": plain["direction"] and Direction(plain["direction"]),
            "reason": plain["reason"] and FilterName(plain["reason"]),
            "regime": Regime(plain["regime"]),
            "levels": plain["levels"] and _levels(plain["levels"]),
            "timeframes": tuple(_timeframe(frame) for frame in plain["timeframes"]),
            "filters": tuple(_filter(result) for result in plain["filters"]),
        }
        return Decision(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"This is not a stored decision: {type(error).__name__} {error}"
        raise InvalidInput(message) from error


def _levels(plain: Mapping[str, Any]) -> Levels:
    return Levels(**{**plain, "direction": Direction(plain["direction"])})


def _timeframe(plain: Mapping[str, Any]) -> TimeframeVotes:
    times = {"granularity": Granularity(plain["granularity"]), "candle_time": int(parse_rfc3339(plain["candle_time"]))}
    return TimeframeVotes(**{**plain, **times, "values": dict(plain["values"])})


def _filter(plain: Mapping[str, Any]) -> FilterResult:
    return FilterResult(**{**plain, "name": FilterName(plain["name"])})


def differences(one: Decision, other: Decision) -> tuple[str, ...]:
    """The names of all that differs between two decisions on the same candle, beside when they were made.

    `as_of` and the age that `stale_data` measured say when a decision was made, not what was decided.
    """
    names = [field.name for field in fields(Decision) if field.name not in {"as_of", "filters"}]
    found = [name for name in names if getattr(one, name) != getattr(other, name)]
    for mine, theirs in zip(one.filters, other.filters, strict=True):
        same = mine.passed == theirs.passed if mine.name is FilterName.STALE_DATA else mine == theirs
        if not same:
            found.append(f"filters.{mine.name}")
    return tuple(found)
