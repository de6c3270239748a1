"""The main figures of a report, short enough for a list."""

from collections.abc import Mapping
from typing import Any

from alphaforge.backtests.compare import FIGURES


def summary_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The sentence of evidence first, then the figures that reports are compared by; None where nothing was judged."""
    inner = report if report["kind"] == "single" else report.get("report")
    figures = None if inner is None else {name: _at(inner["figures"], place) for name, place in FIGURES}
    return {
        "sentence": report["sentence"],
        "verdict": None if inner is None else inner["verdict"],
        "figures": figures,
    }


def _at(figures: Mapping[str, Any], place: tuple[str, ...]) -> Any:  # noqa: ANN401 - a number or an estimate
    found: Any = figures
    for name in place:
        found = found[name]
    return found
