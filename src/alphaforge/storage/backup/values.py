"""Values on their way between PostgreSQL and the file: every bit arrives, or the row is named that cannot."""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, String, Table
from sqlalchemy.types import BigInteger

from alphaforge.storage.types import Moment, Word

_DOUBLE = struct.Struct(">d")
MINUS_ZERO = _DOUBLE.pack(-0.0)
_INT32 = range(-(2**31), 2**31)


def _kept_float(value: float) -> float | bytes:
    """SQLite keeps NaN as NULL and -0.0 as 0.0: so these are kept as their eight bytes."""
    if math.isnan(value) or (value == 0 and math.copysign(1, value) < 0):
        return _DOUBLE.pack(value)
    return value


def _kept_moment(value: datetime) -> str:
    naive = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat(" ", "microseconds")


_KEPT: dict[type, Callable[[Any], object]] = {float: _kept_float, datetime: _kept_moment, bool: int}


def kept(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row of PostgreSQL as the file keeps it."""
    return tuple([_KEPT[type(one)](one) if type(one) in _KEPT else one for one in row])


def _moment(value: Any) -> datetime:  # noqa: ANN401 - whatever SQLite holds
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return read if read.tzinfo is None else read.astimezone(UTC).replace(tzinfo=None)
    raise ValueError("no time")


def _boolean(value: Any) -> bool:  # noqa: ANN401 - the same
    if value in (0, 1) and isinstance(value, int):
        return bool(value)
    raise ValueError("neither 0 nor 1")


def _float(value: Any) -> float:  # noqa: ANN401 - the same
    if isinstance(value, bytes) and len(value) == _DOUBLE.size:
        return float(_DOUBLE.unpack(value)[0])
    if isinstance(value, (int, float)):
        return float(value)
    raise ValueError("no number")


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - the same
    if isinstance(value, bytes):
        return value
    raise ValueError("no bytes")


def _whole(value: Any) -> int:  # noqa: ANN401 - the same
    if isinstance(value, int):
        return value
    raise ValueError("no whole number")


def _whole_of_32_bits(value: Any) -> int:  # noqa: ANN401 - the same
    if _whole(value) not in _INT32:
        raise ValueError("beyond 32 bits")
    return int(value)


def _text(length: int | None) -> Callable[[Any], str]:
    def text(value: Any) -> str:  # noqa: ANN401 - the same
        if not isinstance(value, str):
            raise ValueError("no text in UTF-8")  # noqa: TRY004 - one kind of error for all of these
        if "\0" in value:
            raise ValueError("a text with a NUL character")
        if length is not None and len(value) > length:
            raise ValueError(f"longer than {length} characters")
        return value

    return text


def _meant_for(column: Column[Any]) -> Callable[[Any], Any]:
    """From the file's value to the one that PostgreSQL is sent; ValueError saying what the value is instead."""
    kind = column.type
    if isinstance(kind, (String, Word)):
        return _text(kind.length)
    for types, meant in _MEANT:
        if isinstance(kind, types):
            return meant
    raise TypeError(f"No way to PostgreSQL is known for {column}, a {kind!r}")


_MEANT: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Moment, _moment),
    (Boolean, _boolean),
    (BigInteger, _whole),
    (Integer, _whole_of_32_bits),
    (Float, _float),
    (LargeBinary, _bytes),
)


class Meant:
    """Rows of one table, from the file's values to PostgreSQL's."""

    def __init__(self, table: Table) -> None:
        self._columns = list(table.columns)
        self._meant = [_meant_for(column) for column in self._columns]
        self._required = [number for number, column in enumerate(self._columns) if not column.nullable]
        self._keys = [number for number, column in enumerate(self._columns) if column.primary_key]

    def row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A row as PostgreSQL is sent it; ValueError where it cannot hold one of its values."""
        if None in row and any(row[number] is None for number in self._required):
            raise ValueError("empty")
        return tuple([None if one is None else meant(one) for one, meant in zip(row, self._meant, strict=True)])

    def faults(self, row: Sequence[Any]) -> Iterator[str]:
        """What of a row PostgreSQL cannot hold: which row, which column, and why."""
        for one, meant, column in zip(row, self._meant, self._columns, strict=True):
            try:
                if one is not None:
                    meant(one)
            except ValueError as why:
                yield f"{self.named(row)}: {column.name} is {why}"
            if one is None and not column.nullable:
                yield f"{self.named(row)}: {column.name} is empty, which it may not be"

    def named(self, row: Sequence[Any]) -> str:
        """How people find a row: its table and its key."""
        return f"{self._columns[0].table.name} {', '.join(f'{self._columns[n].name}={row[n]}' for n in self._keys)}"
