"""The log of what happened: who goes on from anywhere is told what he was not told, once, in order."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput
from alphaforge.stream.log import (
    DURABLE,
    KEPT_SECONDS,
    MOST_BYTES,
    PIECE,
    Choice,
    Cursor,
    EventLog,
    Kind,
    Told,
    parse_cursor,
)

NOW = 1_700_000_000.0
NAMES = ("GBP_USD", "XAU_USD", None)
CHOICES = st.builds(
    Choice,
    st.frozensets(st.sampled_from(Kind), min_size=1),
    st.none() | st.frozensets(st.sampled_from(["GBP_USD", "XAU_USD"]), min_size=1),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(Kind), st.sampled_from(NAMES), st.integers(1, 3), st.floats(0, 80)),
    min_size=1,
    max_size=60,
)


@dataclass
class Lived:
    """A log, and all that ever happened with the cursor that it had then."""

    log: EventLog = field(default_factory=lambda: EventLog(NOW))
    now: float = NOW
    all: list[tuple[Told, Cursor]] = field(default_factory=list)

    def happen(self, kind: Kind, name: str | None, skipped: int, pause: float) -> None:
        self.now += pause
        told = Told(kind, name, b"%d" % len(self.all))
        self.log.add(told, self.now, self.log.number + skipped if kind in DURABLE else None)
        self.all.append((told, self.log.cursor(self.now)))

    def behind(self, cursor: Cursor, choice: Choice) -> list[bytes]:
        """What was wanted and not told yet, of all that ever happened."""
        return [
            told.body
            for told, at in self.all
            if choice.wants(told) and (at.number > cursor.number if told.kind in DURABLE else at.moment > cursor.moment)
        ]


def told_from(log: EventLog, cursor: Cursor, choice: Choice) -> list[bytes]:
    """What a listener is told who goes on from a cursor."""
    place, both = log.places(cursor)
    texts = b""
    while place < log.end:
        piece, place = log.piece(place, log.end, choice, cursor if place < both else None)
        texts += piece
    return [line[6:] for line in texts.split(b"\n") if line.startswith(b"data: ")]


@settings(max_examples=200)
@given(STEPS, CHOICES, st.data())
def test_going_on_from_any_cursor_brings_exactly_what_is_behind_it_in_order(
    steps: list[tuple[Kind, str | None, int, float]], choice: Choice, data: st.DataObject
) -> None:
    lived = Lived()
    for step in steps:
        lived.happen(*step)
    # the two parts of a cursor need not be of one event: another process learned of both in another order
    numbers, moments = ([0, *sorted({getattr(at, part) for _, at in lived.all})] for part in ("number", "moment"))
    cursor = Cursor(data.draw(st.sampled_from(numbers)), data.draw(st.sampled_from(moments)))
    why_not = lived.log.why_not(cursor, choice, lived.now)
    if why_not is None:
        assert told_from(lived.log, cursor, choice) == lived.behind(cursor, choice)
    else:
        assert why_not == "too_old"
        oldest_lost = lived.all[lived.log.first - 1][1]
        assert cursor.number < oldest_lost.number or cursor.moment < oldest_lost.moment


@given(STEPS)
def test_each_event_has_a_cursor_of_its_own_behind_all_before_it(
    steps: list[tuple[Kind, str | None, int, float]],
) -> None:
    lived = Lived()
    for step in steps:
        lived.happen(*step)
    cursors = [(at.number, at.moment) for _, at in lived.all]
    assert cursors == sorted(set(cursors))
    assert len({moment for _, moment in cursors}) == len(cursors)


@given(STEPS)
def test_five_minutes_are_kept_and_not_more(steps: list[tuple[Kind, str | None, int, float]]) -> None:
    lived = Lived()
    for step in steps:
        lived.happen(*step)
    kept = {at.moment for _, at in lived.all[lived.log.first :]}
    newest = lived.all[-1][1].moment
    assert kept == {at.moment for _, at in lived.all if at.moment >= newest - KEPT_SECONDS * 1e6}


@given(STEPS, st.data())
def test_who_knows_all_before_a_place_goes_on_with_what_stands_there(
    steps: list[tuple[Kind, str | None, int, float]], data: st.DataObject
) -> None:
    lived = Lived()
    for step in steps:
        lived.happen(*step)
    place = data.draw(st.integers(0, lived.log.end))
    cursor = lived.log.cursor_at(place, lived.now)
    if place < lived.log.first:
        assert cursor is None
    else:
        assert cursor is not None
        assert told_from(lived.log, cursor, Choice()) == [told.body for told, _ in lived.all[place:]]


def test_nothing_is_lost_over_many_sweeps_and_the_places_stay() -> None:
    log = EventLog(NOW)
    for number in range(1, 5_001):
        log.add(Told(Kind.SIGNAL, "GBP_USD", b"%d" % number), NOW + number, number)
    assert (log.first, log.end) == (5_000 - 301, 5_000)
    assert told_from(log, Cursor(4_700, 0), Choice(DURABLE)) == [b"%d" % number for number in range(4_701, 5_001)]
    assert log.why_not(Cursor(4_699, 0), Choice(DURABLE), NOW + 5_000) is None
    assert log.why_not(Cursor(4_698, 0), Choice(DURABLE), NOW + 5_000) == "too_old"


def test_what_happened_before_the_log_begins_is_too_old_only_for_who_wanted_it() -> None:
    log = EventLog(NOW, number=7)
    earlier = Cursor(6, int(NOW * 1e6))
    assert log.why_not(earlier, Choice(), NOW) == "too_old"
    assert log.why_not(earlier, Choice(frozenset({Kind.PRICE})), NOW) is None
    assert log.why_not(Cursor(7, int((NOW - 299) * 1e6)), Choice(), NOW) is None
    long_ago = Cursor(7, int((NOW - 301) * 1e6))
    assert log.why_not(long_ago, Choice(), NOW) == "too_old"
    assert log.why_not(long_ago, Choice(DURABLE), NOW) is None


def test_a_cursor_of_the_future_is_nobodys() -> None:
    log = EventLog(NOW, number=7)
    assert log.why_not(Cursor(8, int(NOW * 1e6)), Choice(), NOW) == "unknown"
    assert log.why_not(Cursor(7, int((NOW + 301) * 1e6)), Choice(), NOW) == "unknown"
    assert log.why_not(Cursor(7, int((NOW + 1) * 1e6)), Choice(), NOW) is None, "clocks of two machines differ"


def test_a_durable_event_that_is_there_is_not_added_again() -> None:
    log = EventLog(NOW, number=7)
    for number in (7, 8, 8, 9):
        log.add(Told(Kind.SIGNAL, None, b"%d" % number), NOW, number)
    assert told_from(log, Cursor(0, 0), Choice()) == [b"8", b"9"]


def test_too_much_goes_early_and_is_told_to_be_gone() -> None:
    log = EventLog(NOW)
    body = b"x" * 1_000_000
    for number in range(1, 31):
        log.add(Told(Kind.SIGNAL, None, body), NOW, number)
    assert log.end - log.first == MOST_BYTES // 1_000_500
    assert log.why_not(Cursor(log.first, 0), Choice(DURABLE), NOW) is None
    assert log.why_not(Cursor(log.first - 1, 0), Choice(DURABLE), NOW) == "too_old"


def test_a_piece_is_little_more_than_one_may_be() -> None:
    log = EventLog(NOW)
    for _ in range(1_000):
        log.add(Told(Kind.PRICE, "GBP_USD", b"x" * 500), NOW)
    piece, place = log.piece(0, log.end, Choice())
    assert PIECE <= len(piece) < PIECE + 600
    assert piece.count(b"event: ") == place < log.end


def test_an_instruments_listener_is_told_the_status_too() -> None:
    choice = Choice(frozenset({Kind.STATUS, Kind.PRICE}), frozenset({"GBP_USD"}))
    wanted = [(Kind.STATUS, None), (Kind.PRICE, "GBP_USD"), (Kind.PRICE, "XAU_USD"), (Kind.SIGNAL, "GBP_USD")]
    assert [choice.wants(Told(kind, name, b"")) for kind, name in wanted] == [True, True, False, False]


def test_an_event_is_written_as_the_standard_has_it() -> None:
    log = EventLog(NOW)
    log.add(Told(Kind.SIGNAL, None, b'{"id":1}'), NOW, 3)
    moment = log.cursor(NOW).moment
    assert log.piece(0, 1, Choice())[0] == b'event: signal\nid: 3.%d\ndata: {"id":1}\n\n' % moment


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "-1.2", "1.2.3", "a.b", "1.2 ", "٣.1", "1" * 30 + ".1", "1\n.2"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not the id of an event"):
        parse_cursor(text)


def test_an_id_is_read_as_it_was_written() -> None:
    assert parse_cursor(str(Cursor(12, 345))) == Cursor(12, 345)
