"""Signals still open, as the rules want them, and the results that sizing learns from."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from alphaforge.core.errors import InvalidInput
from alphaforge.core.instruments import instrument_name
from alphaforge.signals.model import Direction
from alphaforge.signals.outcome import OpenSignal
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.signal_values import M5, OPEN
from alphaforge.storage.tables import signals, trade_results

_c = signals.c
_r = trade_results.c
_WANTED = ("id", "instrument", "symbol", "direction", "entry", "stop_loss", "tp1", "timestamp", "candle_time")
TRADER = "trader"
"""The source of a trade result that was made in no particular market: it counts in each."""
LIFETIME = 4 * 3600
"""Seconds after which a signal without an expiry of its own, by hand or the predecessor's, ends."""


@dataclass(frozen=True, slots=True)
class Unsettleable:
    """An open signal that no candle can settle, and why. `instrument`: as far as it can be told, else its symbol."""

    id: int
    instrument: str
    why: str
    expires_at: int


def open_statement(*, own_only: bool, source: str | None, sourceless: bool = False) -> Select[Any]:
    """Open signals; `sourceless`: only those that name no market.

    In any order: asked for one, both databases would walk through all signals instead of the index on status.
    """
    statement = select(*(_c[name] for name in _WANTED), _c.expires_at, _c.spread)
    statement = statement.where(_c.status.in_([status.value for status in OPEN]))
    if own_only:
        statement = statement.where(_c.origin.is_not(None))
    if source is not None:
        statement = statement.where(_c.source == source)
    if sourceless:
        statement = statement.where(_c.source.is_(None))
    return statement


async def read_open(
    connection: AsyncConnection, *, own_only: bool, source: str | None, sourceless: bool = False
) -> tuple[list[OpenSignal], list[Unsettleable]]:
    """The open signals, and those that cannot be settled: a symbol, a direction or levels that mean nothing."""
    statement = open_statement(own_only=own_only, source=source, sourceless=sourceless)
    settleable, others = [], []
    rows = (await connection.execute(statement)).all()
    for row in sorted(rows, key=lambda row: (row.timestamp, row.id)):
        try:
            settleable.append(_open_signal(row))
        except InvalidInput as error:
            others.append(Unsettleable(row.id, row.instrument or row.symbol, error.message, _lifetime(row)[1]))
    return settleable, others


def _open_signal(row: Any) -> OpenSignal:  # noqa: ANN401 - a row of `open_statement`
    if row.direction not in list(Direction):
        message = f"{row.direction!r} is no direction"
        raise InvalidInput(message)
    opened_at, expires_at = _lifetime(row)
    return OpenSignal(
        id=row.id,
        instrument=row.instrument or instrument_name(row.symbol),
        direction=Direction(row.direction),
        entry=row.entry,
        stop=row.stop_loss,
        target=row.tp1,
        opened_at=opened_at,
        expires_at=expires_at,
        spread=row.spread or 0.0,
    )


def _lifetime(row: Any) -> tuple[int, int]:  # noqa: ANN401 - a row of `open_statement`
    """When a signal opened and when it expires; one by hand is followed from the first candle that began after it."""
    opened_at = row.candle_time + M5 if row.candle_time is not None else -int(-row.timestamp // M5) * M5
    return opened_at, row.expires_at if row.expires_at is not None else opened_at + LIFETIME


def settled_results_statement(instrument: str, count: int, source: str | None) -> Select[Any]:
    """The newest settled signals of an instrument that have an R-multiple."""
    statement = select(_c.exit_time, _c.r_multiple).where(_c.instrument == instrument, _c.r_multiple.is_not(None))
    if source is not None:
        statement = statement.where(_c.source == source)
    return statement.order_by(_c.exit_time.desc()).limit(count)


def trader_results_statement(instrument: str, count: int, source: str | None) -> Select[Any]:
    """The newest results of a trader's own trades in an instrument."""
    statement = select(_r.at, _r.r_multiple).where(_r.instrument == instrument)
    if source is not None:
        statement = statement.where(_r.source.in_([source, TRADER]))
    return statement.order_by(_r.at.desc(), _r.id.desc()).limit(count)


async def read_results(
    connection: AsyncConnection, instrument: str, count: int, source: str | None
) -> list[tuple[float, float]]:
    """The last `count` results as (time, R-multiple), signals' and trader's together, oldest first."""
    found: list[tuple[float, float]] = []
    for statement in (settled_results_statement, trader_results_statement):
        rows = await connection.execute(statement(instrument, count, source))
        found.extend((row[0], row[1]) for row in rows.all()[::-1])
    found.sort(key=lambda result: result[0])
    return found[-count:]
