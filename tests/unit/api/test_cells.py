"""Cells of a spreadsheet."""

import pytest

from alphaforge.api.rejections import safe_cell


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r@x", " =1"])
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


def test_numbers_stay_numbers_in_cells() -> None:
    assert (safe_cell(-1.5), safe_cell(None), safe_cell(True), safe_cell("a=b")) == (-1.5, "", "true", "a=b")
