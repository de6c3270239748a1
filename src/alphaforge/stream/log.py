"""The events of the last five minutes, each as the bytes that every listener is sent.

There are two sorts. Durable events are rows of the database: their numbers ascend in the order of commits, the same in
all processes and over restarts. All others (prices, statuses) live in this process alone and have a moment. The id of
an event is a cursor of both: everything durable up to the number and everything else up to the moment has been sent.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from alphaforge.core.errors import InvalidInput

KEPT_SECONDS = 300.0
MOST_BYTES = 16 * 1024 * 1024
"""What all events together may take; beyond it the oldest go early."""
PIECE = 65_536
"""Bytes that a listener is given at once, if one event is not longer: what he may leave waiting in our memory."""

_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
_BESIDE = 400
"""Bytes that an event takes beside its text, roughly."""
_SWEEP = 512


class Kind(StrEnum):
    """What happened."""

    SIGNAL = "signal"
    OUTCOME = "outcome"
    REJECTION = "rejection"
    CANDLE = "candle"
    PRICE = "price"
    STATUS = "status"


DURABLE = frozenset({Kind.SIGNAL, Kind.OUTCOME, Kind.REJECTION, Kind.CANDLE})
PASSING = frozenset(Kind) - DURABLE


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened; `body` is one line of JSON. A status is of no instrument."""

    kind: Kind
    instrument: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to where a listener has been told: see the module. `moment` in microseconds since 1970."""

    number: int
    moment: int

    def __str__(self) -> str:
        return f"{self.number}.{self.moment}"


def parse_cursor(text: str) -> Cursor:
    """The cursor that an event's id says. Raises InvalidInput."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        message = f"{text[:60]!r} is not the id of an event"
        raise InvalidInput(message, advice="Send the last id as it came, or none to begin with what happens now.")
    return Cursor(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Choice:
    """What a listener wants; of every instrument where None are named."""

    kinds: frozenset[Kind] = frozenset(Kind)
    instruments: frozenset[str] | None = None

    def wants(self, told: "Told | Entry") -> bool:
        """Whether he is to be told."""
        if told.kind not in self.kinds:
            return False
        return self.instruments is None or told.instrument is None or told.instrument in self.instruments


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the log. `number` and `moment` are its cursor's."""

    kind: Kind
    instrument: str | None
    number: int
    moment: int
    text: bytes

    def is_behind(self, cursor: Cursor) -> bool:
        """Whether who has been told up to `cursor` has not been told of this."""
        return self.number > cursor.number if self.kind in DURABLE else self.moment > cursor.moment


def written(told: Told, cursor: Cursor) -> bytes:
    """An event as it is sent."""
    return b"event: %b\nid: %d.%d\ndata: %b\n\n" % (told.kind.encode(), cursor.number, cursor.moment, told.body)


class EventLog:
    """Events in the order in which this process learned of them. Places in it count from its first event ever.

    `now` (epoch seconds) never matters but for how old events are; `number` is the newest of the durable events that
    happened before the log begins.
    """

    def __init__(self, now: float, number: int = 0) -> None:
        self._entries: list[Entry] = []
        self._gone = 0
        self._swept = 0
        self._bytes = 0
        self._moment = int((now - KEPT_SECONDS) * 1e6)
        self._number = number
        self._floor = Cursor(number, self._moment)

    @property
    def first(self) -> int:
        """The place of the oldest event that is kept."""
        return self._gone + self._swept

    @property
    def end(self) -> int:
        """The place behind the newest event."""
        return self._swept + len(self._entries)

    @property
    def number(self) -> int:
        """The newest durable event that the log has or had."""
        return self._number

    def cursor(self, now: float) -> Cursor:
        """That of a listener who has been told everything until now: whatever is added later is behind it."""
        self._moment = max(self._moment, int(now * 1e6))
        return Cursor(self._number, self._moment)

    def cursor_at(self, place: int, now: float) -> Cursor | None:
        """That of a listener who has been told everything before a place; None where some of the rest is gone."""
        if place >= self.end:
            return self.cursor(now)
        if place <= self.first:
            return self._floor if place == self.first else None
        before = self._entries[place - 1 - self._swept]
        return Cursor(before.number, before.moment)

    def add(self, told: Told, now: float, number: int | None = None) -> None:
        """Add an event that happened at `now`. `number`: of a durable one; nothing is added where it was there."""
        if number is not None:
            if number <= self._number:
                return
            self._number = number
        self._moment = max(self._moment + 1, int(now * 1e6))
        cursor = Cursor(self._number, self._moment)
        entry = Entry(told.kind, told.instrument, cursor.number, cursor.moment, written(told, cursor))
        self._entries.append(entry)
        self._bytes += len(entry.text) + _BESIDE
        self._forget()

    def pass_over(self, number: int) -> None:
        """A durable event there is nothing to tell of any more."""
        self._number = max(self._number, number)

    def _forget(self) -> None:
        """Let go of what is too old or too much."""
        oldest = self._moment - int(KEPT_SECONDS * 1e6)
        while self._gone < len(self._entries):
            entry = self._entries[self._gone]
            if entry.moment >= oldest and self._bytes <= MOST_BYTES:
                break
            self._floor = Cursor(entry.number, entry.moment)
            self._bytes -= len(entry.text) + _BESIDE
            self._gone += 1
        if self._gone >= _SWEEP:
            del self._entries[: self._gone]
            self._swept, self._gone = self._swept + self._gone, 0

    def why_not(self, cursor: Cursor, choice: Choice, now: float) -> str | None:
        """Why nobody can go on from a cursor: `too_old` where wanted events are gone, `unknown` where it is foreign."""
        if cursor.number > self._number or cursor.moment > (now + KEPT_SECONDS) * 1e6:
            return "unknown"
        lost = choice.kinds & DURABLE and cursor.number < self._floor.number
        lost = lost or (choice.kinds & PASSING and cursor.moment < self._floor.moment)
        return "too_old" if lost else None

    def places(self, cursor: Cursor) -> tuple[int, int]:
        """Between which places events of both sorts are behind a cursor: before them none, from the second on all."""
        by_number = bisect_right(self._entries, cursor.number, self._gone, key=attrgetter("number"))
        by_moment = bisect_right(self._entries, cursor.moment, self._gone, key=attrgetter("moment"))
        return self._swept + min(by_number, by_moment), self._swept + max(by_number, by_moment)

    def piece(self, place: int, end: int, choice: Choice, seen: Cursor | None = None) -> tuple[bytes, int]:
        """What of the events from a place on is wanted, in one, and the place behind it; `end` unless that is long.

        `seen`: leave out what is not behind it.
        """
        texts: list[bytes] = []
        size = 0
        for at in range(place - self._swept, end - self._swept):
            entry = self._entries[at]
            if choice.wants(entry) and (seen is None or entry.is_behind(seen)):
                texts.append(entry.text)
                size += len(entry.text)
                if size >= PIECE:
                    return b"".join(texts), at + 1 + self._swept
        return b"".join(texts), end
