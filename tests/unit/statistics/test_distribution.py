"""How values are spread."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.statistics.distribution import MOST_BINS, Bin, distribution


def test_values_are_counted_by_quarters_and_an_edge_belongs_to_what_lies_above() -> None:
    found = distribution(np.array([-1.0, -0.75, 0.0, 0.1, np.nan]))
    expected = [Bin(-1.0, -0.75, 1), Bin(-0.75, -0.5, 1), Bin(-0.5, -0.25, 0), Bin(-0.25, 0.0, 0), Bin(0.0, 0.25, 2)]
    assert found == expected
    assert distribution(np.array([np.nan])) == []


@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=30))
def test_every_value_is_in_one_of_few_intervals(values: list[float]) -> None:
    found = distribution(np.array(values))
    assert len(found) <= MOST_BINS
    assert sum(one.n for one in found) == len(values)
    assert not any(one.low < 0 < one.high for one in found)
    assert found[0].low <= min(values)
    assert max(values) < found[-1].high
