"""Candles of many instruments that come side by side are stored together: a transaction costs one turn of the disk."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from alphaforge.core.candles import CandleSeries
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database

_MOST_ROWS = 5_000
"""In one transaction, so that no other write waits long behind histories that are loaded."""


@dataclass(frozen=True, slots=True)
class _Given:
    source: str
    series: CandleSeries
    stored: "asyncio.Future[None]"


@dataclass(slots=True)
class CandleKeeping:
    """Stores candles; what is given while others are being stored goes into one transaction with what waits already."""

    database: Database
    _waiting: deque[_Given] = field(default_factory=deque)
    _storing: asyncio.Task[None] | None = None

    async def keep(self, source: str, series: CandleSeries) -> None:
        """Store candles as the market sent them, see `CandleRepository.take`. Raises StorageError.

        Whoever goes away meanwhile takes nobody's candles with him, and his own are stored.
        """
        given = _Given(source, series, asyncio.get_running_loop().create_future())
        self._waiting.append(given)
        if self._storing is None:
            self._storing = asyncio.create_task(self._store(), name="candles")
        await given.stored

    async def aclose(self) -> None:
        """Store what waits, before the database is closed."""
        if self._storing is not None:
            await asyncio.wait({self._storing})

    async def _store(self) -> None:
        try:
            while self._waiting:
                await self._store_together(list(self._next()))
        finally:
            self._storing = None

    def _next(self) -> Iterator[_Given]:
        """What goes into the next transaction: the first in any case."""
        rows = 0
        while self._waiting and (not rows or rows + len(self._waiting[0].series) <= _MOST_ROWS):
            rows += max(1, len(self._waiting[0].series))
            yield self._waiting.popleft()

    async def _store_together(self, batch: list[_Given]) -> None:
        try:
            async with self.database.write("candles") as connection:
                for given in batch:
                    await CandleRepository(connection, given.source).take(given.series)
        except BaseException as error:
            for given in batch:
                if not given.stored.done():
                    given.stored.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for given in batch:
                if not given.stored.done():
                    given.stored.set_result(None)
