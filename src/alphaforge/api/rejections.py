"""Evaluations that ended in no signal, a UTC day at a time, as JSON or for a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.listing import CursorOf, CursorQuery, cursor_text, link_to
from alphaforge.api.parameters import Asked, Day, day_of, most_of
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import system as shapes
from alphaforge.api.signals import SymbolFilter, filtered_instrument
from alphaforge.core.cells import safe_cell
from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.core.times import from_epoch
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.rows import Position

router = APIRouter(tags=["evaluation"])

Row = Mapping[str, Any]

_METRICS = (
    *("strength", "agreement", "buy_votes", "sell_votes", "confidence", "atr_pct", "adx"),
    *("volatility_ok", "strength_ok", "adx_ok", "last_price", "suggested_direction"),
    *("proposed_entry", "proposed_stop_loss", "proposed_take_profit"),
)
_CSV_HEADER = ("date", "hour", "timestamp", "instrument", "regime", "reason", *_METRICS)


class Form(StrEnum):
    """How the answer is written."""

    JSON = "json"
    CSV = "csv"


AskedForm = Annotated[Form, Query(alias="format", description="json or csv.")]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The day's rejections."},
    404: {"description": "No rejections on that day."},
}


class RejectionQuery(CursorQuery):
    """A day's rejections, or a part of them."""

    day: Annotated[Day, Query(alias="date")] = None
    form: AskedForm = Form.JSON
    symbol: SymbolFilter = None


_PARAMETERS = documented(RejectionQuery)


@router.get(
    "/api/rejections",
    summary="The rejections of a day",
    response_model=shapes.Rejections,
    responses=_RESPONSES,
    openapi_extra=_PARAMETERS,
)
@router.get(
    "/api/rejections/latest",
    summary="The newest day's",
    response_model=shapes.Rejections,
    responses=_RESPONSES,
    openapi_extra=_PARAMETERS,
)
async def rejections(
    request: Request, services: Asked, query: Annotated[RejectionQuery, Depends(query_of(RejectionQuery))]
) -> Response:
    """Every evaluation that ended in no signal, oldest first. Without `date`, the newest day that has any.

    Without `limit` and `cursor` the whole day, its first 10,000 at most; else a page of it. `next` says where the
    next one begins.
    """
    size, place = query.size_or_whole(most_of(request)), query.behind(CursorOf.REJECTIONS)
    behind = place and place[1]
    instrument = filtered_instrument(query.symbol)
    async with services.database.read() as connection:
        repository = RejectionRepository(connection)
        start, end = await _bounds(repository, query.day, behind)
        page = await repository.listed(start, end, instrument=instrument, behind=behind, limit=size)
    name = from_epoch(start).date().isoformat()
    if not len(page):
        message = f"There is no record of {name}"
        raise NotFound(message, advice="Days are counted in UTC. /api/rejections/latest finds the newest one.")
    following = cursor_text(CursorOf.REJECTIONS, page.behind)
    headers = link_to(request, following) or {}
    if query.form is Form.CSV:
        return _csv_answer(name, page.rows(), headers)
    bodies = [rejection_body(row) for row in page.rows()]
    return json_answer({"date": name, "rejections": bodies, "next": following}, headers=headers)


async def _bounds(repository: RejectionRepository, day: date | None, behind: Position | None) -> tuple[float, float]:
    if day is not None:
        bounds = day_of(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        if behind is not None and day_of(behind.time) != bounds:
            message = "cursor belongs to another date"
            raise InvalidInput(message)
        return bounds
    moment = await repository.newest_moment() if behind is None else behind.time
    if moment is None:
        message = "There is no record yet"
        raise NotFound(message, advice="Rejections are stored as closed candles are evaluated.")
    return day_of(moment)


def rejection_body(row: Row) -> dict[str, object]:
    """One rejection in the predecessor's shape, and its candle and source beside it; the row's times are RFC 3339."""
    moment = row["decided_at"]
    return {
        "hour": int(moment[11:13]),
        "timestamp": moment,
        "instrument": row["instrument"],
        "regime": row["regime"],
        "reason": row["reason"],
        "metrics": {name: row[name] for name in _METRICS},
        "candle_time": row["candle_time"],
        "source": row["source"],
        "simulated": row["simulated"],
    }


def _csv_answer(day: str, rows: Sequence[Row], links: Mapping[str, str]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_CSV_HEADER)
    for row in rows:
        body = rejection_body(row)
        cells = [day, body["hour"], body["timestamp"], row["instrument"], row["regime"], row["reason"]]
        writer.writerow([safe_cell(cell) for cell in [*cells, *(row[name] for name in _METRICS)]])
    headers = {**links, "Content-Disposition": f'attachment; filename="rejections-{day}.csv"'}
    return Response(text.getvalue(), headers=headers, media_type="text/csv")
