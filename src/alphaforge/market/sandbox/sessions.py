"""How a day goes: Tokyo, London and New York come and leave, and prices are thin and wide around the breaks."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from alphaforge.core.market_hours import MarketHours
from alphaforge.core.times import from_epoch
from alphaforge.market.sandbox.listings import Listing

DAY = 86_400
MINUTES = 1_440
Floats = npt.NDArray[np.float64]

_TOKYO, _LONDON, _NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/London"), ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class DayShape:
    """The minutes of a UTC day, or some of them, five arrays (n,).

    `minutes`: their starts in epoch seconds. `open`: whether the market trades. `activity`: relative volatility,
    about 1. `density`: relative number of prices. `spread`: multiple of the usual spread.
    """

    minutes: npt.NDArray[np.int64]
    open: npt.NDArray[np.bool_]
    activity: Floats
    density: Floats
    spread: Floats

    @property
    def trading(self) -> slice:
        """The minutes from the first to the last that is open, breaks included; at least one must be open."""
        (open_minutes,) = np.nonzero(self.open)
        return slice(int(open_minutes[0]), int(open_minutes[-1]) + 1)

    def rows(self, part: slice) -> "DayShape":
        """Some of the minutes."""
        return DayShape(self.minutes[part], self.open[part], self.activity[part], self.density[part], self.spread[part])


def day_shape(listing: Listing, hours: MarketHours, day: int) -> DayShape:
    """The shape of the UTC day number `day` since 1970 for an instrument, by its sessions' local hours."""
    minutes = day * DAY + 60 * np.arange(MINUTES, dtype=np.int64)
    is_open = _open_minutes(hours, day)
    sessions = (
        0.22
        + 0.55 * listing.asia * _session(minutes, _TOKYO, 8.5, 16.0)
        + 0.75 * listing.europe * _session(minutes, _LONDON, 7.0, 16.5)
        + 0.65 * listing.america * _session(minutes, _NEW_YORK, 7.5, 17.0)
    )
    fresh, leaving = _minutes_since(~is_open), _minutes_since(~is_open[::-1])[::-1]
    thin = np.clip(fresh / 45, 0.006, 1)
    activity = sessions * np.clip(0.35 + fresh / 60, 0, 1) / 0.85
    night = np.clip(0.55 / sessions, 1, 2.2)
    edge = 1 + 5 * np.exp(-fresh / 12) + 2 * np.exp(-leaving / 5)
    return DayShape(minutes, is_open, activity, activity**1.5 * thin, night * edge)


@lru_cache(maxsize=128)
def _open_minutes(hours: MarketHours, day: int) -> npt.NDArray[np.bool_]:
    """Whether the market trades in each minute of a day; remembered, as instruments share their hours."""
    return hours.open_at(day * DAY + 60 * np.arange(MINUTES, dtype=np.int64))


def _session(minutes: npt.NDArray[np.int64], zone: ZoneInfo, start: float, end: float) -> Floats:
    """1 while a session trades, 0 while it does not, an hour's slope between; `start`, `end` in local hours.

    The offset is the one of noon: where clocks are changed, it is on a Sunday morning, while markets are closed.
    """
    offset = (from_epoch(float(minutes[720])).astimezone(zone).utcoffset() or timedelta(0)).total_seconds()
    hour = (minutes + int(offset)) % DAY / 3_600
    rising: Floats = np.clip(hour - start, 0, 1) * np.clip(end - hour, 0, 1)
    return rising


def _minutes_since(closed: npt.NDArray[np.bool_]) -> Floats:
    """How many minutes before each one the last closed minute was; half a day where this day had none."""
    index = np.arange(MINUTES)
    last = np.maximum.accumulate(np.where(closed, index, -MINUTES // 2))
    return (index - last).astype(np.float64)
