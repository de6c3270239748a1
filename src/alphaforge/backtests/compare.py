"""Reports beside each other: what differs in the asking and in the figures, and whether that is more than luck.

Expectancies are compared over the trading days that both periods have. Days are drawn with replacement, the same ones
for both, so that a market that was kind to both does not count as a difference. Source: B. Efron and R. Tibshirani, An
Introduction to the Bootstrap, 1993, on paired data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from alphaforge.backtests.setting_texts import plain_value
from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.statistics.calendar import day_name, trading_days

VERSION: Final = 1

_RESAMPLES: Final = 2_000
_SEED: Final = 19_930_515
_FEWEST_DAYS: Final = 5
_ENDS: Final = (0.025, 0.975)

FIGURES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("trades", ("counts", "trades")),
    ("win_rate", ("rates", "win_rate")),
    ("net", ("money", "net")),
    ("net_r", ("r", "total")),
    ("expectancy_r", ("r", "expectancy")),
    ("profit_factor", ("money", "profit_factor")),
    ("sharpe", ("daily", "sharpe")),
    ("max_drawdown", ("drawdown", "maximum_share")),
)
"""The figures that reports are compared by, and where they stand in one."""


def compared(reports: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> dict[str, Any]:
    """Every report beside the first. `names`: what to call them, else A, B, C and so on.

    Raises InvalidInput for fewer than two, and for reports that are none of a single backtest.
    """
    if len(reports) < 2:  # noqa: PLR2004 - two make a pair
        raise InvalidInput("A comparison needs two reports", advice="Name two or more.")
    labels = list(names) or [chr(ord("A") + place) if place < 26 else str(place + 1) for place in range(len(reports))]  # noqa: PLR2004 - letters
    own = [report_in(report) for report in reports]
    differences = [
        _difference(own[0], other, (labels[0], label)) for other, label in zip(own[1:], labels[1:], strict=True)
    ]
    return {
        "version": VERSION,
        "kind": "comparison",
        "names": labels,
        "sentence": " ".join(one["sentence"] for one in differences),
        "warnings": _warnings(own, labels),
        "settings": _settings(own),
        "options": _options(own),
        "figures": {name: [_at(report["figures"], place) for report in own] for name, place in FIGURES},
        "sentences": [report["sentence"] for report in own],
        "differences": differences,
    }


def report_in(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The report of trades that a document has: itself, a grid's best, or a walk-forward's joined tests."""
    found = report if report.get("kind") == "single" else report.get("report")
    if not found:
        raise InvalidInput(
            "This document has no report of trades to compare", advice="Finish the backtest, or compare another."
        )
    inner: Mapping[str, Any] = found
    return inner


def rows_of(comparison: Mapping[str, Any]) -> list[list[str]]:
    """The comparison as a table of texts: a head of names, then what was asked differently, then the figures."""
    rows = [["", *comparison["names"]]]
    for kind in ("settings", "options"):
        rows += [[name, *map(_asked_text, values)] for name, values in comparison[kind].items()]
    rows += [[_label(name), *map(_text, values)] for name, values in comparison["figures"].items()]
    return rows


def _label(name: str) -> str:
    return f"{name.removesuffix('_r').replace('_', ' ')}{' in R' if name.endswith('_r') else ''}"


def _difference(first: Mapping[str, Any], other: Mapping[str, Any], names: tuple[str, str]) -> dict[str, Any]:
    """The difference in expectancy (R) of the second against the first, over the trading days that both have."""
    days = sorted(set(first["days"]["date"]) & set(other["days"]["date"]))
    value, low, high = _expectancies(_daily(first, days), _daily(other, days)) if days else (None, None, None)
    return {
        "of": names[1],
        "against": names[0],
        "days": len(days),
        "expectancy_r": {"value": value, "n": len(days), "low": low, "high": high},
        "sentence": _sentence(names, len(days), value, low, high),
    }


def _daily(report: Mapping[str, Any], days: Sequence[str]) -> Floats:
    """How many trades were opened on each day, and the sum of their R, shape (2, days)."""
    trades = report["trades"]
    place = {day: number for number, day in enumerate(days)}
    opened = trading_days(np.array(trades["opened"], np.int64)) if trades["opened"] else np.zeros(0, np.int64)
    found = np.zeros((2, len(days)))
    for day, r, held in zip(opened.tolist(), trades["r"], trades["financing_r"], strict=True):
        at = place.get(day_name(day))
        if at is not None and r is not None:
            found[:, at] += (1.0, r + held)
    return found


def _expectancies(first: Floats, other: Floats) -> tuple[float | None, float | None, float | None]:
    """The difference in mean R, and its interval; None where one of them has no trade, or where days are few."""
    if not (first[0].sum() and other[0].sum()):
        return None, None, None
    value = float(other[1].sum() / other[0].sum() - first[1].sum() / first[0].sum())
    days = first.shape[1]
    if days < _FEWEST_DAYS:
        return value, None, None
    drawn = np.random.default_rng(_SEED).multinomial(days, np.full(days, 1 / days), _RESAMPLES).astype(np.float64)
    with np.errstate(invalid="ignore"):  # a resample may have drawn no day with a trade
        means = [drawn @ sums / (drawn @ counts) for counts, sums in (first, other)]
    difference = means[1] - means[0]
    low, high = np.quantile(difference[np.isfinite(difference)], _ENDS).tolist()
    return value, low, high


def _sentence(names: tuple[str, str], days: int, value: float | None, low: float | None, high: float | None) -> str:
    pair = f"{names[1]} against {names[0]}"
    if not days:
        return f"{pair}: no trading day in common, so nothing can be said."
    if value is None:
        return f"{pair}: one of them has no trade on the {days} common days, so nothing can be said."
    if low is None or high is None:
        return f"{pair}: fewer than {_FEWEST_DAYS} trading days in common, too few to say anything."
    numbers = f"R a trade (95 % interval {_signed(low)} to {_signed(high)}) over {days} common days"
    if low <= 0 <= high:
        return f"{pair}: no difference shown, {_signed(value)} {numbers}."
    which = "better" if value > 0 else "worse"
    return f"{pair}: {which} by {abs(value):.3f} {numbers}; it may still be the choice of what was compared."


def _signed(value: float) -> str:
    """With its sign, but for what rounds to zero."""
    text = f"{value:+.3f}"
    return "0.000" if text in {"+0.000", "-0.000"} else text


def _warnings(reports: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """What makes the reports differ beside their settings."""
    asked = [report["asked"] for report in reports]
    found = []
    for what, texts in (
        ("periods", [f"{one['from'][:10]} to {one['to'][:10]}" for one in asked]),
        ("instruments", [", ".join(one["instruments"]) for one in asked]),
        ("sources of candles", [one["source"] for one in asked]),
        ("versions of the code", [one["version"] or "unknown" for one in asked]),
    ):
        if len(set(texts)) > 1:
            listed = "; ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
            found.append(f"The {what} differ. {listed}.")
    return found


def _settings(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The settings that differ, by name."""
    own = [report["asked"]["settings"] for report in reports]
    names = sorted({name for settings in own for name in settings})
    values = {name: [settings.get(name, _default(name)) for settings in own] for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def _default(name: str) -> Any:  # noqa: ANN401 - a number or a list
    return plain_value(getattr(DEFAULT_SETTINGS, name))


def _options(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    own = [report["asked"]["options"] for report in reports]
    return {
        name: [options[name] for options in own]
        for name in own[0]
        if any(options[name] != own[0][name] for options in own)
    }


def _at(figures: Mapping[str, Any], place: Sequence[str]) -> Any:  # noqa: ANN401 - a number or an estimate
    found: Any = figures
    for name in place:
        found = found[name]
    return found


def _text(value: object) -> str:
    """A figure as a table shows it: with its interval where it has one."""
    if isinstance(value, Mapping):
        text, low, high = _text(value["value"]), value.get("low"), value.get("high")
        return text if low is None or high is None else f"{text} ({_text(low)} to {_text(high)})"
    if value is None:
        return "\u2013"
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


def _asked_text(value: object) -> str:
    """A setting or an option as one writes it."""
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    if value is None:
        return "\u2013"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
