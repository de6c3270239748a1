"""What became of signals, as columns, and which entries of the journal followed them.

Thousands of rows are read at once, from an index that has all that is asked, as the driver has them: what has to be
converted is converted a column at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Dialect,
    Select,
    and_,
    bindparam,
    case,
    func,
    select,
    true,
)

from alphaforge.core.candles import Floats, Ints
from alphaforge.signals.model import Direction, Status
from alphaforge.storage import rows
from alphaforge.storage.columns import coded, columns, epoch, seconds
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.listing import Query
from alphaforge.storage.signal_values import M5
from alphaforge.storage.tables import journal, signals
from alphaforge.storage.types import Moment

_c, _j = signals.c, journal.c
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

SETTLED = (Status.WON, Status.LOST, Status.EXPIRED)
"""What `Settled.status` counts up."""


class Maker(StrEnum):
    """Who made a signal; the predecessor's name no source and no strategy."""

    STRATEGY = "strategy"
    HAND = "manual"
    PREDECESSOR = "predecessor"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose signals, and which of them. What is None does not restrict.

    `start`, `end`: epoch seconds of the signal, `end` not included.
    """

    maker: Maker
    source: str | None = None
    strategy: str | None = None
    simulated: bool | None = None
    instrument: str | None = None
    start: float | None = None
    end: float | None = None

    def own(self) -> dict[str, Any]:
        """What tells these signals from others, as `_CONDITIONS` call it."""
        return {f"by_{self.maker}": True} | _given(self, "source", "strategy", "simulated")

    def within(self) -> dict[str, Any]:
        """What restricts every figure, those of what is left out too."""
        return _given(self, "instrument", "start", "end")


def _given(whose: Whose, *names: str) -> dict[str, Any]:
    return {name: value for name, (value,) in rows.given(whose, *names).items()}


@dataclass(frozen=True, slots=True)
class Settled:
    """Settled signals whose result is known, in the order of their closing; each column of shape (n,).

    `opened`: the close of the signal's candle, or when it was made; `closed`; both in epoch seconds. `side`: +1 BUY,
    -1 SELL, 0 anything else. `status`: position in SETTLED. `said`: no candle decided it, somebody said so.
    `simulated`: 1 on invented prices, 0 on real ones, -1 not known.
    `instrument`, `regime`: positions in `instruments` and `regimes`, -1 where there is none. `pips`, `r`, `mae`,
    `mfe` as `Outcome` has them; `cost`: the spread in R. NaN is `not known`.
    """

    id: Ints
    opened: Floats
    closed: Floats
    side: Codes
    status: Codes
    ambiguous: Flags
    said: Flags
    simulated: Codes
    instrument: Ints
    regime: Ints
    confidence: Floats
    pips: Floats
    r: Floats
    mae: Floats
    mfe: Floats
    cost: Floats
    instruments: tuple[str, ...]
    regimes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Others:
    """So many signals that are not among the settled ones, and what they have in common.

    `known`: they have an end and a result, so that it is somebody else's.
    """

    source: str | None
    origin: str | None
    strategy: str | None
    simulated: bool | None
    status: str
    known: bool
    count: int


@dataclass(frozen=True, slots=True)
class Followers:
    """Entries that name a signal, in any order, with the levels of that signal; each column of shape (n,).

    `opened`: epoch seconds. `side` as in `Settled`. `price`: where the trade was entered; `r`: its own R-multiple.
    `symbol`: the entry's, as the journal has it. `entry`, `stop`: the signal's.
    """

    signal: Ints
    opened: Floats
    side: Codes
    price: Floats
    r: Floats
    symbol: tuple[str, ...]
    entry: Floats
    stop: Floats

    def __len__(self) -> int:
        return len(self.signal)


@dataclass(frozen=True, slots=True)
class Results:
    """What was read, as the driver has it: of ten thousand signals columns take a hundredth of a second."""

    settled: Sequence[Sequence[Any]]
    others: Sequence[Sequence[Any]]
    followers: Sequence[Sequence[Any]]

    def columns(self) -> tuple[Settled, list[Others], Followers]:
        """The settled signals, how many others there are, and every entry that follows a signal, whosever it is."""
        return settled_of(self.settled), [_others(row) for row in self.others], followers_of(self.followers)


async def read_results(connection: AsyncConnection, whose: Whose) -> Results:
    """What became of signals, and which entries follow any."""
    own, within = whose.own(), whose.within()
    texts = _texts(tuple(own), tuple(within), connection.dialect)
    return Results(*await connection.fetch(*(one.query(own | within) for one in texts)))


_BY_STRATEGY, _BY_HAND = f"by_{Maker.STRATEGY}", f"by_{Maker.HAND}"
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    _BY_STRATEGY: _c.origin == "strategy",
    _BY_HAND: _c.origin == "manual",
    "by_predecessor": and_(_c.origin.is_(None), _c.source.is_(None)),
    "source": _c.source == bindparam("source", ""),
    "strategy": _c.strategy == bindparam("strategy", ""),
    "simulated": _c.simulated == bindparam("simulated", False, type_=Boolean()),
    "instrument": _c.instrument == bindparam("instrument", ""),
    "start": _c.timestamp >= bindparam("start", 0.0, type_=Moment()),
    "end": _c.timestamp < bindparam("end", 0.0, type_=Moment()),
}
_BUY, _SELL = Direction.BUY.value, Direction.SELL.value
_RISK = func.nullif(func.abs(_c.entry - _c.stop_loss), 0.0)
_SAID = case((_c.direction == _BUY, 1.0), (_c.direction == _SELL, -1.0)) * (_c.exit_price - _c.entry) / _RISK
_MARKS = (
    case((_c.status == Status.WON.value, 0), (_c.status == Status.LOST.value, 12), else_=24)
    + case((_c.direction == _BUY, 4), (_c.direction == _SELL, 8), else_=0)
    + case((_c.ambiguous, 2), else_=0)
    + case((_c.r_multiple.is_(None), 1), else_=0)
    + case((_c.simulated, 36), (~_c.simulated, 72), else_=0)
)
"""Five marks in one number: each column of ten thousand rows takes a millisecond."""
_SIDES = np.array([0, 1, -1], np.int8)
_SIMULATED = np.array([-1, 1, 0], np.int8)


def settled_statement(own: Sequence[str], within: Sequence[str], dialect: Dialect) -> Select[Any]:
    """The columns of `Settled`, in any order."""
    opened = _c.candle_time + M5 if _BY_STRATEGY in own else epoch(_c.timestamp, dialect)
    measured = (_c.confidence_score, _c.pips_captured, _result(own), _c.mae, _c.mfe, _c.spread_paid / _RISK)
    statement = select(_c.id, opened, epoch(_c.exit_time, dialect), _c.instrument, _c.regime, _MARKS, *measured)
    return statement.where(*_all(within), *_all(own), _is_settled(own))


def others_statement(own: Sequence[str], within: Sequence[str]) -> Select[Any]:
    """How many other signals there are, by what they have in common."""
    asked = case((and_(*_all(within)), 1), else_=0) == 1
    theirs = case((and_(*_all(own), _is_settled(own)), 1), else_=0) == 0
    known = case((_is_settled([_BY_HAND]), 1), else_=0)
    common = (_c.source, _c.origin, _c.strategy, _c.simulated, _c.status)
    statement = select(*common, known.label("known"), func.count()).where(asked, theirs)
    return statement.group_by(*common, known)


def followers_statement(dialect: Dialect) -> Select[Any]:
    """The columns of `Followers`."""
    side = case((_j.trade_type == _BUY, 1), (_j.trade_type == _SELL, 2), else_=0)
    entry = (_j.signal_id, epoch(_j.open_time, dialect), side, _j.entry_price, _j.r_value, _j.symbol)
    statement = select(*entry, _c.entry, _c.stop_loss).select_from(journal.join(signals, _c.id == _j.signal_id))
    return statement.where(_j.signal_id.is_not(None))


def _all(names: Sequence[str]) -> list[ColumnElement[bool]]:
    return [_CONDITIONS[name] for name in names] or [true()]


def _result(own: Sequence[str]) -> ColumnElement[Any]:
    """The strategy's results are those that candles decided; of other signals also what somebody said."""
    return _c.r_multiple if _BY_STRATEGY in own else func.coalesce(_c.r_multiple, _SAID)


def _is_settled(own: Sequence[str]) -> ColumnElement[bool]:
    """As a comparison that no index on the status serves: that of the record has all columns."""
    ended = and_(_c.status.in_([status.value for status in SETTLED]), _c.exit_time.is_not(None))
    return case((and_(ended, _result(own).is_not(None)), 1), else_=0) == 1


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement as the driver takes it, its parameters in their order, and those that are always the same."""

    text: str
    names: tuple[str, ...]
    constants: dict[str, Any]
    dialect: Dialect

    def query(self, given: dict[str, Any]) -> Query:
        """The statement with what is given."""
        values = self.constants | given
        for name in {"start", "end"} & given.keys():
            values[name] = Moment().bind_processor(self.dialect)(given[name])
        return self.text, tuple(values[name] for name in self.names)


@lru_cache(maxsize=128)
def _texts(own: tuple[str, ...], within: tuple[str, ...], dialect: Dialect) -> list[_Text]:
    """The statements of `read_results`: making them takes longer than a hundred rows."""
    statements = (settled_statement(own, within, dialect), others_statement(own, within), followers_statement(dialect))
    found = []
    for one in statements:
        compiled = one.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        found.append(_Text(str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params), dialect))
    return found


def settled_of(found: Sequence[Sequence[Any]]) -> Settled:
    """The rows of `settled_statement` as the driver has them."""
    ids, opened, closed, instruments, regimes, marks, *measured = columns(found, 12)
    end = seconds(closed)
    order = np.lexsort((np.array(ids, np.int64), end))
    mark = np.array(marks, np.int64)
    names, instrument = coded(instruments)
    regime_names, regime = coded(regimes)
    confidence, pips, r, mae, mfe, cost = (np.array(column, np.float64)[order] for column in measured)
    return Settled(
        id=np.array(ids, np.int64)[order],
        opened=seconds(opened)[order],
        closed=end[order],
        side=_SIDES[mark % 12 // 4][order],
        status=(mark // 12 % 3).astype(np.int8)[order],
        ambiguous=(mark & 2).astype(np.bool_)[order],
        said=(mark & 1).astype(np.bool_)[order],
        simulated=_SIMULATED[mark // 36][order],
        instrument=instrument[order],
        regime=regime[order],
        confidence=confidence,
        pips=pips,
        r=r,
        mae=mae,
        mfe=mfe,
        cost=cost,
        instruments=names,
        regimes=regime_names,
    )


def followers_of(found: Sequence[Sequence[Any]]) -> Followers:
    """The rows of `followers_statement` as the driver has them."""
    signal, opened, side, price, r, symbol, entry, stop = columns(found, 8)
    prices = (np.array(column, np.float64) for column in (price, r, entry, stop))
    at, own, level, given_up = prices
    sides = _SIDES[np.array(side, np.int64)]
    return Followers(np.array(signal, np.int64), seconds(opened), sides, at, own, tuple(symbol), level, given_up)


def _others(row: Sequence[Any]) -> Others:
    source, origin, strategy, simulated, status, known, count = row
    return Others(source, origin, strategy, None if simulated is None else bool(simulated), status, bool(known), count)
