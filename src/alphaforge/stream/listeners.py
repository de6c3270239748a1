"""Who listens, and when he is told.

Twenty events a second for two thousand listeners are forty thousand; so the first event after a quiet moment goes out
at once, and then all that came within a tenth of a second together, joined once for all who want the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from alphaforge.stream.log import Choice, Cursor, EventLog, Told, written

PERIOD = 0.1
"""Seconds between two deliveries at least."""
BEAT = 7.5
"""Seconds between two looks for listeners who were told nothing since the last one: at most 15 are silent."""
MOST_LISTENERS = 10_000
RESETS = {
    "too_old": b'{"reason":"too_old","detail":"What happened since then is kept no more. Load what you show anew."}',
    "unknown": b'{"reason":"unknown","detail":"This id is of another database. Load what you show anew."}',
}
"""What is said first to who cannot go on from where he was."""
_AT_ONCE = 250
"""Listeners who are told between two turns of the event loop: requests are answered meanwhile."""


async def _at_once(_: int) -> None:
    """Nothing is to be waited for."""


class Listener:
    """One who is told what he chose, from a place of the log on."""

    __slots__ = ("_both", "_choice", "_first", "_is_ended", "_is_quiet", "_place", "_seen", "_stream", "_waits")

    def __init__(self, stream: "Stream", choice: Choice, first: bytes, seen: Cursor | None) -> None:
        self._stream = stream
        self._choice = choice
        self._first = first
        self._seen = seen
        self._place, self._both = stream.log.places(seen) if seen else (stream.log.end, 0)
        self._waits: asyncio.Future[bytes | None] | None = None
        self._is_ended = False
        self._is_quiet = False

    async def next(self) -> bytes | None:
        """What comes next, as soon as it is due; None where he is to be told nothing more."""
        if self._is_ended:
            return None
        if self._first:
            first, self._first = self._first, b""
            return first
        piece = self._take(self._stream.due)
        if piece != b"":
            return piece
        self._waits = asyncio.get_running_loop().create_future()
        try:
            return await self._waits
        finally:
            self._waits = None

    def look(self, due: int) -> None:
        """There is something new up to a place: take it, where he waits for it."""
        if self._waits is not None and not self._waits.done():
            piece = self._take(due)
            if piece != b"":
                self._waits.set_result(piece)

    def beat(self, now: float) -> None:
        """Where nothing was said for long, say up to where he knows all: it keeps his place, and the connection."""
        if self._is_quiet and self._waits is not None and not self._waits.done():
            cursor = self._stream.log.cursor_at(self._place, now)
            if cursor is not None:
                self._waits.set_result(b":\nid: %b\n\n" % str(cursor).encode())
        self._is_quiet = True

    def end(self) -> None:
        """Tell him nothing more."""
        self._is_ended = True
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    def _take(self, due: int) -> bytes | None:
        """What is wanted of the events up to a place; None where some are gone already: he is too slow."""
        while self._place < due:
            if self._place < self._stream.log.first:
                return None
            seen = self._seen if self._place < self._both else None
            piece, self._place = self._stream.piece(self._place, due, self._choice, seen)
            if piece:
                self._is_quiet = False
                return piece
        return b""


class Stream:
    """The log of what happened and its listeners. `clock` in epoch seconds.

    `opening`: what a listener is told first who does not go on from somewhere. `caught_up`: until a durable event of a
    number is in the log, or everything is that was committed by now; raises StorageError.
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, most: int = MOST_LISTENERS) -> None:
        self._clock = clock
        self._most = most
        self._listeners: set[Listener] = set()
        self._pieces: dict[tuple[int, int, Choice], tuple[bytes, int]] = {}
        self._round: Iterator[Listener] | None = None
        self._told_at = 0.0
        self._timer: asyncio.Handle | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._is_ended = False
        self.log = EventLog(clock())
        self.due = 0
        self.opening: Callable[[], Iterable[Told]] = tuple
        self.caught_up: Callable[[int], Awaitable[None]] = _at_once

    def begin(self, number: int) -> None:
        """Begin behind a durable event, before anything is told."""
        self.log = EventLog(self._clock(), number)

    @property
    def is_full(self) -> bool:
        """Whether nobody else may listen."""
        return self._is_ended or len(self._listeners) >= self._most

    def __len__(self) -> int:
        return len(self._listeners)

    def tell(self, told: Told, number: int | None = None, at: float | None = None) -> None:
        """Something happened; `number` of a durable event, `at` (epoch seconds) if not now."""
        now = self._clock()
        self.log.add(told, now if at is None else min(at, now), number)
        if self._timer is None and self._round is None and self._listeners:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._told_at + PERIOD), self._deliver)

    @contextmanager
    def listening(self, choice: Choice, cursor: Cursor | None = None) -> Iterator[Listener]:
        """Listen while the block lasts: from a cursor on, or after the opening to what happens from now on."""
        now = self._clock()
        reset = None if cursor is None else self.log.why_not(cursor, choice, now)
        if cursor is None or reset is not None:
            listener = Listener(self, choice, self._opening(choice, reset), None)
        else:
            listener = Listener(self, choice, b"", cursor)
        self._listeners.add(listener)
        if self._timer is None and self._round is None:  # else it is under way to everybody
            self.due = self.log.end
        if self._beating is None:
            self._beating = asyncio.get_running_loop().call_later(BEAT, self._beat)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._rest()

    def end(self) -> None:
        """End all listening; nobody may begin any more."""
        self._is_ended = True
        for listener in tuple(self._listeners):
            listener.end()

    def piece(self, place: int, due: int, choice: Choice, seen: Cursor | None) -> tuple[bytes, int]:
        """As the log has it, once for all who are at the same place and want the same."""
        if seen is not None:
            return self.log.piece(place, due, choice, seen)
        key = place, due, choice
        found = self._pieces.get(key)
        if found is None:
            found = self._pieces[key] = self.log.piece(place, due, choice)
        return found

    def _opening(self, choice: Choice, reset: str | None) -> bytes:
        cursor = self.log.cursor(self._clock())
        texts = [written(told, cursor) for told in self.opening() if choice.wants(told)]
        if reset is not None:
            texts.insert(0, b"event: reset\nid: %b\ndata: %b\n\n" % (str(cursor).encode(), RESETS[reset]))
        return b"".join(texts)

    def _deliver(self) -> None:
        """Tell everybody what has come."""
        self._timer = None
        self._told_at = asyncio.get_running_loop().time()
        self._pieces.clear()
        self.due = self.log.end
        self._round = iter(tuple(self._listeners))
        self._some()

    def _some(self) -> None:
        if self._round is None:
            return
        some = tuple(islice(self._round, _AT_ONCE))
        for listener in some:
            listener.look(self.due)
        loop = asyncio.get_running_loop()
        if some:
            loop.call_soon(self._some)
            return
        self._round = None
        if self.due < self.log.end:
            self._timer = loop.call_at(max(loop.time(), self._told_at + PERIOD), self._deliver)

    def _beat(self) -> None:
        for listener in self._listeners:
            listener.beat(self._clock())
        self._beating = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _rest(self) -> None:
        """Nobody listens: no timer is needed."""
        for handle in (self._timer, self._beating):
            if handle is not None:
                handle.cancel()
        self._timer = self._beating = self._round = None
        self._pieces.clear()
