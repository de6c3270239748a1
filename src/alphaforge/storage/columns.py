"""Rows as the driver has them, a column at a time, for numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Column, ColumnElement, Dialect, Double, cast, extract

from alphaforge.core.candles import Floats, Ints


def epoch(column: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    """A moment as numpy reads it: SQLite's text as it is, elsewhere epoch seconds."""
    return column if dialect.name == "sqlite" else cast(extract("epoch", column), Double())


def columns(found: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """The columns of rows that are `width` wide, also where there is no row."""
    return list(zip(*found, strict=True)) if found else [()] * width


def seconds(moments: Sequence[Any]) -> Floats:
    """Epoch seconds of texts as SQLite keeps them, or of numbers."""
    if moments and isinstance(moments[0], str):
        return np.array(moments, "datetime64[us]").astype(np.int64) / 1e6
    return np.array(moments, np.float64)


def coded(words: Sequence[str | None]) -> tuple[tuple[str, ...], Ints]:
    """The words that occur, in order, and the position of each row's among them; -1 where there is none."""
    names = tuple(sorted({word for word in words if word is not None}))
    places: dict[str | None, int] = {None: -1, **{name: place for place, name in enumerate(names)}}
    return names, np.fromiter(map(places.__getitem__, words), np.int64, len(words))
