"""Background work: asking for it, looking at it, ending it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from alphaforge.api.encoding import json_answer, stored_time
from alphaforge.api.exports import export_file
from alphaforge.api.idempotency import Once, ThisOnce
from alphaforge.api.listing import CursorOf, CursorQuery, cursor_text, link_to
from alphaforge.api.parameters import (
    Asked,
    Id,
    Text,
    known_instrument,
    most_of,
    watched_instrument,
)
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import jobs as shapes
from alphaforge.api.services import Services
from alphaforge.core.errors import InvalidInput, NoData, UnknownInstrument
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import rfc3339
from alphaforge.storage.backtests import NEXT, TASKS
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.job_pieces import GIVEN, JobPieces
from alphaforge.storage.jobs import DONE, ENDED, MARKET_LANE, STATUSES, Job, JobRepository
from alphaforge.storage.rows import Position
from alphaforge.workflows.download_candles import spans_of

router = APIRouter(tags=["jobs"])

EXPORT, IMPORT = "export", "import"
ENDED_AT_ONCE: dict[int | str, dict[str, Any]] = {
    200: {"model": shapes.Job, "description": "It has ended already."},
    202: {"description": "It is queued; `Location` says where it is looked at."},
}
_LANES = {"scan": MARKET_LANE, "settle": MARKET_LANE}
_OF_USERS = frozenset({"scan", "settle", "download_candles", EXPORT, IMPORT})
_OF_BACKTESTS = frozenset({TASKS, NEXT})
_DAY = 86_400
_DAYS = 90

_Kinds = Annotated[Text | None, Query(max_length=200, description="One or several, separated by commas.")]
_Statuses = Annotated[
    Text | None, Query(max_length=100, description=f"One or several of {', '.join(STATUSES)}, separated by commas.")
]


class JobQuery(CursorQuery):
    """A list of jobs."""

    kind: _Kinds = None
    status: _Statuses = None

    def statuses(self) -> list[str]:
        """The statuses named; raises InvalidInput naming those there are."""
        words = [word.lower() for word in _words(self.status)]
        for word in words:
            if word not in STATUSES:
                message = f"{word!r} is no status of a job: they are {', '.join(STATUSES)}"
                raise InvalidInput(message)
        return words


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in text.split(",")] if text else []


@router.get(
    "/api/jobs",
    summary="Background work, newest first",
    response_model=shapes.JobPage,
    openapi_extra=documented(JobQuery),
)
async def list_jobs(
    request: Request, services: Asked, query: Annotated[JobQuery, Depends(query_of(JobQuery))]
) -> Response:
    """Jobs of the last week, those of the schedule too; `next` says where the next page begins."""
    size, place = query.size(most_of(request)), query.behind(CursorOf.JOBS)
    kinds, statuses = _words(query.kind), query.statuses()
    async with services.database.read() as connection:
        jobs = JobRepository(connection)
        found = await jobs.page(kinds, statuses, before=place and place[1].id, limit=size + 1)
    page = found[:size]
    following = cursor_text(CursorOf.JOBS, Position(0.0, page[-1].id)) if len(found) > size else None
    body = {"jobs": [listed_body(job) for job in page], "count": len(page), "next": following}
    return json_answer(body, headers=link_to(request, following))


@router.get("/api/jobs/{job_id}", summary="One job", response_model=shapes.Job)
async def one_job(services: Asked, job_id: Id) -> Response:
    """How far a job is, what became of it, and where its file is, if it made one. Jobs are kept for a week."""
    return json_answer(job_body(await services.jobs.get(job_id)))


@router.post(
    "/api/jobs",
    summary="Ask for background work",
    response_model=shapes.Job,
    status_code=HTTPStatus.ACCEPTED,
    responses=ENDED_AT_ONCE,
)
async def begin_job(services: Asked, once: ThisOnce, body: shapes.NewJob) -> Response:
    """Queue a job: `scan`, `settle`, `download_candles` or `export`, each with parameters of its own.

    Asked again with the same Idempotency-Key it is the same job, as it is by then. With BACKGROUND_TASKS=false it has
    ended when it is answered.
    """
    asked = body.root
    return await begun(services, once, asked.kind, _payload(services, asked))


def _payload(services: Services, asked: object) -> dict[str, Any]:
    """What the job is told; raises InvalidInput for what it could not do."""
    match asked:
        case shapes.ScanJob():
            return {"instruments": _names(services, asked.instruments, watched_instrument)}
        case shapes.DownloadJob():
            return _span(services, asked) | {"instruments": _names(services, asked.instruments, _known)}
        case shapes.ExportJob():
            payload = asked.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"kind"})
            export_file(services.database, services.clock.now(), payload)
            return payload
    return {}


def _names(services: Services, given: list[str] | None, meant: Callable[[Services, str], str]) -> list[str]:
    if given is None:
        return list(services.instruments.watched)
    try:
        return list(dict.fromkeys(meant(services, one) for one in given))
    except UnknownInstrument as error:  # a parameter that cannot be meant, not a thing that is missing
        raise InvalidInput(error.message, advice=error.advice) from None


def _known(services: Services, spelling: str) -> str:
    found: Instrument = known_instrument(services, spelling)
    return found.name


def _span(services: Services, asked: shapes.DownloadJob) -> dict[str, str]:
    now = services.clock.now()
    end = now if asked.end is None else min(asked.end, now)
    start = max(0.0, end - (asked.days or _DAYS) * _DAY) if asked.start is None else asked.start
    if not spans_of(start, end):
        message = "There is no time between from and to"
        raise InvalidInput(message, advice="from comes before to, and before now.")
    return {"from": rfc3339(start), "to": rfc3339(end)}


async def begun(
    services: Services, once: Once, kind: str, payload: dict[str, Any], given: bytes | None = None
) -> Response:
    """The job, queued and perhaps ended by now; `given`: what it is to read, as it is kept."""

    async def work(connection: AsyncConnection) -> Response:
        number = await JobRepository(connection).add(kind, payload, lane=_LANES.get(kind))
        if number is None:
            message = "The job could not be queued"
            raise NoData(message)
        if given is not None:
            await JobPieces(connection, number).put(GIVEN, given)
        return json_answer({"id": number}, HTTPStatus.ACCEPTED)

    kept = await once.write("jobs", work)
    number = msgspec.json.decode(bytes(kept.body))["id"]
    await services.jobs.start(number)
    job = await services.jobs.get(number)
    headers = {name: value for name, value in kept.headers.items() if name == "idempotent-replayed"}
    status = HTTPStatus.OK if job.status in ENDED else HTTPStatus.ACCEPTED
    return json_answer(job_body(job), status, headers | {"Location": f"/api/jobs/{number}"})


@router.post("/api/jobs/{job_id}/cancel", summary="End a job", response_model=shapes.CancelledJob)
async def cancel_job(services: Asked, job_id: Id) -> Response:
    """End a job that waits at once, and ask a running one to end, which takes it some seconds."""
    before = await services.jobs.get(job_id)
    job = await services.jobs.cancel(job_id)
    if before.status in ENDED:
        message = f"Job {job_id} had ended before: it is {before.status}"
    elif job.status in ENDED:
        message = f"Job {job_id} is {job.status}"
    else:
        message = f"Job {job_id} is asked to end"
    return json_answer({"success": True, "message": message, "job": job_body(job)})


def listed_body(job: Job) -> dict[str, object]:
    """A job as the list has it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "progress": job.progress,
        "attempts": job.attempts,
        "cancelling": job.cancelling,
        "parameters": _parameters(job),
        "error": job.error,
        "file": _file_of(job),
        "created_at": stored_time(job.created_at),
        "run_at": stored_time(job.run_at),
        "started_at": stored_time(job.started_at),
        "finished_at": stored_time(job.finished_at),
    }


def _parameters(job: Job) -> dict[str, Any]:
    """What users may ask for; of a backtest's part only whose it is, for its tasks are long."""
    if job.kind in _OF_BACKTESTS:
        return {"backtest": job.payload["backtest"]}
    return job.payload if job.kind in _OF_USERS else {}


def _file_of(job: Job) -> dict[str, object] | None:
    if job.kind != EXPORT or job.status != DONE:
        return None
    return {"url": f"/api/jobs/{job.id}/file", **job.result}


def job_body(job: Job) -> dict[str, object]:
    """A job with its result."""
    return listed_body(job) | {"result": job.result}
