"""Which session it is, and which come next: the sessions of `calendar`, as spans of time."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from alphaforge.core.market_hours import FOREX_HOURS
from alphaforge.statistics.calendar import SESSIONS, Session, sessions

_HOUR = 3_600
_AHEAD, _BEHIND = 80, 80  # hours: more than a weekend


@dataclass(frozen=True, slots=True)
class SessionSpan:
    """A session from `start` up to but not including `end`, epoch seconds on full hours."""

    session: Session
    start: int
    end: int


def session_spans(moment: float, count: int) -> tuple[SessionSpan, ...]:
    """The session at `moment` and those after it, `count` in all.

    Sessions begin and end on full hours; an hour in whose middle foreign exchange does not trade is OFF, whoever is
    at work.
    """
    hours = int(moment) // _HOUR * _HOUR + _HOUR * np.arange(-_BEHIND, _AHEAD, dtype=np.int64)
    codes = np.where(FOREX_HOURS.open_at(hours + _HOUR // 2), sessions(hours), SESSIONS.index(Session.OFF))
    starts = np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1))
    now = int(np.searchsorted(starts, _BEHIND, side="right")) - 1
    places = starts[now : now + count + 1].tolist()
    return tuple(
        SessionSpan(SESSIONS[int(codes[start])], int(hours[start]), int(hours[end])) for start, end in pairwise(places)
    )
