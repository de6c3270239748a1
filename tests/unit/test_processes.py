"""What the one that watches server processes decides."""

import pytest

from alphaforge.processes import LONGEST_PAUSE, is_hopeless, pause_before


def test_the_first_quick_end_costs_nothing_and_the_pauses_grow_up_to_an_end() -> None:
    assert [pause_before(ends) for ends in (1, 2, 3, 4, 5, 6, 7, 50)] == [0, 1, 2, 4, 8, 16, 30, LONGEST_PAUSE]


@pytest.mark.parametrize(
    ("code", "known", "hopeless"),
    [
        (4, {"served": False, "others_serve": False}, True),  # a wrong database: the next would end in the same way
        (4, {"served": False, "others_serve": True}, False),  # others serve, so it may come right again
        (4, {"served": True, "others_serve": False}, False),  # it did serve
        (-9, {"served": False, "others_serve": False}, False),  # killed: that says nothing of the next
        (0, {"served": False, "others_serve": False}, False),  # asked to end by somebody else
    ],
)
def test_all_is_given_up_only_where_one_said_why_it_cannot_serve_and_nobody_serves(
    code: int, known: dict[str, bool], hopeless: object
) -> None:
    assert is_hopeless(code, **known) == hopeless
