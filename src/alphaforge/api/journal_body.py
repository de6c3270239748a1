"""A journal entry as the predecessor's clients know it, and the figures that follow from what a trader wrote."""

from collections.abc import Callable, Mapping
from typing import Any

from alphaforge.api.encoding import Columns, bodies, short_time, stored_time
from alphaforge.api.listing import Choice
from alphaforge.api.signal_body import instrument_of
from alphaforge.core.instruments import Instrument
from alphaforge.signals.model import Direction
from alphaforge.storage.listing import Page
from alphaforge.storage.lists import ENTRY_COLUMNS, PICTURES

Row = Mapping[str, Any]

_SHORT_NAMES = {
    "symbol": "symbol",
    "type": "trade_type",
    "lots": "lots",
    "entry": "entry_price",
    "exit": "exit_price",
    "sl": "stop_loss",
    "tp": "take_profit",
    "pips": "pips",
    "pl": "profit_loss",
    "mae": "mae",
    "mfe": "mfe",
    "r": "r_value",
    "setup": "trade_setup",
    "session": "session",
}
_AS_THEY_ARE = ("notes", "tags", "screenshot_entry", "screenshot_exit", "screenshot_analysis", "outcome")


def entry_body(row: Row) -> dict[str, object]:
    """One entry: the predecessor's keys in its order, then the full times, the instrument and the signal."""
    minutes = row["duration_minutes"]
    body: dict[str, object] = {
        "id": row["id"],
        "openTime": short_time(row["open_time"]),
        "closeTime": short_time(row["close_time"]),
    }
    body |= {short: row[name] for short, name in _SHORT_NAMES.items()}
    body["duration"] = None if minutes is None else f"{minutes} min"
    body |= {name: row[name] for name in _AS_THEY_ARE}
    return body | {
        "created_at": stored_time(row["created_at"]),
        "updated_at": stored_time(row["updated_at"]),
        "open_time": stored_time(row["open_time"]),
        "close_time": stored_time(row["close_time"]),
        "duration_minutes": minutes,
        "instrument": instrument_of(row["symbol"]),
        "signal_id": row["signal_id"],
    }


ENTRY_CHOICE = Choice(
    every=ENTRY_COLUMNS,
    minimal=(
        *("id", "open_time", "close_time", "symbol", "trade_type", "lots", "entry_price", "exit_price", "stop_loss"),
        *("take_profit", "pips", "profit_loss", "r_value", "trade_setup", "session", "tags", "outcome"),
    ),
    parts={"screenshots": PICTURES, **{name: (name,) for name in PICTURES}, "notes": ("notes",)},
)


def _short(moment: str | None) -> str | None:
    return None if moment is None else f"{moment[:10]} {moment[11:16]}"


def _duration(minutes: int | None) -> str | None:
    return None if minutes is None else f"{minutes} min"


_KEYS: dict[str, tuple[str, Callable[[Any], Any] | None]] = {
    "id": ("id", None),
    "openTime": ("open_time", _short),
    "closeTime": ("close_time", _short),
    **{short: (name, None) for short, name in _SHORT_NAMES.items()},
    "duration": ("duration_minutes", _duration),
    **{name: (name, None) for name in _AS_THEY_ARE},
    **{name: (name, None) for name in ("created_at", "updated_at", "open_time", "close_time", "duration_minutes")},
    "instrument": ("symbol", instrument_of),
    "signal_id": ("signal_id", None),
}
"""By the key of an entry the column that it comes from, and how; in the order of `entry_body`."""


def entry_columns(page: Page) -> Columns:
    """By the keys of `entry_body` whose columns the page has, the values of its entries."""
    there = {key: made for key, made in _KEYS.items() if made[0] in page.names}
    return {
        key: page[name] if change is None else list(map(change, page[name])) for key, (name, change) in there.items()
    }


def entry_bodies(page: Page) -> list[object]:
    """The entries of a page, each as `entry_body` has it, with the keys whose columns the page has."""
    return bodies("Entry", entry_columns(page))


_PIPS_FROM = frozenset({"symbol", "trade_type", "entry_price", "exit_price"})
_R_FROM = _PIPS_FROM | {"stop_loss"}
_OUTCOME_FROM = _PIPS_FROM | {"pips", "profit_loss"}
_DURATION_FROM = frozenset({"open_time", "close_time"})


def derived_fields(entry: Row, said: frozenset[str], known: Mapping[str, Instrument]) -> dict[str, object]:
    """What follows from an entry where `said`, the fields given now, touch its grounds and leave the figure open.

    Pips from the instrument's pip, R from the stop where it lies on the losing side, the outcome from the money or
    else from the pips, the duration from the times. Money does not follow: it needs the contract's size, the rate
    of the account's currency, and costs. None is `not known`.
    """
    derived: dict[str, object] = {}
    moved = _gain(entry)
    given = {name for name in said if entry[name] is not None}
    if said & _PIPS_FROM and "pips" not in given:
        instrument = known.get(instrument_of(entry["symbol"]) or "")
        derived["pips"] = None if moved is None or instrument is None else round(instrument.pips(moved), 1)
    if said & _R_FROM and "r_value" not in given:
        derived["r_value"] = _r_multiple(entry, moved)
    if said & _OUTCOME_FROM and "outcome" not in given:
        derived["outcome"] = _outcome(entry, moved, said)
    if said & _DURATION_FROM and "duration_minutes" not in given:
        opened, closed = entry["open_time"], entry["close_time"]
        derived["duration_minutes"] = None if closed is None else int((closed - opened) // 60)
    return derived


def _gain(entry: Row) -> float | None:
    """How far the price went the trade's way, in price; None while it is open."""
    if entry["exit_price"] is None:
        return None
    sign = 1 if entry["trade_type"] == Direction.BUY else -1
    return float(entry["exit_price"] - entry["entry_price"]) * sign


def _r_multiple(entry: Row, moved: float | None) -> float | None:
    if moved is None or entry["stop_loss"] is None:
        return None
    sign = 1 if entry["trade_type"] == Direction.BUY else -1
    risk = (entry["entry_price"] - entry["stop_loss"]) * sign
    return round(moved / risk, 2) if risk > 0 else None


def _outcome(entry: Row, moved: float | None, said: frozenset[str]) -> str | None:
    """By the money, unless only the prices were told anew; by the pips or the prices where no money is known."""
    money = entry["profit_loss"]
    measure = money if money is not None and ("profit_loss" in said or not said & _PIPS_FROM) else None
    if measure is None:
        measure = entry["pips"] if "pips" in said and entry["pips"] is not None else moved
    if measure is None:
        measure = money
    if measure is None:
        return None
    return "WIN" if measure > 0 else "LOSS" if measure < 0 else "BREAKEVEN"
