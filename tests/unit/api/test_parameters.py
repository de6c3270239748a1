"""What requests carry."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.api.parameters import clean_text, page_size, parse_moment
from alphaforge.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-07-07T06:00:00Z", 1751868000),
        ("2025-07-07T08:00:00+02:00", 1751868000),
        ("2025-07-07T08:00:00 02:00", 1751868000),  # an unescaped plus in a query
        ("2025-07-07", 1751846400),
        ("1970-01-01", 0),
    ],
)
def test_moments_are_read_with_their_offset(text: str, moment: float) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "now", "2025-07-07T06:00:00", "1969-12-31", "2100-01-01", "9999-12-31T23:59:59-23:59", "2025-W01-1", "\0"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_moment(text)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused_as_input(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert 0 <= parse_moment(text) < 4_102_444_800


@pytest.mark.parametrize("text", ["a\0", "\ud800"])
def test_text_that_no_database_stores_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        clean_text(text)


@pytest.mark.parametrize("limit", [0, -1, 101, 2**70])
def test_a_limit_out_of_range_is_refused_naming_the_range(limit: int) -> None:
    with pytest.raises(InvalidInput, match="between 1 and 100"):
        page_size(limit, 100, 100)


def test_the_default_page_is_never_larger_than_the_largest() -> None:
    assert page_size(None, 20, 100) == 20
    assert page_size(None, 100, 100) == 100
    assert page_size(100, 100, 20) == 100
