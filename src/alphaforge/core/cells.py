"""Tables for a spreadsheet: CSV whose cells stay data when somebody opens it."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = re.compile(r"'*[\s\x00-\x1f\u200b\ufeff]*[=+\-@＝＋－＠]|'*[\t\r\n]")  # noqa: RUF001 - those wide signs begin formulas too


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers, also negative ones.

    A text that begins like a formula, or with a tab or line break, gets an apostrophe before it; so does one that looks
    as if it had got it already, so that `read_cell` knows.
    """
    if isinstance(value, str):
        return f"'{value}" if not value[:1].isalnum() and _FORMULA.match(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value


def read_cell(text: str) -> str:
    """The text that `safe_cell` made this cell of."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows of safe cells in UTF-8, lines as RFC 4180 ends them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def csv_of_columns(columns: Iterable[Sequence[Any]]) -> bytes:
    """The same of columns of one length, which is faster: a column mostly has cells of one kind."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(zip(*map(_safe_column, columns), strict=True))
    return text.getvalue().encode()


_NOTHING = type(None)


def _safe_column(column: Sequence[Any]) -> Iterable[object]:
    kinds = set(map(type, column))
    if kinds <= {int, float, _NOTHING} and all(map(math.isfinite, filter(None, column))):
        return column  # the writer leaves the cell of a None empty
    if kinds <= {str, _NOTHING}:
        cells = {cell: safe_cell(cell) for cell in set(column)}
        return map(cells.__getitem__, column)
    return map(safe_cell, column)
