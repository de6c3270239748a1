"""What one run came to, as JSON has it: small enough to be sent and kept, whole enough to make a report of.

Segments that follow each other, as the tests of a walk-forward do, join into one: that report is made the same way.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from alphaforge.backtests.controls import Controls, joined_controls
from alphaforge.backtests.fills import STATUSES
from alphaforge.backtests.history import history_of, joined_histories
from alphaforge.backtests.model import SIGNAL, Reason, Rows, Run
from alphaforge.backtests.period import evaluated_period
from alphaforge.backtests.plan import plain_options
from alphaforge.backtests.setting_texts import plain_settings
from alphaforge.backtests.trades import order_of
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Direction, Status
from alphaforge.signals.regime import REGIMES
from alphaforge.statistics.trades import ResultClass, Trades

Columns = dict[str, list[Any]]

_REASONS: Final = tuple(Reason)
_AS_THEY_ARE: Final = (
    *("candle_time", "opened", "closed", "entry", "stop", "target", "spread", "exit", "strength", "agreement"),
    *("confidence", "risk_fraction", "pips", "r", "mae", "mfe", "ambiguous", "financing_r", "amount", "cost", "equity"),
)
_CLASSES: Final = {
    str(Status.WON): ResultClass.WIN,
    str(Status.LOST): ResultClass.LOSS,
    str(Status.EXPIRED): ResultClass.EXPIRED,
}


def segment_of(run: Run, controls: Controls | None = None) -> dict[str, Any]:
    """Everything of a run that a report is made of."""
    market = run.market
    names = [one.name for one in market.instruments]
    return {
        "start": run.start,
        "end": run.end,
        "periods": [evaluated_period(run)],
        "instruments": names,
        "settings": plain_settings(run.settings),
        "fingerprint": run.settings.fingerprint(),
        "options": plain_options(run.options),
        "source": market.source,
        "simulated": market.simulated,
        "trades": columns_of(run),
        "rows": {name: _rows(run, name) for name in names},
        "history": {
            name: history_of(market.series[name], market.hours[name], run.start, run.end).to_dict() for name in names
        },
        "still_open": run.still_open,
        "controls": None if controls is None else controls.to_dict(),
    }


def columns_of(run: Run) -> Columns:
    """The trades in the order of their closing, one list a column; words for codes, None for what is not known.

    `candle_time`, `opened`, `closed`: epoch seconds.
    """
    fills, order = run.fills, order_of(run)
    names = [one.name for one in run.market.instruments]
    columns: Columns = {
        "instrument": [names[code] for code in fills.instrument[order].tolist()],
        "side": [str(Direction.BUY if side > 0 else Direction.SELL) for side in fills.side[order].tolist()],
        "regime": [str(REGIMES[code]) for code in fills.regime[order].tolist()],
        "status": [str(STATUSES[code]) for code in fills.status[order].tolist()],
    }
    for name in _AS_THEY_ARE:
        values = getattr(fills, name)[order]
        known = values.tolist()
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            known = [value if np.isfinite(value) else None for value in known]
        columns[name] = known
    return columns


def trades_from(columns: Mapping[str, Sequence[Any]]) -> Trades:
    """The trades of `columns_of`, as `trades_of` has those of the run."""

    def floats(name: str) -> np.typing.NDArray[np.float64]:
        return np.array(columns[name], np.float64)  # None becomes NaN

    return Trades(
        opened=floats("opened"),
        closed=floats("closed"),
        amount=floats("amount"),
        cost=floats("cost"),
        r=floats("r") + floats("financing_r"),
        pips=floats("pips"),
        mae=floats("mae"),
        mfe=floats("mfe"),
        result=np.array([_CLASSES[status] for status in columns["status"]], np.int8),
    )


def joined(segments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Segments that follow each other as one; the money of each goes on with what the one before it left.

    Settings, fingerprint and options are those of the first: a walk-forward says itself which it chose. Raises
    InvalidInput for segments that overlap, or of other instruments.
    """
    first = segments[0]
    for before, after in pairwise(segments):
        if after["start"] < before["end"] or after["instruments"] != first["instruments"]:
            raise InvalidInput("Only runs of the same instruments that follow each other join into one")
    if len(segments) == 1:
        return dict(first)
    controls = [Controls.from_dict(one["controls"]) for one in segments if one["controls"] is not None]
    return {
        **first,
        "end": segments[-1]["end"],
        "periods": [period for one in segments for period in one["periods"]],
        "trades": _joined_trades(segments),
        "rows": {name: _joined_rows([one["rows"][name] for one in segments]) for name in first["instruments"]},
        "history": {
            name: joined_histories([one["history"][name] for one in segments]) for name in first["instruments"]
        },
        "still_open": sum(one["still_open"] for one in segments),
        "controls": joined_controls(controls).to_dict() if len(controls) == len(segments) else None,
    }


def _rows(run: Run, name: str) -> dict[str, Any]:
    """How many rows of an instrument were evaluated, from when on, and why most of them became no trade."""
    rows: Rows = run.rows[name]
    reasons = rows.reason
    counts = np.bincount(reasons[reasons != SIGNAL], minlength=len(_REASONS))
    series = run.market.series[name]
    return {
        "evaluated": len(reasons),
        "signals": int(np.count_nonzero(reasons == SIGNAL)),
        "first_close": int(series.time[rows.first]) + Granularity.M5.seconds if len(reasons) else None,
        "reasons": {str(reason): int(count) for reason, count in zip(_REASONS, counts, strict=True) if count},
    }


def _joined_rows(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    reasons: dict[str, int] = {}
    for part in parts:
        for reason, count in part["reasons"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    return {
        "evaluated": sum(part["evaluated"] for part in parts),
        "signals": sum(part["signals"] for part in parts),
        "first_close": next((part["first_close"] for part in parts if part["first_close"] is not None), None),
        "reasons": reasons,
    }


def _joined_trades(segments: Sequence[Mapping[str, Any]]) -> Columns:
    """All trades in the order of their closing, money as one account would have had it.

    A trade risks a share of the equity, so what a segment won grows and shrinks with what the ones before it left.
    """
    columns: Columns = {name: [] for name in segments[0]["trades"]}
    balance = equity = float(segments[0]["options"]["balance"])
    for segment in segments:
        growth = equity / float(segment["options"]["balance"])
        for name, values in segment["trades"].items():
            columns[name] += [value * growth for value in values] if name in {"amount", "cost"} else values
        equity += growth * sum(segment["trades"]["amount"])
    order = np.lexsort((columns["opened"], columns["closed"])).tolist()
    columns = {name: [values[place] for place in order] for name, values in columns.items()}
    columns["equity"] = (balance + np.cumsum(columns["amount"])).tolist()
    return columns
