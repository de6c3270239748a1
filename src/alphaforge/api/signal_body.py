"""A stored signal as the predecessor's clients know it, with what is new beside it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from alphaforge.api.encoding import stored_time
from alphaforge.core.errors import UnknownInstrument
from alphaforge.core.instruments import instrument_name
from alphaforge.signals.model import Status

Row = Mapping[str, Any]

_RECORDED = (
    *("id", "timestamp", "symbol", "direction", "entry", "stop_loss", "tp1", "tp2", "tp3", "rr_ratio"),
    *("position_size", "risk_amount", "confidence_score", "signal_strength", "reasoning", "status"),
    *("entry_time", "entry_price", "exit_time", "exit_price", "outcome", "pips_captured", "actual_pnl"),
    *("potential_pnl", "duration_hours", "mae", "mfe", "slippage", "market_condition", "session"),
    *("volatility_level", "notes", "tags", "created_at", "updated_at"),
)
_TIMES = ("timestamp", "entry_time", "exit_time", "created_at", "updated_at")
_NEW_TIMES = ("candle_time", "expires_at")
_NEW = (
    *("origin", "strategy", "source", "simulated", "candle_hash", "settings_hash", "r_multiple", "ambiguous"),
    *("spread", "spread_paid", "risk_fraction"),
)
_FLAGS = ("simulated", "ambiguous")

_CLOSED = (Status.WON, Status.LOST, Status.EXPIRED, Status.CLOSED)


@lru_cache(maxsize=1_000)
def instrument_of(symbol: str) -> str | None:
    """The instrument that a stored symbol means; None where it means none."""
    try:
        return instrument_name(symbol)
    except UnknownInstrument:
        return None


def signal_body(row: Row) -> dict[str, object]:
    """One signal: the predecessor's keys in its order, then ours. Columns that the row lacks are null."""
    body: dict[str, object] = {name: row[name] for name in _RECORDED}
    for name in _TIMES:
        body[name] = stored_time(row[name])
    body["instrument"] = row.get("instrument") or instrument_of(row["symbol"])
    for name in _NEW:
        body[name] = row.get(name)
    for name in _FLAGS:
        body[name] = None if body[name] is None else bool(body[name])
    for name in _NEW_TIMES:
        body[name] = stored_time(row.get(name))
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
