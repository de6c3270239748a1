"""Hours in which a channel is told nothing: by the clock on a wall somewhere, daylight saving included."""

from dataclasses import dataclass
from datetime import datetime, time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` up to `end` each day, over midnight where `end` comes first; they differ."""

    start: time
    end: time
    zone: "ZoneInfo"

    def contains(self, moment: float) -> bool:
        """Whether it is quiet at a moment (epoch seconds)."""
        clock = datetime.fromtimestamp(moment, self.zone).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def ends_after(self, moment: float) -> float:
        """The first moment from `moment` on at which it is not quiet (epoch seconds).

        Looked for minute by minute: two milliseconds for a night, and right where an hour is left out or comes twice.
        """
        if not self.contains(moment):
            return moment
        first = (int(moment) // _MINUTE + 1) * _MINUTE
        return float(next(minute for minute in count(first, _MINUTE) if not self.contains(minute)))

    def __str__(self) -> str:
        """As the setting has it."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}@{self.zone.key}"
