"""The trades of a backtest in parts: by instrument, side, regime, session, hour, weekday, month and confidence."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from alphaforge.backtests.segment import trades_from
from alphaforge.core.candles import Ints
from alphaforge.signals.model import Direction, Regime
from alphaforge.statistics.breakdown import by_codes
from alphaforge.statistics.calendar import SESSIONS, WEEKDAYS, hours, month_name, months, sessions, weekdays
from alphaforge.statistics.figures import plain

Columns = Mapping[str, Sequence[Any]]

_BUCKET: Final = 10
"""Points of `confidence_score` (0 to 100) that are looked at together."""

_BUCKETS: Final = tuple(f"{low}\u2013{low + _BUCKET}" for low in range(0, 100, _BUCKET))
_HOURS: Final = tuple(f"{hour:02d}:00" for hour in range(24))


def breakdowns(columns: Columns) -> dict[str, list[dict[str, Any]]]:
    """For each kind of part, the parts that have trades, in their own order, with `GroupFigures` under `key`.

    Sessions (by the clocks of the places), hours, weekdays (UTC) and months are those of the opening.
    """
    trades = trades_from(columns)
    opened = trades.opened
    names = sorted(set(columns["instrument"]))
    month = months(opened)
    first = int(month.min(initial=0)) if len(month) else 0
    last = int(month.max(initial=0))
    codes: dict[str, tuple[Ints, Sequence[str]]] = {
        "instrument": (_places(columns["instrument"], names), names),
        "side": (_places(columns["side"], list(Direction)), list(Direction)),
        "regime": (_places(columns["regime"], list(Regime)), list(Regime)),
        "session": (sessions(opened).astype(np.int64), list(SESSIONS)),
        "hour": (hours(opened), _HOURS),
        "weekday": (weekdays(opened), WEEKDAYS),
        "month": (month - first, [month_name(number) for number in range(first, last + 1)] if len(month) else []),
        "confidence": (_buckets(columns["confidence"]), _BUCKETS),
    }
    return {
        kind: [{"key": group.key, **plain(group.figures)} for group in by_codes(trades, places, labels)]
        for kind, (places, labels) in codes.items()
    }


def _places(values: Sequence[str], order: Sequence[str]) -> Ints:
    place = {str(value): number for number, value in enumerate(order)}
    return np.array([place[value] for value in values], np.int64)


def _buckets(confidence: Sequence[float]) -> Ints:
    return np.minimum(np.array(confidence, np.float64) // _BUCKET, len(_BUCKETS) - 1).astype(np.int64)
