"""The desk asked to evaluate now, and what its evaluations add up to."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from alphaforge.api.encoding import json_answer, machine_now
from alphaforge.api.evaluations import evaluation_result
from alphaforge.api.idempotency import ThisOnce
from alphaforge.api.parameters import Asked, Spelling, watched_instrument
from alphaforge.api.results import KellyFigures, ScanResult
from alphaforge.api.schemas import enhanced as shapes
from alphaforge.api.services import Services
from alphaforge.core.times import rfc3339
from alphaforge.signals.model import FilterName
from alphaforge.storage.connection import AsyncConnection

router = APIRouter(tags=["evaluation"])

_STATISTICS_DAYS = 30
_STRATEGY = "AlphaForge voting-v3"
_VERSION = "3.0"


@router.post("/api/signals/generate", summary="Evaluate every instrument now", response_model=shapes.Generated)
async def generate(services: Asked, once: ThisOnce) -> Response:
    """Evaluate the newest closed candles; a signal is stored where every filter passes."""

    async def work() -> Response:
        return _generated(services, await services.desk.scan())

    return await once.after(work)


@router.post(
    "/api/signals/generate/{instrument:path}", summary="Evaluate one instrument now", response_model=shapes.Generated
)
async def generate_one(services: Asked, once: ThisOnce, instrument: Spelling) -> Response:
    """Evaluate the newest closed candles of one instrument."""
    name = watched_instrument(services, instrument)

    async def work() -> Response:
        return _generated(services, await services.desk.scan([name]))

    return await once.after(work)


def _generated(services: Services, results: Sequence[ScanResult]) -> Response:
    made = sum(result.signal_id is not None for result in results)
    moment = rfc3339(services.clock.now())
    return json_answer(
        {
            "status": "success" if made else "no_signals",
            "signals_generated": made,
            "results": [
                {"instrument": result.instrument, "timestamp": moment, **evaluation_result(result)}
                for result in results
            ],
            "message": f"Generated {made} of {len(results)} signals",
        }
    )


@router.post(
    "/api/signals/enhanced/generate", summary="Evaluate every instrument now, in detail", response_model=shapes.Enhanced
)
async def enhanced_generate(services: Asked, once: ThisOnce) -> Response:
    """Evaluate the newest closed candles; each result carries its reason, its failed filters and what was nearest."""

    async def work() -> Response:
        return json_answer(await _enhanced(services, await services.desk.scan()))

    return await once.after(work)


@router.post(
    "/api/signals/enhanced/generate/{pair:path}",
    summary="Evaluate one instrument now, in detail",
    response_model=shapes.EnhancedPair,
)
async def enhanced_generate_one(services: Asked, once: ThisOnce, pair: Spelling) -> Response:
    """The same for one instrument; its result lies at the top as well."""
    name = watched_instrument(services, pair)

    async def work() -> Response:
        results = await services.desk.scan([name])
        return json_answer(await _enhanced(services, results) | _pair_result(results[0]))

    return await once.after(work)


async def _enhanced(services: Services, results: Sequence[ScanResult]) -> dict[str, object]:
    made = sum(result.signal_id is not None for result in results)
    return {
        "status": "success",
        "signals_generated": made,
        "results": [_pair_result(result) for result in results],
        "statistics": await _statistics(services),
        "message": f"Enhanced strategy generated {made}/{len(results)} signals",
    }


def _pair_result(result: ScanResult) -> dict[str, object]:
    return {"pair": result.instrument, **evaluation_result(result)}


@router.get(
    "/api/signals/enhanced/statistics",
    summary="What the evaluations add up to",
    response_model=shapes.EnhancedStatistics,
)
async def enhanced_statistics(services: Asked) -> Response:
    """Counts over the evaluations stored in the last 30 days, and what sizing makes of all stored results."""
    return json_answer({"status": "success", "statistics": await _statistics(services), "timestamp": machine_now()})


async def _statistics(services: Services) -> dict[str, object]:
    counts = await services.evaluations.since(services.clock.now() - _STATISTICS_DAYS * 86_400)
    return {
        "strategy": _counts(counts.signals, counts.reasons),
        "kelly_criterion": kelly_body(await services.desk.kelly()),
        "regime_detection": _regimes(services, counts.regimes),
    }


def _counts(tradeable: int, reasons: Mapping[str, int]) -> dict[str, object]:
    total = tradeable + sum(reasons.values())
    return {
        "name": _STRATEGY,
        "version": _VERSION,
        "window_days": _STATISTICS_DAYS,
        "total_signals": total,
        "tradeable_signals": tradeable,
        "filter_efficiency": f"{100 * tradeable / total if total else 0:.1f}%",
        "regime_filtered": reasons.get(FilterName.REGIME, 0),
        "confidence_filtered": reasons.get(FilterName.STRENGTH, 0),
        "agreement_filtered": reasons.get(FilterName.AGREEMENT, 0),
        "filtered_by": dict(reasons),
    }


def _regimes(services: Services, distribution: Mapping[str, int]) -> dict[str, object]:
    """The newest regime of each instrument. It is a rule's answer, hence certain where there is one."""
    decisions = {
        name: result.decision
        for name in services.instruments.watched
        if (result := services.strategy.last_results.get(name)) is not None and result.decision is not None
    }
    newest = max(decisions.values(), key=lambda decision: decision.candle_time, default=None)
    return {
        "current_regime": newest.regime.value if newest else None,
        "confidence": 1.0 if newest else 0.0,
        "regimes": {name: decision.regime.value for name, decision in decisions.items()},
        "regime_distribution": dict(distribution),
    }


def kelly_body(figures: KellyFigures) -> dict[str, object]:
    """Sizing figures under the predecessor's keys."""
    return {
        "win_rate": figures.win_rate,
        "avg_win": figures.avg_win,
        "avg_loss": figures.avg_loss,
        "win_loss_ratio": figures.win_loss_ratio,
        "recommended_risk": figures.recommended_risk,
        "trade_count": figures.trade_count,
    }


@router.post(
    "/api/signals/enhanced/trade-result", summary="Report a result of your own", response_model=shapes.TradeResult
)
async def trade_result(
    services: Asked,
    once: ThisOnce,
    pair: Annotated[str, Query(max_length=40, description="The instrument, in any spelling.", examples=["GBP_USD"])],
    profit_loss: Annotated[float, Query(gt=-1e12, lt=1e12, allow_inf_nan=False, description="In account currency.")],
    risk: Annotated[
        float, Query(gt=0, lt=1e12, allow_inf_nan=False, description="What was at risk, the same currency.")
    ],
) -> Response:
    """Store a trader's own result: it counts for sizing like the desk's settled signals."""
    name = watched_instrument(services, pair)

    async def work(connection: AsyncConnection) -> Response:
        figures = await services.desk.record_trade_result(connection, name, profit_loss, risk)
        return json_answer(
            {
                "status": "success",
                "pair": name,
                "profit_loss": profit_loss,
                "risk": risk,
                "kelly_stats": kelly_body(figures),
                "message": f"Kelly Criterion updated for {name}",
            }
        )

    return await once.write("trade_results", work)
