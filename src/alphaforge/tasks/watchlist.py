"""Which instruments the desk watches: those of the settings, and what was added and removed since, over restarts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from alphaforge.core.errors import Conflict, InvalidInput, MarketError, NoData, UnknownInstrument
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.settings import SettingRepository
from alphaforge.workflows.desk import Desk, not_watched

log = structlog.get_logger(__name__)

KEY = "instruments"
MOST = 60
"""As many as INSTRUMENTS may name."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the settings, in the order in which it was changed."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def applied(self, names: Sequence[str]) -> tuple[str, ...]:
        """The instruments of the settings as changed."""
        kept = [name for name in names if name not in self.removed]
        return tuple(dict.fromkeys((*kept, *self.added)))

    def adding(self, name: str, names: Sequence[str]) -> "Changes":
        """With one more."""
        removed = tuple(one for one in self.removed if one != name)
        return Changes(self.added if name in names else (*self.added, name), removed)

    def removing(self, name: str, names: Sequence[str]) -> "Changes":
        """With one less."""
        added = tuple(one for one in self.added if one != name)
        return Changes(added, (*self.removed, name) if name in names else self.removed)


@dataclass(slots=True)
class Watchlist:
    """The watched instruments of a desk. `changed` is told of the new ones, and must be quick."""

    desk: Desk
    changed: Callable[[Sequence[str]], None] = lambda _: None
    defaults: tuple[str, ...] = field(init=False)
    _loading: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.defaults = self.desk.names

    async def restore(self) -> None:
        """Find the instruments as they were left, by whichever process. Raises StorageError."""
        async with self.desk.database.read() as connection:
            self._watch((await self._stored(connection)).applied(self.defaults))

    async def add(self, name: str) -> bool:
        """Watch an instrument from now on; False where it is watched already.

        Raises UnknownInstrument for one that the account cannot trade, and NoData before it has said what it can.
        """
        if not self.desk.listed:
            raise NoData("The account has not said yet what it can trade", advice="Ask again when /health is healthy.")
        if name not in self.desk.instruments:
            raise UnknownInstrument(
                f"The account cannot trade {name}", advice="GET /api/instruments/available lists what it can."
            )

        def adding(before: Changes, names: tuple[str, ...]) -> Changes:
            if len(names) >= MOST:
                raise Conflict(f"{MOST} instruments are watched, and no more can be", advice="Remove one first.")
            return before.adding(name, self.defaults)

        return await self._change(name, adding, there=True)

    async def remove(self, name: str) -> None:
        """Watch an instrument no more. Its open signals are followed to their end.

        Raises UnknownInstrument where it is not watched, and Conflict for the last one.
        """

        def removing(before: Changes, names: tuple[str, ...]) -> Changes:
            if len(names) == 1:
                raise Conflict(f"{name} is the only one that is watched", advice="Add another first.")
            return before.removing(name, self.defaults)

        if not await self._change(name, removing, there=False):
            raise not_watched(name, self.desk.names)

    async def _change(self, name: str, change: Callable[[Changes, tuple[str, ...]], Changes], *, there: bool) -> bool:
        async with self.desk.database.write("app_settings") as connection:
            before = await self._stored(connection)
            names = before.applied(self.defaults)
            if (name in names) is there:
                return False
            after = change(before, names)
            await SettingRepository(connection).put(KEY, msgspec.json.encode(after).decode())
        self._watch(after.applied(self.defaults))
        log.info("instrument_added" if there else "instrument_removed", instrument=name)
        return True

    @staticmethod
    async def _stored(connection: AsyncConnection) -> Changes:
        stored = await SettingRepository(connection).get(KEY)
        try:
            return Changes() if stored is None else msgspec.json.decode(stored, type=Changes)
        except msgspec.MsgspecError as error:
            raise InvalidInput(
                f"The setting {KEY!r} in the database is damaged: {error}",
                advice="Delete that row of app_settings; the instruments are then those of INSTRUMENTS.",
            ) from None

    def _watch(self, names: tuple[str, ...]) -> None:
        before, self.desk.names = self.desk.names, names
        if names == before:
            return
        self.changed(names)
        if self.desk.listed and (new := [name for name in names if name not in before]):
            task = asyncio.create_task(self._fetch(new), name="new instruments")
            self._loading.add(task)
            task.add_done_callback(self._loading.discard)

    async def _fetch(self, names: Sequence[str]) -> None:
        """Have their candles before the next close asks for them."""
        for name in names:
            try:
                await self.desk.candles.refresh(name)
            except MarketError as error:
                log.warning("candles_unavailable", instrument=name, error=error.message)
