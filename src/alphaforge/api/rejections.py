"""Evaluations that ended in no signal, a UTC day at a time, as JSON or for a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from alphaforge.api.cells import safe_cell
from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked, Day, day_of
from alphaforge.api.schemas import system as shapes
from alphaforge.api.services import Services
from alphaforge.core.errors import NotFound
from alphaforge.core.times import from_epoch, rfc3339
from alphaforge.storage.rejections import RejectionRepository

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


@router.get(
    "/api/rejections", summary="The rejections of a day", response_model=shapes.Rejections, responses=_RESPONSES
)
@router.get(
    "/api/rejections/latest", summary="The newest day's", response_model=shapes.Rejections, responses=_RESPONSES
)
async def rejections(
    services: Asked, day: Annotated[Day, Query(alias="date")] = None, form: AskedForm = Form.JSON
) -> Response:
    """Every evaluation that ended in no signal, oldest first. Without `date`, the newest day that has any."""
    start, end = await _bounds(services, day)
    async with services.database.read() as connection:
        rows = await RejectionRepository(connection).of_day(start, end)
    name = from_epoch(start).date().isoformat()
    if not rows:
        message = f"There is no record of {name}"
        raise NotFound(message, advice="Days are counted in UTC. /api/rejections/latest finds the newest one.")
    if form is Form.CSV:
        return _csv_answer(name, rows)
    return json_answer({"date": name, "rejections": [rejection_body(row) for row in rows]})


async def _bounds(services: Services, day: date | None) -> tuple[float, float]:
    if day is not None:
        return day_of(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    async with services.database.read() as connection:
        newest = await RejectionRepository(connection).newest(None, 1)
    if not newest:
        message = "There is no record yet"
        raise NotFound(message, advice="Rejections are stored as closed candles are evaluated.")
    return day_of(newest[0]["decided_at"])


def rejection_body(row: Row) -> dict[str, object]:
    """One rejection in the predecessor's shape, and its candle and source beside it."""
    moment = row["decided_at"]
    return {
        "hour": from_epoch(moment).hour,
        "timestamp": rfc3339(moment),
        "instrument": row["instrument"],
        "regime": row["regime"],
        "reason": row["reason"],
        "metrics": {name: row[name] for name in _METRICS},
        "candle_time": rfc3339(row["candle_time"]),
        "source": row["source"],
        "simulated": row["simulated"],
    }


def _csv_answer(day: str, rows: Sequence[Row]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_CSV_HEADER)
    for row in rows:
        body = rejection_body(row)
        cells = [day, body["hour"], body["timestamp"], row["instrument"], row["regime"], row["reason"]]
        writer.writerow([safe_cell(cell) for cell in [*cells, *(row[name] for name in _METRICS)]])
    headers = {"Content-Disposition": f'attachment; filename="rejections-{day}.csv"'}
    return Response(text.getvalue(), headers=headers, media_type="text/csv")
