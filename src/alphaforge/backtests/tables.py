"""The trades of a report as a table: for a spreadsheet, and as columns of one kind each for Parquet."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alphaforge.backtests.compare import report_in
from alphaforge.core.cells import csv_of_columns
from alphaforge.core.times import rfc3339

_TIMES: Final = ("candle_time", "opened", "closed")


def trades_columns(report: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The trades in the order of their closing, one list a column, the same columns for every report.

    `candle_time`, `opened`, `closed` are RFC 3339; texts, numbers, true and false else, None for what is not known.
    Raises InvalidInput for a document without trades.
    """
    trades: Mapping[str, Sequence[Any]] = report_in(report)["trades"]
    return {
        name: [rfc3339(moment) for moment in values] if name in _TIMES else list(values)
        for name, values in trades.items()
    }


def trades_csv(report: Mapping[str, Any]) -> str:
    """The same as CSV with a head, lines as RFC 4180 ends them; no cell is taken for a formula by a spreadsheet."""
    columns = trades_columns(report)
    return csv_of_columns([[name, *values] for name, values in columns.items()]).decode()
