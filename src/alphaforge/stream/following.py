"""Durable events come into the log from the database, with one question for everything that was committed meanwhile."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from alphaforge.core.errors import AlphaForgeError, StorageError
from alphaforge.stream.listeners import Stream
from alphaforge.stream.log import KEPT_SECONDS, Told

NOUN = "events"
BATCH = 500
GATHERING = 0.03
"""Seconds for which what is committed is read at once: a scan commits many things one behind the other."""
PATIENCE = 3.0
"""Seconds that who goes on from a place waits until it is known whether that place is ours."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A durable event. `at` in epoch seconds; `told` is None where there is nothing left to tell of."""

    number: int
    at: float
    told: Told | None


class Events(Protocol):
    """Where durable events are."""

    async def newest_before(self, seconds: float) -> int:
        """The number of the newest event that is older than so many seconds, 0 where none is."""
        ...

    async def after(self, number: int, at_most: int) -> Sequence[Happened]:
        """The events behind a number, in their order."""
        ...


class Following:
    """Brings what is committed into a stream's log."""

    def __init__(self, stream: Stream, events: Events, gathering: float = GATHERING) -> None:
        self._gathering = gathering
        self._stream = stream
        self._events = events
        self._wake = asyncio.Event()
        self._asked: asyncio.Future[None] | None = None

    def heard(self, nouns: Collection[str], _: str | None = None) -> None:
        """Something was committed; perhaps anything, where no noun is named."""
        if not nouns or NOUN in nouns:
            self._wake.set()

    async def begin(self) -> None:
        """Fill the log with what happened before; raises StorageError."""
        self._stream.begin(await self._events.newest_before(KEPT_SECONDS))
        await self._read(are_new=False)

    async def run(self) -> None:
        """Follow until cancelled; raises StorageError, and may be run again."""
        self._wake.set()  # what was committed while nobody followed
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._gathering)
            self._wake.clear()
            asked, self._asked = self._asked, None
            try:
                await self._read(are_new=True)
            except AlphaForgeError as error:
                if asked is not None:
                    asked.set_exception(error)
                raise
            except asyncio.CancelledError:
                if asked is not None:
                    asked.set_exception(StorageError("The desk is closing"))
                raise
            if asked is not None:
                asked.set_result(None)

    async def caught_up(self, number: int) -> None:
        """Until everything committed by now is in the log, or a durable event of this number; raises StorageError."""
        if number <= self._stream.log.number:
            return
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
            self._asked.add_done_callback(lambda done: done.exception())  # whoever waited may have gone
        self._wake.set()
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(self._asked)
        except TimeoutError:
            raise StorageError("The database does not say what happened") from None

    async def _read(self, *, are_new: bool) -> None:
        while True:
            found = await self._events.after(self._stream.log.number, BATCH)
            for one in found:
                if one.told is None:
                    self._stream.log.pass_over(one.number)
                else:
                    self._stream.tell(one.told, one.number, None if are_new else one.at)
            if len(found) < BATCH:
                return
