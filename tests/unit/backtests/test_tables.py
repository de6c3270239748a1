import csv
import io

import pytest

from alphaforge.backtests.report import report_of
from alphaforge.backtests.tables import trades_columns, trades_csv
from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import parse_rfc3339
from backtest_runs import whole


def test_every_trade_is_a_row_with_its_numbers() -> None:
    report = report_of(whole())
    head, *rows = csv.reader(io.StringIO(trades_csv(report)))
    assert len(rows) == len(whole().fills)
    opened, r = head.index("opened"), head.index("r")
    assert [parse_rfc3339(row[opened]) for row in rows] == report["trades"]["opened"]
    assert [float(row[r]) for row in rows] == report["trades"]["r"]


def test_no_cell_is_a_formula() -> None:
    report = report_of(whole())
    report["trades"]["instrument"][0] = '=HYPERLINK("x")'
    report["trades"]["r"][0] = -1.5
    _, row, *_ = csv.reader(io.StringIO(trades_csv(report)))
    assert row[0] == '\'=HYPERLINK("x")'
    assert "-1.5" in row


def test_columns_are_of_one_length_and_unknown_is_none() -> None:
    report = report_of(whole())
    report["trades"]["mfe"][0] = None
    columns = trades_columns(report)
    assert {len(values) for values in columns.values()} == {len(whole().fills)}
    assert columns["mfe"][0] is None
    assert trades_columns({"kind": "grid", "report": report}) == columns


def test_a_document_without_trades_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no report of trades"):
        trades_csv({"kind": "grid", "report": None})
