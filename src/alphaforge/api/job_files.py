"""The files that jobs made, sent as they are kept: a piece at a time, compressed to whoever takes that."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from alphaforge.api.exports import attached, patiently
from alphaforge.api.jobs import EXPORT
from alphaforge.api.kept_answer import accepts
from alphaforge.api.parameters import Asked, Id, Options
from alphaforge.core.errors import Conflict, NotFound, StorageError
from alphaforge.storage.engine import Database
from alphaforge.storage.job_pieces import GZIP, JobPieces
from alphaforge.storage.jobs import DONE, ENDED, Job

router = APIRouter(tags=["jobs"])

_AT_ONCE = 1024 * 1024
"""Bytes of the file that are held at once, however well it was compressed."""
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {kind: {"schema": {"type": "string"}} for kind in ("application/x-ndjson", "text/csv")},
        "description": "The file.",
    },
    404: {"description": "There is no such job, or it made no file."},
    409: {"description": "The job has not ended yet."},
}


@router.get(
    "/api/jobs/{job_id}/file",
    summary="The file that a job made",
    response_class=StreamingResponse,
    responses=_FILE,
)
async def job_file(request: Request, services: Asked, options: Options, job_id: Id) -> Response:
    """The file of an export that is done; kept for a week, as the job is."""
    job = await services.jobs.get(job_id)
    _look_whether_it_has_one(job)
    async with services.database.read() as connection:
        count = await JobPieces(connection, job_id).count()
    if not count:
        message = f"The file of job {job_id} is gone"
        raise NotFound(message, advice="Files are kept for a week; ask for a new export.")
    body = _pieces(services.database, job_id, count)
    accepted = request.headers.get("accept-encoding", "").encode("latin-1")
    headers = attached(job.result["name"]) | {"Vary": "Accept-Encoding"}
    if options.enable_compression and accepts(accepted, b"gzip"):
        headers["Content-Encoding"] = "gzip"
    else:
        body = _inflated(body)
    return StreamingResponse(body, headers=headers, media_type=job.result["media_type"])


def _look_whether_it_has_one(job: Job) -> None:
    if job.kind != EXPORT:
        message = f"Job {job.id} is of kind {job.kind}, which makes no file"
        raise NotFound(message)
    if job.status not in ENDED:
        message = f"Job {job.id} is {job.status}: its file is not whole yet"
        raise Conflict(message, advice=f"GET /api/jobs/{job.id} says when it is done.")
    if job.status != DONE:
        message = f"Job {job.id} is {job.status} and made no file"
        raise NotFound(message)


async def _pieces(database: Database, job_id: int, count: int) -> AsyncIterator[bytes]:
    """The file as it is kept; between pieces it holds no connection."""
    for number in range(count):
        yield await patiently(partial(_piece, database, job_id, number))


async def _piece(database: Database, job_id: int, number: int) -> bytes:
    async with database.read() as connection:
        piece = await JobPieces(connection, job_id).get(number)
    if piece is None:
        message = f"The file of job {job_id} went away while it was sent"
        raise StorageError(message)
    return piece


async def _inflated(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What was compressed, a bounded part at a time."""
    unpacking = zlib.decompressobj(GZIP)
    async for piece in pieces:
        left = piece
        while left:
            if part := await asyncio.to_thread(unpacking.decompress, left, _AT_ONCE):
                yield part
            left = unpacking.unconsumed_tail
    if rest := unpacking.flush():
        yield rest
