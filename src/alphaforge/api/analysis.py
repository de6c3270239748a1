"""What was evaluated: the state of the scans, the newest evaluations, and those before."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from alphaforge.api.encoding import json_answer, stored_time
from alphaforge.api.evaluations import evaluation_result
from alphaforge.api.parameters import Asked
from alphaforge.api.rejections import rejection_body
from alphaforge.api.schemas import system as shapes
from alphaforge.api.services import ScanResult
from alphaforge.core.times import rfc3339
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalCriteria, SignalRepository

router = APIRouter(tags=["evaluation"])


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


@router.get("/api/analysis/history", summary="Stored evaluations, newest first", response_model=shapes.AnalysisHistory)
async def analysis_history(
    services: Asked, limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most.")] = 100
) -> Response:
    """Rejections and the desk's own signals together."""
    async with services.database.read() as connection:
        rejected = await RejectionRepository(connection).newest(None, limit)
        made = await SignalRepository(connection).page(SignalCriteria(origin="strategy"), skip=0, limit=limit)
    history = [
        {"candle_time": rfc3339(row["candle_time"]), "generated": False, **rejection_body(row)} for row in rejected
    ]
    history += [
        {
            "candle_time": rfc3339(row["candle_time"]),
            "generated": True,
            "signal_id": row["id"],
            "timestamp": stored_time(row["timestamp"]),
            "instrument": row["instrument"],
            "regime": row["market_condition"],
            "reason": None,
            "direction": row["direction"],
            "confidence": row["confidence_score"],
        }
        for row in made
    ]
    history.sort(key=lambda one: str(one["candle_time"]), reverse=True)
    return json_answer({"history": history[:limit], "count": len(history[:limit])})
