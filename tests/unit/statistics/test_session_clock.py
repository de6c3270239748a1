"""Sessions as spans: they hold the moment, follow each other without a gap, and are those of the calendar."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.market_hours import FOREX_HOURS
from alphaforge.core.times import parse_rfc3339
from alphaforge.statistics.calendar import SESSIONS, Session, sessions
from alphaforge.statistics.session_clock import session_spans

MOMENTS = st.floats(parse_rfc3339("2024-01-01T00:00:00Z"), parse_rfc3339("2027-01-01T00:00:00Z"))


@given(moment=MOMENTS)
def test_spans_hold_the_moment_and_follow_each_other(moment: float) -> None:
    spans = session_spans(moment, 5)
    assert len(spans) == 5
    assert spans[0].start <= moment < spans[0].end
    for one, following in pairwise(spans):
        assert one.end == following.start
        assert one.session is not following.session


@given(moment=MOMENTS)
def test_every_hour_has_the_calendars_session_and_none_while_nothing_trades(moment: float) -> None:
    span = session_spans(moment, 1)[0]
    hours = np.arange(span.start, span.end, 3_600)
    named = {SESSIONS[code] for code in sessions(hours).tolist()}
    if span.session is Session.OFF:
        assert all(
            SESSIONS[int(sessions(hour)[0])] is Session.OFF or not FOREX_HOURS.is_open(hour[0] + 1_800)
            for hour in hours[:, None]
        )
    else:
        assert named == {span.session}
        assert FOREX_HOURS.open_at(hours + 1_800).all()
