"""What was evaluated: the state of the scans, the newest evaluations, and those before."""

from operator import itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from alphaforge.api.encoding import json_answer, stored_time
from alphaforge.api.evaluations import evaluation_result
from alphaforge.api.listing import AskedCursor, CursorOf, cursor_position, cursor_text, link_to
from alphaforge.api.parameters import Asked
from alphaforge.api.query import documented, query_of
from alphaforge.api.rejections import rejection_body
from alphaforge.api.results import ScanResult
from alphaforge.api.schemas import system as shapes
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.rows import Position
from alphaforge.storage.signals import SignalRepository

router = APIRouter(tags=["evaluation"])

MOST = 1_000
"""Evaluations in one answer."""


@router.get("/api/analysis/status", summary="The state of the scans", response_model=shapes.AnalysisStatus)
async def analysis_status(services: Asked) -> Response:
    """`analysing` during a scan, `waiting` between scheduled ones, `idle` when none are scheduled."""
    strategy = services.strategy
    word = "analysing" if strategy.is_scanning else "waiting" if strategy.is_running else "idle"
    return json_answer(
        {
            "status": word,
            "last_analysis": stored_time(strategy.last_scan_at),
            "is_running": strategy.is_running or strategy.is_scanning,
        }
    )


@router.get("/api/analysis/latest", summary="The newest evaluation of each instrument", response_model=shapes.Analysis)
async def latest_analysis(services: Asked) -> Response:
    """What the last scans of this process found; null before the first one."""
    results = services.strategy.last_results
    analysis = {name: _summary(results[name]) for name in services.instruments.watched if name in results}
    moment = services.strategy.last_scan_at
    return json_answer({"analysis": analysis or None, "timestamp": stored_time(moment) if analysis else None})


def _summary(result: ScanResult) -> dict[str, object]:
    decision = result.decision
    body = {"instrument": result.instrument, **evaluation_result(result)}
    if decision is not None:
        body |= {
            "candle_time": rfc3339(decision.candle_time),
            "price": decision.close,
            "votes": [
                {"granularity": votes.granularity.value, "buy": votes.buy, "sell": votes.sell}
                for votes in decision.timeframes
            ],
        }
    return body


class HistoryQuery(BaseModel):
    """A part of the evaluations."""

    limit: Annotated[int, Query(ge=1, le=MOST, description=f"How many at most, up to {MOST}.")] = 100
    cursor: AskedCursor = None


@router.get(
    "/api/analysis/history",
    summary="Stored evaluations, newest first",
    response_model=shapes.AnalysisHistory,
    openapi_extra=documented(HistoryQuery),
)
async def analysis_history(
    request: Request, services: Asked, query: Annotated[HistoryQuery, Depends(query_of(HistoryQuery))]
) -> Response:
    """Rejections and the desk's own signals together, by the candle that was evaluated; of one candle signals first."""
    rejected_behind, made_behind = _places(query.cursor)
    async with services.database.read() as connection:
        rejected = await RejectionRepository(connection).evaluated(rejected_behind, query.limit)
        made = await SignalRepository(connection).evaluated(made_behind, query.limit)
    rows = [(row["candle_time"], False, row["id"], row) for row in rejected.rows()]
    rows += [(row["candle_time"], True, row["id"], row) for row in made.rows()]
    rows.sort(key=itemgetter(0, 1, 2), reverse=True)
    following = None
    if len(rows) > query.limit or rejected.behind or made.behind:
        candle, is_signal, identity, _ = rows[query.limit - 1]
        of = CursorOf.HISTORY_SIGNAL if is_signal else CursorOf.HISTORY_REJECTION
        following = cursor_text(of, Position(parse_rfc3339(candle), identity))
    history = [_made(row) if is_signal else _rejected(row) for _, is_signal, _, row in rows[: query.limit]]
    return json_answer(
        {"history": history, "count": len(history), "next": following}, headers=link_to(request, following)
    )


def _places(cursor: str | None) -> tuple[Position | None, Position | None]:
    """Where rejections and signals go on: in a list in which a candle's signals come before its rejections."""
    if cursor is None:
        return None, None
    of, place = cursor_position(cursor, (CursorOf.HISTORY_SIGNAL, CursorOf.HISTORY_REJECTION))
    if of is CursorOf.HISTORY_SIGNAL:
        return Position(place.time + 1, 0), place
    return place, Position(place.time, 0)


def _rejected(row: dict[str, Any]) -> dict[str, object]:
    return {"candle_time": row["candle_time"], "generated": False, **rejection_body(row)}


def _made(row: dict[str, Any]) -> dict[str, object]:
    return {
        "candle_time": row["candle_time"],
        "generated": True,
        "signal_id": row["id"],
        "timestamp": row["timestamp"],
        "instrument": row["instrument"],
        "regime": row["market_condition"],
        "reason": None,
        "direction": row["direction"],
        "confidence": row["confidence_score"],
    }
