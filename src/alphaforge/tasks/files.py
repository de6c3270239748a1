"""Jobs around files: everything written into one, rows taken in from one. What a file says is for others to know."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from alphaforge.core.errors import InvalidInput, InvalidRows
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.job_pieces import GIVEN, GZIP, LEVEL, JobPieces, done_with, still_held, unpacked
from alphaforge.storage.jobs import Job
from alphaforge.tasks.kinds import GiveUp, Running, TaskKind

EXPORT, IMPORT = "export", "import"

PIECE = 1024 * 1024
"""Bytes of a stored piece, about: a transaction of some milliseconds."""
_EXPORT_SECONDS = 4 * 3_600.0

Payload = Mapping[str, Any]


class Export(Protocol):
    """A file that is to be written. Its parts come with the share, from 0 to 1, that is written with them."""

    @property
    def name(self) -> str:
        """What to call it."""
        ...

    @property
    def media_type(self) -> str:
        """As Content-Type has it."""
        ...

    def parts(self) -> AsyncIterator[tuple[bytes, float]]:
        """Its bytes."""
        ...


class Rows(Protocol):
    """Rows that are all sound: how many, into which table, and how they are stored."""

    @property
    def table(self) -> str:
        """The noun that the transaction writes."""
        ...

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    async def store(self, connection: AsyncConnection) -> None:
        """Store all of them in this transaction. Raises InvalidRows for what contradicts what is stored already."""
        ...


ExportOf = Callable[[Payload], Awaitable[Export]]
"""Raises InvalidInput for a payload that cannot be meant."""
RowsOf = Callable[[Payload, bytes], Awaitable[Rows]]
"""The rows that a file has. Raises InvalidRows naming those that are wrong, and InvalidInput for what is no table."""


def file_kinds(database: Database, export_of: ExportOf, rows_of: RowsOf) -> tuple[TaskKind, ...]:
    """How files are written and taken in."""

    async def export(running: Running) -> object:
        return await _Writing(database, running).write(await export_of(running.job.payload))

    async def take_in(running: Running) -> object:
        return await _taken_in(database, running, rows_of)

    return (TaskKind(EXPORT, export, timeout=_EXPORT_SECONDS), TaskKind(IMPORT, take_in))


@dataclass(slots=True)
class _Writing:
    """One attempt at a file: compressed as it comes, stored a piece at a time, never held as a whole."""

    database: Database
    running: Running
    _number: int = 0
    _held: list[bytes] = field(default_factory=list)
    _size: int = 0

    async def write(self, export: Export) -> object:
        """Write it from its beginning; what an earlier attempt left behind goes first."""
        async with self._storing() as connection:
            await JobPieces(connection, self.running.job.id).clear()
        packed = zlib.compressobj(LEVEL, wbits=GZIP)
        size = 0
        async for part, share in export.parts():
            size += len(part)
            await self._add(await asyncio.to_thread(packed.compress, part))
            self.running.progress(share)
        await self._add(packed.flush())
        await self._store()
        return {"name": export.name, "media_type": export.media_type, "bytes": size}

    async def _add(self, content: bytes) -> None:
        self._held.append(content)
        self._size += len(content)
        if self._size >= PIECE:
            await self._store()

    async def _store(self) -> None:
        async with self._storing() as connection:
            await JobPieces(connection, self.running.job.id).put(self._number, b"".join(self._held))
        self._number += 1
        self._held, self._size = [], 0

    @asynccontextmanager
    async def _storing(self) -> AsyncIterator[AsyncConnection]:
        async with self.database.write("job_chunks") as connection:
            await still_held(connection, self.running.job)
            yield connection


async def _taken_in(database: Database, running: Running, rows_of: RowsOf) -> object:
    """All rows and the word that they are stored, in one transaction; or none, and what is wrong with which."""
    job = running.job
    if job.result is not None:  # stored by an attempt that could not say so any more
        return job.result
    try:
        rows = await rows_of(job.payload, await _given(database, job))
        running.progress(0.5)
        return await _kept(database, job, rows)
    except InvalidRows as error:
        raise GiveUp(error.message, result={"created": 0, "errors": error.faults, "advice": error.advice}) from None
    except InvalidInput as error:
        raise GiveUp(error.message) from None


async def _kept(database: Database, job: Job, rows: Rows) -> object:
    result = {"created": rows.count}
    async with database.write(rows.table, "jobs") as connection:
        await done_with(connection, job, result)
        await rows.store(connection)
    return result


async def _given(database: Database, job: Job) -> bytes:
    async with database.read() as connection:
        content = await JobPieces(connection, job.id).get(GIVEN)
    if content is None:
        raise GiveUp("What it was to take in is gone")
    return await asyncio.to_thread(unpacked, content)
