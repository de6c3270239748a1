"""Local times of many moments at once."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from alphaforge.core.candles import Ints
from alphaforge.core.times import from_epoch

NEW_YORK = ZoneInfo("America/New_York")
"""Where the day of foreign exchange ends, at 17:00."""
_HOUR = 3_600
_FIRST, _LAST = -2_208_988_800, 7_258_118_399  # 1900-01-01T00:00:00Z, 2199-12-31T23:59:59Z
_STEP = 240  # hours, ten days: no zone changes its offset and back within less


def offsets(moments: Ints, zone: ZoneInfo) -> Ints:
    """The zone's offset from UTC in seconds at each moment (int64 (n,), epoch seconds); it changes on full hours.

    Before 1900 and after 2199, of which nobody can know it, it is that of the nearest moment between.
    """
    if not len(moments):
        return np.zeros(0, np.int64)
    moments = np.clip(moments, _FIRST, _LAST)
    years = range(from_epoch(int(moments.min())).year, from_epoch(int(moments.max())).year + 1)
    changes = [change for year in years for change in _changes(zone.key, year)]
    since = np.array([hour for hour, _ in changes], np.int64)
    values = np.array([offset for _, offset in changes], np.int64)
    return values[np.searchsorted(since, moments // _HOUR, side="right") - 1]


@lru_cache(maxsize=1024)
def _changes(zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """The full hours from which an offset holds, within a year; the first is the year's first hour."""
    place = ZoneInfo(zone)
    start, end = (int(datetime(one, 1, 1, tzinfo=UTC).timestamp()) // _HOUR for one in (year, year + 1))
    found = [(start, _offset(place, start))]
    before = start
    for after in (*range(start + _STEP, end, _STEP), end - 1):
        offset = _offset(place, after)
        if offset != found[-1][1]:
            found.append((_first(place, before, after, offset), offset))
        before = after
    return tuple(found)


def _first(place: ZoneInfo, before: int, after: int, offset: int) -> int:
    """The first hour in (before, after] that has the offset of `after`."""
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(place, middle) == offset else (middle, after)
    return after


def _offset(place: ZoneInfo, hour: int) -> int:
    return int((from_epoch(hour * _HOUR).astimezone(place).utcoffset() or timedelta(0)).total_seconds())
