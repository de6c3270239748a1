"""When a trade was made: trading day, session, hour, weekday, month."""

from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats, Ints
from alphaforge.core.zones import NEW_YORK, offsets

_LONDON, _TOKYO = ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
_HOUR, _DAY = 3_600, 86_400
_ROLL = 7 * _HOUR  # from 17:00 to midnight: what closes later belongs to the next day

Moments = Floats | Ints


class Session(StrEnum):
    """Who is at work, in the predecessor's words; `OFF`: nobody of these."""

    ASIAN = "ASIAN"
    LONDON = "LONDON"
    NEW_YORK = "NEW_YORK"
    OVERLAP = "OVERLAP"
    OFF = "OFF"


SESSIONS = tuple(Session)
"""What the codes of `sessions` mean."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""What the codes of `weekdays` mean."""


def trading_days(times: Moments) -> Ints:
    """The trading day of each moment (epoch seconds, (n,)), as days since 1970.

    A trading day ends at 17:00 New York on its date and begins at 17:00 the day before, in summer and winter;
    17:00:00 itself belongs to the next day. So Sunday evening is Monday, and there is no candle on a Saturday.
    """
    moments = _whole(times)
    return (moments + offsets(moments, NEW_YORK) + _ROLL) // _DAY


def span_of_trading_day(day: int) -> tuple[int, int]:
    """When a trading day (days since 1970) begins, and when it ends (not included), in epoch seconds."""
    there = np.array([day, day + 1]) * _DAY - _ROLL
    # no clock is set within hours of 17:00: somewhere near tells the offset
    start, end = (there - offsets(there + 5 * _HOUR, NEW_YORK)).tolist()
    return start, end


def hours(times: Moments) -> Ints:
    """The hour of each moment, 0 to 23, UTC."""
    return _whole(times) // _HOUR % 24


def weekdays(times: Moments) -> Ints:
    """The day of the week of each moment, 0 for Monday to 6 for Sunday, UTC."""
    return (_whole(times) // _DAY + 3) % 7  # 1970-01-01 was a Thursday


def months(times: Moments) -> Ints:
    """The month of each moment as months since January 1970, UTC; `month_name` writes it."""
    return _whole(times).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def month_name(month: int) -> str:
    """`2025-07`, of months since January 1970."""
    return str(np.datetime64(int(month), "M"))


def day_name(day: int) -> str:
    """`2025-07-31`, of days since 1970."""
    return str(np.datetime64(int(day), "D"))


def sessions(times: Moments) -> npt.NDArray[np.int8]:
    """The session of each moment, as positions in `SESSIONS`, by the clocks of the places themselves.

    London 08:00 to 17:00 and New York 08:00 to 17:00, each in its own time: OVERLAP where both are at work, else
    LONDON or NEW_YORK; where neither is, ASIAN from 09:00 to 18:00 in Tokyo; else OFF. London comes before Tokyo in
    the hour that they share. Days are not looked at: the market is closed at weekends.
    """
    moments = _whole(times)
    london, new_york = _at_work(moments, _LONDON, 8, 17), _at_work(moments, NEW_YORK, 8, 17)
    tokyo = _at_work(moments, _TOKYO, 9, 18)
    chosen = np.select(
        [london & new_york, london, new_york, tokyo],
        [SESSIONS.index(one) for one in (Session.OVERLAP, Session.LONDON, Session.NEW_YORK, Session.ASIAN)],
        SESSIONS.index(Session.OFF),
    )
    return chosen.astype(np.int8)


def _at_work(moments: Ints, zone: ZoneInfo, start: int, end: int) -> npt.NDArray[np.bool_]:
    hour = (moments + offsets(moments, zone)) // _HOUR % 24
    return (start <= hour) & (hour < end)


def _whole(times: Moments) -> Ints:
    return np.floor(times).astype(np.int64)
