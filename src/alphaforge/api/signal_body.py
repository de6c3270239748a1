"""A stored signal as the predecessor's clients know it, with what is new beside it."""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from alphaforge.api.encoding import Columns, bodies, stored_time
from alphaforge.api.listing import Choice
from alphaforge.core.errors import UnknownInstrument
from alphaforge.core.instruments import instrument_name
from alphaforge.signals.model import Status
from alphaforge.storage.listing import Page
from alphaforge.storage.lists import SIGNAL_COLUMNS

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


DECISION = "decision"
SIGNAL_CHOICE = Choice(
    every=(*SIGNAL_COLUMNS, DECISION),
    minimal=(
        *("id", "timestamp", "symbol", "direction", "entry", "stop_loss", "tp1", "confidence_score", "status"),
        *("exit_time", "exit_price", "outcome", "pips_captured", "actual_pnl", "instrument", "simulated", "r_multiple"),
    ),
    parts={"reasoning": ("reasoning",), "notes": ("notes",), DECISION: (DECISION,)},
    hidden=(DECISION,),
)
"""`decision` is the trace: every vote, filter and level that the signal was decided by."""


def signal_columns(page: Page) -> Columns:
    """By the keys of `signal_body` whose columns the page has, the values of its signals."""
    instruments = page["instrument"]
    if None in instruments:
        named = zip(instruments, page["symbol"], strict=True)
        page = page.with_column("instrument", [name or instrument_of(symbol) for name, symbol in named])
    if DECISION in page.names:
        page = page.with_column(DECISION, map(_as_it_is, page[DECISION]))
    return dict(zip(page.names, page.columns, strict=True))


def signal_bodies(page: Page) -> list[object]:
    """The signals of a page, each as `signal_body` has it, with the columns that the page has."""
    return bodies("Signal", signal_columns(page))


def _as_it_is(stored: str | None) -> msgspec.Raw | None:
    """What is stored as JSON needs no reading to be written."""
    return None if stored is None else msgspec.Raw(stored.encode())


def page_statistics(page: Page) -> dict[str, object]:
    """The figures that go with a list, over the rows of that list as in the predecessor.

    `active` are the open ones, pending included; `closed` those that ran their course; `winRate` is in percent of
    winners and losers; `totalPnL` the sum of the realised money where it is known.
    """
    counts = Counter(page["status"])
    won, lost = counts[Status.WON], counts[Status.LOST]
    return {
        "total": len(page),
        "active": counts[Status.ACTIVE] + counts[Status.PENDING],
        "closed": sum(counts[status] for status in _CLOSED),
        "winners": won,
        "losers": lost,
        "expired": counts[Status.EXPIRED],
        "pending": counts[Status.PENDING],
        "winRate": percent(won, won + lost),
        "totalPnL": round(sum(money or 0.0 for money in page["actual_pnl"]) + 0.0, 2),
    }


def percent(part: int, whole: int) -> float:
    """A share in percent, one decimal; 0 of nothing is 0, as the predecessor has it."""
    return round(100 * part / whole, 1) if whole else 0.0
