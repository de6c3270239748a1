"""Before a backtest is asked for: which settings there are to change, and what one would be and take."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response

from alphaforge.api.backtests import asked_of
from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked
from alphaforge.api.schemas import backtests as shapes
from alphaforge.api.services import Services
from alphaforge.backtests.faults import Fault, faults_of
from alphaforge.backtests.plan import Plan
from alphaforge.backtests.schedule import Schedule
from alphaforge.backtests.setting_meanings import settings_explained
from alphaforge.core.errors import Conflict, InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339
from alphaforge.storage.candles import CandleRepository
from alphaforge.workflows.backtest_request import Request, candles_of, estimated

router = APIRouter(tags=["backtests"])

_M5 = Granularity.M5.seconds


@router.get("/api/backtests/settings", summary="What a backtest may change", response_model=shapes.StrategySettingList)
async def strategy_settings() -> Response:
    """Every number of the strategy with its default and its unit, as docs/strategy.md has them."""
    found = list(settings_explained())
    return json_answer({"settings": found, "count": len(found)})


@router.post("/api/backtests/estimate", summary="What a backtest would take", response_model=shapes.BacktestEstimate)
async def estimate_backtest(services: Asked, body: shapes.NewBacktest) -> Response:
    """How many settings, parts and seconds a backtest would have. Nothing is begun or stored.

    What cannot be meant is no error here: `faults` say what is wrong at which field, so that a form can.
    """
    folds = None if body.walk_forward is None else body.walk_forward.model_dump(exclude_none=True)
    if faults := faults_of(body.settings, body.grid, folds):
        return _faulty(faults)
    try:
        request = await asked_of(services, body)
        await _look_at_history(services, request)
    except Conflict as error:
        return _faulty([Fault.of(error, "instruments")])
    except InvalidInput as error:
        return _faulty([Fault.of(error)])
    try:
        return json_answer(await asyncio.to_thread(_estimate, request, body.limit))
    except InvalidInput as error:
        return _faulty([Fault.of(error, "grid")])


async def _look_at_history(services: Services, request: Request) -> None:
    """Raises Conflict where an instrument has no candle of the period: its jobs would fail."""
    plan = request.plan
    async with services.database.read() as connection:
        repository = CandleRepository(connection, request.source)
        spans = {name: await repository.span(name) for name in plan.instruments}
    for name, span in spans.items():
        if span is None:
            continue  # removed a moment ago: who begins now is told
        first, last = span[:2]
        if last + _M5 <= plan.start or first + _M5 > plan.end:
            message = (
                f"There are no candles of {name} from {rfc3339(plan.start)} to {rfc3339(plan.end)}; "
                f"there are some from {rfc3339(first)} to {rfc3339(last)}"
            )
            raise Conflict(message, advice="Download what is missing, or choose another period.")


def _estimate(request: Request, limit: int) -> dict[str, Any]:
    plan: Plan = request.plan
    seconds = estimated(plan, limit=limit)
    points, impossible = plan.sweep.points(plan.settings)
    return {
        "faults": [],
        "kind": str(plan.kind),
        "instruments": list(plan.instruments),
        "source": request.source,
        "simulated": request.simulated,
        "from": rfc3339(plan.start),
        "to": rfc3339(plan.end),
        "points": len(points),
        "impossible": sum(one.count for one in impossible),
        "folds": len(plan.periods()),
        "parts": Schedule.of(plan).total,
        "evaluations": len(points) * candles_of(plan),
        "seconds": seconds,
    }


_UNKNOWN = (
    *("kind", "instruments", "source", "simulated", "from", "to"),
    *("points", "impossible", "folds", "parts", "evaluations", "seconds"),
)


def _faulty(faults: Sequence[Fault]) -> Response:
    return json_answer({"faults": [asdict(one) for one in faults]} | dict.fromkeys(_UNKNOWN))
