"""The pieces of a job: the file that it made (from 0), and what it is given or notes down for itself (below 0).

Whoever runs a job writes them, and nobody whose job has been taken over: its pieces would end up in another's file.
"""

import zlib
from dataclasses import dataclass

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.exc import NoResultFound

from alphaforge.core.errors import Conflict
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.jobs import RUNNING, Job, encoded, is_old
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import job_chunks, jobs

GIVEN = -1
"""The piece that holds what a job is to read, as `packed` has it."""
GZIP = 16 + zlib.MAX_WBITS
"""How pieces are compressed, as zlib calls it; those of a file make one gzip file."""
LEVEL = 4

_c = job_chunks.c


@dataclass(frozen=True, slots=True)
class JobPieces:
    """The pieces of one job, within one transaction; they are bytes of a few megabytes at most."""

    connection: AsyncConnection
    job_id: int

    async def put(self, number: int, content: bytes) -> None:
        """Store a piece, in the place of the one of this number."""
        row = {"job_id": self.job_id, "number": number, "content": content}
        statement = insert(self.connection, job_chunks).values(row)
        changed = {"content": statement.excluded.content}
        await self.connection.execute(
            statement.on_conflict_do_update(index_elements=["job_id", "number"], set_=changed)
        )

    async def get(self, number: int) -> bytes | None:
        """A piece."""
        statement = select(_c.content).where(_c.job_id == self.job_id, _c.number == number)
        content: bytes | None = await self.connection.scalar(statement)
        return content

    async def count(self) -> int:
        """Of how many pieces the file is made."""
        of_file = (_c.job_id == self.job_id, _c.number >= 0)
        return int(await self.connection.scalar(select(func.count()).where(*of_file)))

    async def clear(self) -> None:
        """Remove the file, as far as there is one."""
        await self.connection.execute(delete(job_chunks).where(_c.job_id == self.job_id, _c.number >= 0))


def packed(content: bytes) -> bytes:
    """Compressed, as a piece is kept."""
    return zlib.compress(content, LEVEL, GZIP)


def unpacked(piece: bytes) -> bytes:
    """What was `packed`."""
    return zlib.decompress(piece, GZIP)


async def still_held(connection: AsyncConnection, job: Job) -> None:
    """Make sure that a job is still run by this attempt, until the transaction ends. Raises Conflict."""
    ours = (jobs.c.id == job.id, jobs.c.status == RUNNING, jobs.c.attempts == job.attempts)
    try:
        (await connection.execute(select(jobs.c.id).where(*ours).with_for_update())).one()
    except NoResultFound:
        raise _taken_over(job) from None


async def done_with(connection: AsyncConnection, job: Job, result: object) -> None:
    """Store the result of a job in the transaction of its work, which so is done once, whoever dies when.

    The job then ends as done, and cannot be cancelled any more. Raises Conflict where it is another's by now, or is
    to be cancelled.
    """
    ours = (jobs.c.id == job.id, jobs.c.status == RUNNING, jobs.c.attempts == job.attempts)
    free = (jobs.c.result.is_(None), jobs.c.cancelling.is_(False))
    stored = await connection.execute(update(jobs).where(*ours, *free).values(result=encoded(result)))
    if stored.rowcount != 1:
        raise _taken_over(job)


def _taken_over(job: Job) -> Conflict:
    return Conflict(f"Job {job.id} is another's by now, or to be cancelled: this attempt stores nothing")


async def prune_pieces(connection: AsyncConnection, *, at_most: int) -> int:
    """Forget some pieces of jobs that are to be forgotten; answers how many."""
    place = (_c.job_id, _c.number)
    found = select(*place).join(jobs, jobs.c.id == _c.job_id).where(is_old(connection)).order_by(*place).limit(at_most)
    places = [tuple(row) for row in (await connection.execute(found)).all()]
    if places:
        await connection.execute(delete(job_chunks).where(tuple_(*place).in_(places)))
    return len(places)
