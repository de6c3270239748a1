import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from alphaforge.core.rounding import rounded

TIES = [0.5, 1.5, 2.5, -0.5, 0.125, 2.675, 1.005, 1.00005, 0.00005, -0.00005, 1e15, 4_503_599_627_370_497.5, -0.0]


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False, max_value=1e18, min_value=-1e18)),
    digits=st.integers(0, 10),
)
@example(values=TIES, digits=0)
@example(values=TIES, digits=2)
@example(values=TIES, digits=4)
@example(values=TIES, digits=10)
def test_many_are_rounded_to_the_bit_as_each_alone(values: list[float], digits: int) -> None:
    assert repr(rounded(np.array(values), digits).tolist()) == repr([round(value, digits) for value in values])


@given(
    halves=st.lists(st.integers(-(10**9), 10**9), min_size=1),
    digits=st.integers(0, 10),
    off=st.sampled_from([-1, 0, 1]),
)
def test_what_lies_next_to_a_half_is_rounded_as_its_every_decimal_says(
    halves: list[int], digits: int, off: int
) -> None:
    values = np.nextafter([(2 * half + 1) / (2 * 10**digits) for half in halves], np.inf * off if off else 0.0)
    if not off:
        values = np.array([(2 * half + 1) / (2 * 10**digits) for half in halves])
    assert repr(rounded(values, digits).tolist()) == repr([round(value, digits) for value in values.tolist()])


def test_what_is_not_known_stays_unknown() -> None:
    assert repr(rounded(np.array([np.nan, 1.25]), 1).tolist()) == "[nan, 1.2]"
