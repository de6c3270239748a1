"""The report of a backtest: one document, ready for JSON, that every rendering is made from.

docs/backtesting.md describes it. Fractions are fractions (0.05 is 5 %), what is lost is negative, None is not known.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from alphaforge.backtests.breakdowns import breakdowns
from alphaforge.backtests.controls import Controls
from alphaforge.backtests.equity_path import Trials, equity_path, sharpe_held_against
from alphaforge.backtests.evidence import Measured, sentence, verdict
from alphaforge.backtests.judged import judged
from alphaforge.backtests.model import Run
from alphaforge.backtests.segment import segment_of, trades_from
from alphaforge.backtests.warnings import warnings_of
from alphaforge.core.times import rfc3339
from alphaforge.statistics.days import summarised
from alphaforge.statistics.figures import figures_of, plain

VERSION: Final = 1
"""Of the document: what is added does not change it, what is renamed or removed does."""

_BIN: Final = 0.25
_MOST_BINS: Final = 60


def report_of(
    run: Run, *, controls: Controls | None = None, trials: Trials | None = None, version: str = ""
) -> dict[str, Any]:
    """The report of one run. `trials`: of what it is the best, None: it was the only one. `version`: of the code."""
    return document(segment_of(run, controls), trials=trials, version=version)


def document(segment: Mapping[str, Any], *, trials: Trials | None = None, version: str = "") -> dict[str, Any]:
    """The report of a run's segment, or of several joined."""
    columns = segment["trades"]
    trades = trades_from(columns)
    days = summarised(trades)
    balance = float(segment["options"]["balance"])
    figures = plain(figures_of(days, balance=balance))
    path = equity_path(days, balance, segment["periods"])
    said = None
    if segment["controls"] is not None:
        said = judged(Controls.from_dict(segment["controls"]), np.array(columns["r"], np.float64))
    sharpe = sharpe_held_against(path, trials or Trials())
    measured = _measured(segment, figures, said, sharpe)
    return {
        "version": VERSION,
        "kind": "single",
        "verdict": str(verdict(measured)),
        "sentence": sentence(measured),
        "warnings": warnings_of(segment),
        "asked": _asked(segment, version),
        "figures": figures,
        "sharpe": sharpe,
        "controls": said,
        "breakdowns": breakdowns(columns),
        "rejections": _rejections(segment["rows"]),
        "ambiguous": sum(columns["ambiguous"]),
        "still_open": segment["still_open"],
        "history": segment["history"],
        "days": path.to_dict(),
        "histogram": histogram_of(trades.r.tolist()),
        "trades": columns,
    }


def _asked(segment: Mapping[str, Any], version: str) -> dict[str, Any]:
    names = ("instruments", "settings", "fingerprint", "options", "source", "simulated")
    return {
        **{name: segment[name] for name in names},
        "from": rfc3339(segment["start"]),
        "to": rfc3339(segment["end"]),
        "evaluated_from": rfc3339(segment["periods"][0][0]),
        "evaluated_to": rfc3339(segment["periods"][-1][1]),
        "candles": {name: history["candles"] for name, history in segment["history"].items()},
        "version": version,
    }


def _measured(
    segment: Mapping[str, Any],
    figures: Mapping[str, Any],
    controls: Mapping[str, Any] | None,
    sharpe: Mapping[str, Any],
) -> Measured:
    """What the evidence is judged by."""
    factor = figures["money"]["profit_factor"]
    random = {} if controls is None else controls["random"]["expectancy_r"]
    free = {} if controls is None else controls["without_spread"]["profit_factor"]
    return Measured(
        trades=figures["counts"]["trades"],
        days=figures["counts"]["days"],
        profit_factor=factor["value"],
        interval=_interval(factor),
        random_share=random.get("as_well"),
        p=random.get("p"),
        sharpe=sharpe["deflated"],
        tried=sharpe["tried"],
        without_spread=_interval(free) if free else None,
        simulated=segment["simulated"],
    )


def _interval(estimate: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = estimate["low"], estimate["high"]
    return None if low is None or high is None else (low, high)


def _rejections(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Why rows became no trade, in all and by instrument, beside how many were evaluated."""
    total: dict[str, int] = {}
    for part in rows.values():
        for reason, count in part["reasons"].items():
            total[reason] = total.get(reason, 0) + count
    return {
        "evaluated": sum(part["evaluated"] for part in rows.values()),
        "signals": sum(part["signals"] for part in rows.values()),
        "reasons": total,
        "instruments": {
            name: {
                **part,
                "first_close": None if part["first_close"] is None else rfc3339(part["first_close"]),
            }
            for name, part in rows.items()
        },
    }


def histogram_of(r: Sequence[float]) -> dict[str, list[Any]]:
    """How often R-multiples lie between edges a quarter R apart, wider where that makes more than 60 bins."""
    if not len(r):
        return {"edges": [], "counts": []}
    width = _BIN
    while (max(r) - min(r)) / width > _MOST_BINS:
        width *= 2
    low, high = np.floor(min(r) / width), np.floor(max(r) / width) + 1
    counts, edges = np.histogram(r, bins=np.arange(low, high + 1) * width)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
