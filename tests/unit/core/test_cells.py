"""Cells of a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.cells import csv_lines, csv_of_columns, safe_cell

FORMULAS = "=+-@＝＋－＠"  # noqa: RUF001 - wide signs begin formulas too


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r@x", " =1", "\tx", "\rx", "\nx", "\ufeff=1", "\uff1d1"]
)
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


def test_numbers_stay_numbers_in_cells() -> None:
    assert (safe_cell(-1.5), safe_cell(None), safe_cell(True), safe_cell("a=b")) == (-1.5, "", "true", "a=b")
    assert (safe_cell(float("nan")), safe_cell(float("inf")), safe_cell(-7)) == ("", "", -7)


_any_cell = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.text(alphabet=f"{FORMULAS}\t\r\n \"',;a1\ufeff", max_size=6)
)


@given(st.lists(st.lists(_any_cell, min_size=3, max_size=3), max_size=5))
def test_whatever_is_in_a_table_it_reads_back_and_no_text_of_it_begins_like_a_formula(rows: list[list[object]]) -> None:
    read = list(csv.reader(io.StringIO(csv_lines(rows).decode(), newline="")))
    assert len(read) == len(rows)
    for cells, row in zip(read, rows, strict=True):
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, str):
                assert cell in (value, f"'{value}")
                assert not cell.startswith(("\t", "\r", "\n"))
                assert not cell.strip().strip("\ufeff").startswith(tuple(FORMULAS))
            elif isinstance(value, float) and cell:
                assert float(cell) == value


@given(
    st.lists(_any_cell, max_size=5)
    | st.lists(st.none() | st.floats(), max_size=5)
    | st.lists(st.none() | st.text(f"{FORMULAS}a\t\r\n", max_size=3), max_size=5)
)
def test_a_table_by_columns_is_the_table_by_rows(cells: list[object]) -> None:
    numbers = range(len(cells))
    assert csv_of_columns([numbers, cells]) == csv_lines(zip(numbers, cells, strict=True))
