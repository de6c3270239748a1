"""Tables by columns: frozen dataclasses of arrays of one length, or of further such tables."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

import numpy as np

from alphaforge.core.candles import Ints
from alphaforge.signals.votes import Mask

Table = TypeVar("Table")


def taken(table: Table, key: Mask | Ints | slice) -> Table:
    """The rows of a table that `key` chooses, by mask or by place."""
    chosen = (taken(column, key) if is_dataclass(column) else column[key] for column in _columns(table))
    return type(table)(*chosen)


def joined(tables: Sequence[Table]) -> Table:
    """The rows of all tables, one table's after the other's; there is at least one."""
    whole = (
        joined(columns) if is_dataclass(columns[0]) else np.concatenate(columns)
        for columns in zip(*(_columns(one) for one in tables), strict=True)
    )
    return type(tables[0])(*whole)


def _columns(table: object) -> list[Any]:
    return [getattr(table, field.name) for field in fields(cast("Any", table))]
