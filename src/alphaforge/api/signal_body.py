"""A stored signal as the predecessor's clients know it, with what is new beside it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from alphaforge.api.encoding import stored_time
from alphaforge.core.errors import UnknownInstrument
from alphaforge.core.instruments import instrument_name
from alphaforge.signals.model import Status

Row = Mapping[str, Any]

_TIMES = ("timestamp", "entry_time", "exit_time", "created_at", "updated_at", "candle_time", "expires_at")

_CLOSED = (Status.WON, Status.LOST, Status.EXPIRED, Status.CLOSED)


@lru_cache(maxsize=1_000)
def instrument_of(symbol: str) -> str | None:
    """The instrument that a stored symbol means; None where it means none."""
    try:
        return instrument_name(symbol)
    except UnknownInstrument:
        return None


def signal_body(row: Row) -> dict[str, object]:
    """One signal: its columns, the predecessor's first, with times as RFC 3339 and the instrument beside the symbol."""
    body: dict[str, Any] = {**row}
    for name in _TIMES:
        if body[name] is not None:
            body[name] = stored_time(body[name])
    body["instrument"] = body["instrument"] or instrument_of(body["symbol"])
    return body


def page_statistics(rows: Iterable[Row]) -> dict[str, object]:
    """The figures that go with a list, over the rows of that list as in the predecessor.

    `active` are the open ones, pending included; `closed` those that ran their course; `winRate` is in percent of
    winners and losers; `totalPnL` the sum of the realised money where it is known.
    """
    counts = dict.fromkeys(Status, 0)
    money = 0.0
    for row in rows:
        counts[Status(row["status"])] += 1
        money += row["actual_pnl"] or 0.0
    won, lost = counts[Status.WON], counts[Status.LOST]
    return {
        "total": sum(counts.values()),
        "active": counts[Status.ACTIVE] + counts[Status.PENDING],
        "closed": sum(counts[status] for status in _CLOSED),
        "winners": won,
        "losers": lost,
        "expired": counts[Status.EXPIRED],
        "pending": counts[Status.PENDING],
        "winRate": percent(won, won + lost),
        "totalPnL": round(money, 2),
    }


def percent(part: int, whole: int) -> float:
    """A share in percent, one decimal; 0 of nothing is 0, as the predecessor has it."""
    return round(100 * part / whole, 1) if whole else 0.0
