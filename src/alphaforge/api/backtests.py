"""Backtests over HTTP: asked for, followed, fetched, compared."""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from alphaforge.api.backtest_body import State, backtest_body, listed_body, state_of
from alphaforge.api.encoding import json_answer
from alphaforge.api.idempotency import Once, ThisOnce
from alphaforge.api.listing import CursorOf, CursorQuery, cursor_text, link_to
from alphaforge.api.parameters import Asked, Id, known_instrument, most_of
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import backtests as shapes
from alphaforge.api.services import Services
from alphaforge.backtests.plan import Plan
from alphaforge.backtests.schedule import Schedule
from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.core.instruments import Instrument
from alphaforge.storage.backtests import CANCELLED_WORDS, Backtest, BacktestRepository, Work
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.rows import Position
from alphaforge.workflows.backtest_history import is_simulated, period_of, source_of
from alphaforge.workflows.backtest_request import Request as BacktestRequest
from alphaforge.workflows.backtest_request import estimated

router = APIRouter(tags=["backtests"])

WRITES = ("backtests", "jobs")
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    200: {"model": shapes.Backtest, "description": "It has ended already."},
    202: {"description": "It is queued; `Location` says where it is looked at."},
}
_NOBODY = Work(0, {}, None)
_LOOK_SECONDS = 2.0
"""How often a backtest is looked at though nothing was announced."""


@router.post(
    "/api/backtests",
    summary="Ask for a backtest",
    response_model=shapes.Backtest,
    status_code=HTTPStatus.ACCEPTED,
    responses=_ACCEPTED,
)
async def begin_backtest(services: Asked, once: ThisOnce, body: shapes.NewBacktest) -> Response:
    """Queue a backtest. Every process that works in the background takes part; the server itself computes nothing.

    Asked again with the same Idempotency-Key it is the same backtest, as it is by then. With BACKGROUND_TASKS=false it
    has ended when it is answered.
    """
    number, replayed = await begun(services, once, await asked_of(services, body), limit=body.limit)
    backtest, work = await looked_at(services, number)
    status = HTTPStatus.ACCEPTED if backtest.finished_at is None else HTTPStatus.OK
    headers = replayed | {"Location": f"/api/backtests/{number}"}
    return json_answer(backtest_body(backtest, work), status, headers)


async def asked_of(services: Services, body: shapes.NewBacktest) -> BacktestRequest:
    """What is meant. Raises InvalidInput for what cannot be, and Conflict where there are no candles."""
    names = _names(services, body.instruments)
    async with services.database.read() as connection:
        source = await source_of(connection, names, body.source, services.status.market().source)
        start, end = await period_of(connection, source, names, body.start, body.end)
    options = {name: getattr(body, name) for name in ("entry", "positions", "balance", "risk")}
    options["financing"] = {_names(services, [name])[0]: rates for name, rates in body.financing.items()}
    folds = body.walk_forward and body.walk_forward.model_dump()
    plain = {"instruments": names, "start": start, "end": end, "settings": body.settings, "options": options}
    plain |= {"sweep": body.grid, "folds": folds, "by": body.by, "minimum_trades": body.minimum_trades}
    plain |= {"tried": body.tried, "version": _version()}
    return BacktestRequest(
        plan=await asyncio.to_thread(Plan.from_dict, plain),  # a large grid takes a while to be counted
        source=source,
        simulated=is_simulated(source),
        instruments=tuple(services.instruments.known.get(name) or Instrument(name) for name in names),
        hours={name: services.instruments.hours(name) for name in names},
        controls=body.controls,
    )


def _names(services: Services, given: list[str] | None) -> list[str]:
    if given is None:
        return list(services.instruments.watched)
    try:
        return list(dict.fromkeys(known_instrument(services, one).name for one in given))
    except UnknownInstrument as error:  # a parameter that cannot be meant, not a thing that is missing
        raise InvalidInput(error.message, advice=error.advice) from None


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - reads a file, and only where a backtest is asked for

    return version("alphaforge")


async def begun(services: Services, once: Once, request: BacktestRequest, *, limit: int) -> tuple[int, dict[str, str]]:
    """The number of a backtest that is queued, or has ended where nobody works in the background; and its headers."""
    asked, tasks = await asyncio.to_thread(_asked_and_tasks, request, limit)

    async def work(connection: AsyncConnection) -> Response:
        number, _ = await BacktestRepository(connection).add(asked, tasks)
        return json_answer({"id": number}, HTTPStatus.ACCEPTED)

    kept = await once.write("jobs", work)
    number: int = msgspec.json.decode(bytes(kept.body))["id"]
    await _start(services, number)
    return number, {name: value for name, value in kept.headers.items() if name == "idempotent-replayed"}


def _asked_and_tasks(request: BacktestRequest, limit: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is stored of a request, and its first tasks. Raises InvalidInput for one that is too large."""
    seconds = estimated(request.plan, limit=limit)
    schedule = Schedule.of(request.plan)
    asked = request.to_dict() | {"total": schedule.total, "estimated_seconds": seconds}
    return asked, [task.to_dict() for task in schedule.ready({})]


async def _start(services: Services, number: int) -> None:
    """Have its jobs run here, where nobody else does: each round of them queues the next."""
    before: list[int] = []
    while (waiting := await _waiting(services, number)) != before:
        for job in waiting:
            await services.jobs.start(job)
        before = waiting


async def _waiting(services: Services, number: int) -> list[int]:
    async with services.database.read() as connection:
        return await BacktestRepository(connection).job_ids(number)


async def ended(services: Services, number: int, seconds: float) -> None:
    """Wait until a backtest has ended, for so many seconds at most."""
    with suppress(TimeoutError), services.database.commits.heard(*WRITES) as changed:
        async with asyncio.timeout(seconds):
            while True:
                changed.clear()
                if state_of(*await looked_at(services, number))[0] not in (State.QUEUED, State.RUNNING):
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await changed.wait()


async def looked_at(services: Services, number: int) -> tuple[Backtest, Work]:
    """A backtest and how far it is. Raises NotFound."""
    async with services.database.read() as connection:
        repository = BacktestRepository(connection)
        backtest = await repository.get(number)
        if backtest.finished_at is not None:
            return backtest, _NOBODY
        return backtest, (await repository.work([number]))[number]


@router.get(
    "/api/backtests",
    summary="Backtests, newest first",
    response_model=shapes.BacktestPage,
    openapi_extra=documented(CursorQuery),
)
async def list_backtests(
    request: Request, services: Asked, query: Annotated[CursorQuery, Depends(query_of(CursorQuery))]
) -> Response:
    """All that were not removed; `next` says where the next page begins."""
    size, place = query.size(most_of(request)), query.behind(CursorOf.BACKTESTS)
    async with services.database.read() as connection:
        repository = BacktestRepository(connection)
        found = await repository.page(before=place and place[1].id, limit=size + 1)
        page = found[:size]
        going_on = [one.id for one in page if one.finished_at is None]
        work = await repository.work(going_on) if going_on else {}
    following = cursor_text(CursorOf.BACKTESTS, Position(0.0, page[-1].id)) if len(found) > size else None
    rows = [listed_body(one, work.get(one.id, _NOBODY)) for one in page]
    return json_answer({"backtests": rows, "count": len(rows), "next": following}, headers=link_to(request, following))


@router.get("/api/backtests/{backtest_id}", summary="One backtest", response_model=shapes.Backtest)
async def one_backtest(services: Asked, backtest_id: Id) -> Response:
    """How far a backtest is, and in `summary` what came of it: first of all the sentence that the evidence supports."""
    return json_answer(backtest_body(*await looked_at(services, backtest_id)))


@router.post("/api/backtests/{backtest_id}/cancel", summary="End a backtest", response_model=shapes.ChangedBacktest)
async def cancel_backtest(services: Asked, backtest_id: Id) -> Response:
    """End a backtest that goes on: what waits at once, what runs within some seconds. There is no report then."""
    backtest, work = await looked_at(services, backtest_id)
    async with services.database.write(*WRITES) as connection:
        ended = await BacktestRepository(connection).fail(backtest_id, CANCELLED_WORDS)
    if ended:
        return json_answer({"success": True, "message": f"Backtest {backtest_id} is {State.CANCELLED}"})
    message = f"Backtest {backtest_id} had ended before: it is {state_of(backtest, work)[0]}"
    return json_answer({"success": True, "message": message})


@router.delete("/api/backtests/{backtest_id}", summary="Remove a backtest", response_model=shapes.ChangedBacktest)
async def remove_backtest(services: Asked, backtest_id: Id) -> Response:
    """Remove a backtest and its report; one that goes on ends."""
    async with services.database.write(*WRITES) as connection:
        await BacktestRepository(connection).delete(backtest_id)
    return json_answer({"success": True, "message": f"Backtest {backtest_id} is removed"})
