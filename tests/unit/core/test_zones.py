"""Offsets of many moments at once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.times import parse_rfc3339
from alphaforge.core.zones import NEW_YORK, offsets


@pytest.mark.parametrize("name", ["America/New_York", "Europe/London", "Asia/Tokyo"])
@given(hours=st.lists(st.integers(0, 500_000), max_size=20))
def test_offsets_are_what_the_time_zone_says(name: str, hours: list[int]) -> None:
    zone = ZoneInfo(name)
    moments = np.array([3_600 * hour + 60 * (hour % 60) for hour in hours], np.int64)
    expected = [datetime.fromtimestamp(one, zone).utcoffset() for one in moments.tolist()]
    assert [timedelta(seconds=one) for one in offsets(moments, zone).tolist()] == expected


def test_new_yorks_offset_changes_on_the_hour() -> None:
    forward, back = (int(parse_rfc3339(one)) for one in ("2025-03-09T07:00:00Z", "2025-11-02T06:00:00Z"))
    moments = np.array([forward - 1, forward, back - 1, back], np.int64)
    assert offsets(moments, NEW_YORK).tolist() == [-18_000, -14_400, -14_400, -18_000]
