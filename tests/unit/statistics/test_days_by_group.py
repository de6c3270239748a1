import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.statistics.days import summarised, summarised_by
from statistics_builders import seeded


@given(st.integers(0, 10_000), st.lists(st.lists(st.integers(0, 3), max_size=3, unique=True), min_size=80, max_size=80))
@settings(max_examples=25, deadline=None)
def test_groups_at_once_are_the_groups_one_by_one_to_the_last_bit(seed: int, members: list[list[int]]) -> None:
    trades = seeded(80, 20, seed)
    positions = np.array([at for at, codes in enumerate(members) for _ in codes], np.int64)
    codes = np.array([code for several in members for code in several], np.int64)
    found = summarised_by(trades, codes, positions)
    assert sorted(found) == sorted(set(codes.tolist()))
    for code, days in found.items():
        alone = summarised(trades.where(positions[codes == code]))
        assert days.day.tobytes() == alone.day.tobytes()
        assert days.values.tobytes() == alone.values.tobytes()
