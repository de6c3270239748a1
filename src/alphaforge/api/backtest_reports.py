"""The reports of backtests: as JSON, as a page, their trades as a table, and two of them side by side."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Response

from alphaforge.api.backtest_body import State, state_of
from alphaforge.api.backtests import looked_at
from alphaforge.api.encoding import json_answer
from alphaforge.api.exports import attached
from alphaforge.api.parameters import LARGEST_ID, Asked, Id
from alphaforge.api.schemas import backtests as shapes
from alphaforge.api.services import Services
from alphaforge.backtests.compare import compared
from alphaforge.backtests.html import html_of
from alphaforge.backtests.tables import trades_csv
from alphaforge.core.errors import Conflict, NotFound
from alphaforge.storage.backtests import BacktestRepository
from alphaforge.storage.job_pieces import unpacked
from alphaforge.workflows.backtest_files import parquet_of

router = APIRouter(tags=["backtests"])

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_KINDS: dict[str, tuple[Callable[[dict[str, Any]], bytes], str]] = {
    "html": (lambda report: html_of(report).encode(), "text/html; charset=utf-8"),
    "csv": (lambda report: trades_csv(report).encode(), "text/csv"),
    "parquet": (parquet_of, "application/vnd.apache.parquet"),
}
_REPORTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string"}}
            for kind in ("application/json", "text/html", "text/csv", "application/vnd.apache.parquet")
        },
        "description": "The report, or its trades as a table.",
    },
    404: {"description": "There is no such backtest, or it has no report."},
    409: {"description": "The backtest goes on."},
}

Format = Annotated[
    Literal["json", "html", "csv", "parquet"],
    Query(alias="format", description="`json`: the whole document; `html`: a page that needs nothing else; or trades."),
]
BacktestId = Annotated[int, Query(ge=1, le=LARGEST_ID, description="The id of a backtest that is done.")]


@router.get("/api/backtests/compare", summary="Two backtests side by side", response_model=shapes.Comparison)
async def compare_backtests(services: Asked, a: BacktestId, b: BacktestId) -> Response:
    """What was asked differently, what differs in the figures, and whether that is more than luck."""
    reports = [msgspec.json.decode(await _report(services, number)) for number in (a, b)]
    return json_answer(await asyncio.to_thread(compared, reports, [str(a), str(b)]))


@router.get(
    "/api/backtests/{backtest_id}/report",
    summary="The report of a backtest",
    response_class=Response,
    responses=_REPORTS,
)
async def backtest_report(services: Asked, backtest_id: Id, form: Format = "json") -> Response:
    """The report of a backtest that is done; docs/backtesting.md explains what is in it."""
    content = await _report(services, backtest_id)
    shown = {"Content-Disposition": f'inline; filename="backtest-{backtest_id}.{form}"'}
    if form == "json":
        return Response(content, headers=shown, media_type="application/json")
    render, kind = _KINDS[form]
    body = await asyncio.to_thread(lambda: render(msgspec.json.decode(content)))
    if form == "html":
        return Response(body, headers=shown | {"Content-Security-Policy": _POLICY}, media_type=kind)
    return Response(body, headers=attached(f"backtest-{backtest_id}-trades.{form}"), media_type=kind)


async def _report(services: Services, backtest_id: int) -> bytes:
    """The document. Raises NotFound where there is none, Conflict where there is none yet."""
    async with services.database.read() as connection:
        kept = await BacktestRepository(connection).report(backtest_id)
    if kept is not None:
        return await asyncio.to_thread(unpacked, kept)
    state, error = state_of(*await looked_at(services, backtest_id))
    if state in (State.QUEUED, State.RUNNING):
        message = f"Backtest {backtest_id} is {state}: it has no report yet"
        raise Conflict(message, advice=f"GET /api/backtests/{backtest_id} says how far it is.")
    message = f"Backtest {backtest_id} is {state} and has no report"
    raise NotFound(message, advice=error or "")
