"""What a process measured: its minutes are closed, kept and stored, and made one with those of all others.

Every process runs `Measurements.run`. Where several share a PostgreSQL each says there every few seconds what it has
counted, so that any of them can answer for all; on SQLite there is one process, and only its closed minutes are stored.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn, TypeVar

import msgspec
import structlog

from alphaforge.core.errors import StorageError
from alphaforge.storage.engine import Database
from alphaforge.storage.measurements import RETIRED, FigureRepository, Figures, MinuteRepository
from alphaforge.telemetry.figures import Snapshot
from alphaforge.telemetry.merging import folded, merged, since
from alphaforge.telemetry.minutes import MINUTE, Minute, by_minute

log = structlog.get_logger(__name__)

T = TypeVar("T")

IN_MEMORY = 16
"""Closed minutes: what is shown by default, and one."""
EVERY_SECONDS = 5.0
TIDY_SECONDS = 3_600.0
_PATIENCE = 4.0
_LAST_PATIENCE = 2.0
_ASKED_PATIENCE = 1.0
"""Seconds for what others said: whoever asks is better served in time with what is known here."""
_MANY = 100
"""Packed minutes that take the event loop longer than a moment."""

Peaks = Mapping[str, float]
MinuteOf = Callable[[Snapshot, Snapshot | None, Peaks, int], Minute]
"""What happened between two snapshots: the later one, the earlier one, the peaks meanwhile, the minute's start."""

_pack = msgspec.msgpack.Encoder().encode
_snapshots = msgspec.msgpack.Decoder(Snapshot)
_minutes = msgspec.msgpack.Decoder(Minute)


class Everywhere(NamedTuple):
    """The figures of all processes as one, those that live by name, this one first, and what was in the way."""

    figures: Snapshot
    processes: list[str]
    problem: str | None


class _Said(NamedTuple):
    """What was said when this process had counted `now`.

    `folded`: what it had said before others took it for gone and took that over, as while its machine slept for an
    hour. What came after it is still its own.
    """

    now: Snapshot
    folded: Snapshot | None

    @property
    def told(self) -> Snapshot:
        return since(self.now, self.folded)


class OwnMinutes:
    """The minutes of this process: the one under way, and the last that were closed, the newest last.

    `peaks` answers the largest values since it was last asked.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], minute_of: MinuteOf, peaks: Callable[[], Peaks], now: float
    ) -> None:
        self._snapshot, self._minute_of, self._take_peaks = snapshot, minute_of, peaks
        self._before: Snapshot | None = None
        self._peaks: dict[str, float] = {}
        self._at = _start(now)
        self.closed: deque[Minute] = deque(maxlen=IN_MEMORY)
        self.unstored: deque[Minute] = deque(maxlen=IN_MEMORY)

    def look(self, now: float) -> None:
        """Note the peaks, and close the minute where it is over: once a second.

        A clock set back within a minute waits until it is there again; one that jumps ends the minute where it is.
        """
        self._note_peaks()
        at = _start(now)
        if not self._at - MINUTE <= at <= self._at:
            snapshot = self._snapshot()
            minute = self._minute_of(snapshot, self._before, self._peaks, self._at)
            self.closed.append(minute)
            self.unstored.append(minute)
            self._before, self._peaks, self._at = snapshot, {}, at

    def running(self) -> Minute:
        """The minute under way, as far as it is."""
        self._note_peaks()
        return self._minute_of(self._snapshot(), self._before, self._peaks, self._at)

    def _note_peaks(self) -> None:
        for name, peak in self._take_peaks().items():
            self._peaks[name] = max(peak, self._peaks.get(name, peak))


class Measurements:
    """Stores what this process measures, and knows what all have measured.

    `process` names this one among all that ever were. `every`: seconds between two words to the database.
    """

    def __init__(
        self,
        database: Database,
        process: str,
        snapshot: Callable[[], Snapshot],
        minute_of: MinuteOf,
        *,
        peaks: Callable[[], Peaks] = dict,
        every: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database, self._snapshot = database, snapshot
        self._every, self._clock, self._wait = every, clock, wait
        self._process = process
        self.heard = 1
        """Processes that were heard when minutes or figures were asked for last, this one included."""
        self.own = OwnMinutes(snapshot, minute_of, peaks, clock())
        self._saying = asyncio.Lock()  # what was said later must not be replaced by what was counted earlier
        self._said: _Said | None = None
        self._known: list[Figures] = []
        self._is_away = False
        self._tidied: float | None = None

    async def run(self) -> NoReturn:
        """Work until cancelled; then say the last word, in two seconds at most."""
        storing: asyncio.Task[None] | None = None
        began = time.monotonic()
        try:
            while True:
                await self._wait(1.0)
                self.own.look(self._clock())
                if storing is not None and storing.done():
                    storing = storing.result()
                is_due = time.monotonic() - began >= self._every
                if storing is None and is_due and (self._database.is_shared or self.own.unstored):
                    began = time.monotonic()
                    storing = asyncio.create_task(self._store(_PATIENCE), name="measurements")
        finally:
            if storing is not None:
                storing.cancel()
                await asyncio.wait({storing})
            await self._store(_LAST_PATIENCE, last=True)

    async def _store(self, patience: float, *, last: bool = False) -> None:
        """Say what there is to say; where the database is away, say so once and keep it for later."""
        try:
            async with asyncio.timeout(patience):
                await self._say(running=last or self._database.is_shared)
                if not last:
                    await self._tidy()
        except (StorageError, TimeoutError) as error:
            if not self._is_away:
                log.warning("measurements_not_stored", error=_in_words(error), advice="They are kept and tried again.")
            self._is_away = True
        else:
            if self._is_away:
                log.info("measurements_stored_again")
            self._is_away = False

    async def _say(self, *, running: bool) -> None:
        minutes, said = [*self.own.unstored], self._said
        async with self._saying:
            async with self._database.write("process_figures", "performance_minutes") as connection:
                if self._database.is_shared:
                    said = await self._say_figures(FigureRepository(connection))
                for minute in (*minutes, self.own.running()) if running else minutes:
                    await MinuteRepository(connection).put(minute.at, self._process, _pack(minute))
            self._said = said
        for minute in minutes:
            if minute in self.own.unstored:
                self.own.unstored.remove(minute)

    async def _say_figures(self, repository: FigureRepository) -> "_Said":
        """Say them; it holds once it is committed."""
        before = self._said
        said = _Said(self._snapshot(), before.folded if before else None)
        if before is None:
            await repository.put(self._process, _pack(said.told))
        elif not await repository.replace(self._process, _pack(said.told)):
            said = _Said(said.now, before.now)
            await repository.put(self._process, _pack(said.told))
        return said

    async def _tidy(self) -> None:
        """Forget what is old, and fold what the long gone have counted: at first and once an hour."""
        if self._tidied is not None and time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        async with self._database.write("performance_minutes") as connection:
            await MinuteRepository(connection).prune()
        if self._database.is_shared:
            async with self._database.write("process_figures") as connection:
                await FigureRepository(connection).fold(self._process, _folded)
        self._tidied = time.monotonic()

    async def everywhere(self) -> Everywhere:
        """The figures of all processes; with a database that is away, this one's and what others had counted before.

        What is answered here is said to the others first: whoever of them is asked next answers no less.
        """
        if not self._database.is_shared:
            return Everywhere(merged(self._snapshot()), [self._process], None)
        problem = None
        try:
            async with asyncio.timeout(_ASKED_PATIENCE), self._saying:
                async with self._database.write("process_figures") as connection:
                    said = await self._say_figures(FigureRepository(connection))
                    known = await FigureRepository(connection).others(self._process)
                self._said, self._known = said, known
            own, living = said.told, [one for one in known if one.is_live]
        except (StorageError, TimeoutError) as error:
            own, living = since(self._snapshot(), self._said.folded if self._said else None), []
            problem = f"Other processes are not known: {_in_words(error)}"
        gone = [one for one in self._known if one not in living]
        others = _unpacked(_snapshots, (one.packed for one in living))
        figures = merged(own, others, _unpacked(_snapshots, (one.packed for one in gone)))
        self.heard = 1 + len(others)
        return Everywhere(figures, [self._process, *(one.process for one in others)], problem)

    async def minutes(self, begun: float) -> tuple[list[Minute], str | None]:
        """Each minute that began at `begun` (epoch seconds) or later, of all processes as one, the oldest first.

        With a database that is away, those that this process remembers, and what was in the way.
        """
        own = {minute.at: minute for minute in (*self.own.closed, self.own.running()) if minute.at >= begun}
        rows: Sequence[tuple[int, str, bytes]] = ()
        problem = None
        try:
            async with asyncio.timeout(_ASKED_PATIENCE), self._database.read() as connection:
                rows = await MinuteRepository(connection).since(begun)
        except (StorageError, TimeoutError) as error:
            problem = f"Only what this process remembers is known: {_in_words(error)}"
        packed = [packed for at, process, packed in rows if process != self._process or at not in own]
        lately = _start(self._clock()) - MINUTE  # who lives has said something of this minute, or of the last
        self.heard = len({self._process, *(process for at, process, _ in rows if at >= lately)})
        if len(packed) > _MANY:
            return await asyncio.to_thread(_together, own.values(), packed), problem
        return _together(own.values(), packed), problem


def _start(now: float) -> int:
    return int(now // MINUTE) * MINUTE


def _in_words(error: StorageError | TimeoutError) -> str:
    return error.message if isinstance(error, StorageError) else "the database does not answer"


def _unpacked(decoder: msgspec.msgpack.Decoder[T], packed: Iterable[bytes]) -> list[T]:
    """What was packed; what a process of another version says that this one cannot read is left out."""
    found, unreadable = [], 0
    for one in packed:
        try:
            found.append(decoder.decode(one))
        except msgspec.DecodeError:
            unreadable += 1
    if unreadable:
        log.warning("measurements_unreadable", count=unreadable, advice="Run all processes in one version.")
    return found


def _folded(packed: Sequence[bytes]) -> bytes:
    return _pack(folded(RETIRED, _unpacked(_snapshots, packed)))


def _together(own: Iterable[Minute], packed: Iterable[bytes]) -> list[Minute]:
    return by_minute((*own, *_unpacked(_minutes, packed)))
