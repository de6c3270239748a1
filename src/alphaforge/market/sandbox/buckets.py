"""OANDA's candle lengths and where their buckets begin.

Up to H1 buckets are floors of UTC time. Longer ones are counted from the daily alignment, 17:00 in New York unless
asked otherwise, and so shift with daylight saving: a day is from there to there, H2 to H12 are parts of that day,
a week begins with the day of the weekly alignment, a month with the day that its first day belongs to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NEW_YORK = ZoneInfo("America/New_York")
_HOUR, _DAY = 3_600, 86_400
_NOON = 12
SECONDS = MappingProxyType(
    {
        **{f"S{n}": n for n in (5, 10, 15, 30)},
        **{f"M{n}": 60 * n for n in (1, 2, 4, 5, 10, 15, 30)},
        **{f"H{n}": _HOUR * n for n in (1, 2, 3, 4, 6, 8, 12)},
        "D": _DAY,
        "W": 7 * _DAY,
        "M": 30 * _DAY,
    }
)
"""Every granularity of OANDA and its length in seconds (a month's is nominal)."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of a granularity. `hour`, `zone`: daily alignment; `weekday`: weekly alignment, Monday is 0."""

    granularity: str
    hour: int = 17
    zone: ZoneInfo = NEW_YORK
    weekday: int = 4

    @property
    def seconds(self) -> int:
        """The nominal length of a bucket."""
        return SECONDS[self.granularity]

    def starts_of(self, moments: Ints) -> Ints:
        """The start of the bucket of each moment (int64 (n,), epoch seconds, ascending)."""
        if self.seconds <= _HOUR or not len(moments):
            return moments - moments % self.seconds
        edges = self._edges(int(moments[0]), int(moments[-1]))
        return edges[np.searchsorted(edges, moments, side="right") - 1]

    def ends_of(self, starts: Ints) -> Ints:
        """The end of each bucket, given their starts (int64 (n,), ascending)."""
        if self.seconds <= _HOUR or not len(starts):
            return starts + self.seconds
        edges = self._edges(int(starts[0]), int(starts[-1]))
        return edges[np.searchsorted(edges, starts, side="right")]

    def floor(self, moment: float) -> int:
        """The start of the bucket that `moment` falls into."""
        return int(self.starts_of(np.array([moment // 1], np.int64))[0])

    def after(self, start: int) -> int:
        """The end of the bucket that begins at `start`."""
        return int(self.ends_of(np.array([start], np.int64))[0])

    def ceil(self, moment: float) -> int:
        """The first start of a bucket at or after `moment`."""
        start = self.floor(moment)
        return start if start >= moment else self.after(start)

    def _edges(self, first: int, last: int) -> Ints:
        """Starts of aligned buckets, from one at or before `first` to one after `last`."""
        reach = timedelta(days=33 if self.granularity == "M" else 8)
        begin, end = (datetime.fromtimestamp(moment, UTC).date() for moment in (first, last))
        days = [self._day_start(day) for day in _days(begin - reach, end + reach) if self._begins(day)]
        edges = np.array(days, np.int64)
        if self.seconds < _DAY:
            parts = edges[:-1, None] + np.arange(0, _DAY + _HOUR, self.seconds)  # the longest day has 25 hours
            edges = parts[parts < edges[1:, None]]
        return edges

    def _begins(self, day: date) -> bool:
        """Whether a bucket begins on this local day at the alignment's hour."""
        if self.granularity == "W":
            return day.weekday() == self.weekday
        if self.granularity == "M":
            return (day + timedelta(days=1 if self.hour >= _NOON else 0)).day == 1
        return True

    def _day_start(self, day: date) -> int:
        return int(datetime.combine(day, time(self.hour), self.zone).timestamp())


def _days(first: date, last: date) -> Iterator[date]:
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)
