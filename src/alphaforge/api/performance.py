"""The service's own targets with what was measured, their history, and what took long."""

import asyncio
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.measurements import Measurements
from alphaforge.api.parameters import Asked
from alphaforge.api.schemas import performance as shapes
from alphaforge.api.services import Services
from alphaforge.core.distribution import Distribution
from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.core.times import rfc3339
from alphaforge.telemetry.endpoints import Answers, Endpoint, endpoints
from alphaforge.telemetry.minutes import ERRORS, KEPT_MINUTES, MINUTE, OANDA, REQUESTS, SHED, Minute
from alphaforge.telemetry.targets import (
    CACHE_HIT_RATE,
    MILLISECONDS,
    Claim,
    Indicator,
    Status,
    Values,
    fares,
    indicators,
    statistics,
)

router = APIRouter(tags=["system"])

WINDOW = 900
_HOUR = 3_600
_DAY = KEPT_MINUTES * MINUTE
_DIGITS = 6

Window = Annotated[int, Query(ge=MINUTE, le=_DAY, description="Seconds up to now, in whole minutes.")]
Hours = Annotated[int, Query(ge=1, le=_DAY // _HOUR, description="How far back.")]
Step = Annotated[int, Query(ge=MINUTE, le=_DAY, description="Seconds of a point; a multiple of 60.")]
Most = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]


@router.get("/api/performance", summary="The service's targets, and how it fares", response_model=shapes.Performance)
async def performance(services: Asked, window: Window = WINDOW) -> Response:
    """The plan's five indicators and its endpoints over the last minutes, of all processes of the desk."""
    measurements, now = measurements_of(services), time.time()
    minutes, problem = await measurements.minutes(_begin(now, window))
    found = await asyncio.to_thread(_figures, minutes, now)  # a day's minutes are a fifth of a second's work
    body = {"window_seconds": window, **found, "processes": measurements.processes, "problem": problem}
    return json_answer(body)


@router.get("/api/performance/history", summary="The same over the last hours", response_model=shapes.History)
async def history(services: Asked, hours: Hours = 24, step: Step = MINUTE) -> Response:
    """What each step measured, oldest first; kept for 24 hours."""
    if step % MINUTE:
        raise InvalidInput("step must be a multiple of 60 seconds", advice="What is measured is kept by the minute.")
    measurements, now = measurements_of(services), time.time()
    minutes, problem = await measurements.minutes(_begin(now, hours * _HOUR))
    points = await asyncio.to_thread(_points, minutes, step, now)
    body = {"hours": hours, "step_seconds": step, "points": points, "count": len(points)}
    return json_answer(body | {"processes": measurements.processes, "problem": problem})


@router.get("/api/performance/slow", summary="What took long lately", response_model=shapes.SlowOnes)
async def slow(services: Asked, limit: Most = 100) -> Response:
    """Requests beyond SLOW_REQUEST_MS and queries beyond SLOW_QUERY_MS, newest first: those of this process."""
    measurements_of(services)
    known = [*services.slow.entries, *services.database.figures.slow.entries]
    newest = sorted(known, key=lambda one: one.at, reverse=True)[:limit]
    found = [
        {
            "at": rfc3339(one.at),
            "kind": one.kind,
            "name": one.name,
            "ms": round(one.seconds * 1e3, 3),
            "status": one.status,
            "trace": one.trace,
            "detail": one.detail,
        }
        for one in newest
    ]
    return json_answer({"slow": found, "count": len(found), "scope": "process"})


async def target_bodies(measurements: Measurements, window: int = WINDOW) -> list[dict[str, Any]]:
    """The indicators with their targets over the last seconds, as /api/performance has them."""
    minutes, _ = await measurements.minutes(_begin(time.time(), window))
    return await asyncio.to_thread(lambda: [_indicator_body(one) for one in indicators(minutes)])


def measurements_of(services: Services) -> Measurements:
    """What is measured; NotFound where nothing is."""
    if services.measurements is None:
        advice = "Set ENABLE_METRICS=true and restart."
        raise NotFound("Nothing is measured here: ENABLE_METRICS is false", advice=advice)
    return services.measurements


def _begin(now: float, seconds: int) -> int:
    """The start of the first minute of so many seconds, of which the minute under way is the last."""
    return (int(now) // MINUTE + 1) * MINUTE - max(MINUTE, seconds // MINUTE * MINUTE)


def _figures(minutes: Sequence[Minute], now: float) -> dict[str, Any]:
    return {
        "since": rfc3339(minutes[0].at) if minutes else None,
        "timestamp": rfc3339(now),
        **_counts(minutes, now),
        "indicators": [_indicator_body(one) for one in indicators(minutes)],
        "endpoints": [_endpoint_body(one) for one in endpoints(minutes)],
    }


def _points(minutes: Sequence[Minute], step: int, now: float) -> list[dict[str, Any]]:
    return [_point(at, list(some), now) for at, some in groupby(minutes, lambda one: one.at // step * step)]


def _point(at: int, minutes: list[Minute], now: float) -> dict[str, Any]:
    found = indicators(minutes)
    values = {one.target.name: _rounded(one.value) for one in found}
    times = {one.target.name: _rounded_all(one.values) for one in found if one.target.unit == MILLISECONDS}
    times["oanda_time"] = _rounded_all(statistics(_together(OANDA, minutes), MILLISECONDS))
    rate = values[CACHE_HIT_RATE.name]
    return {"at": rfc3339(at), **_counts(minutes, now), "cache_hit_rate": rate, "values": values, "times": times}


def _together(name: str, minutes: Sequence[Minute]) -> Distribution:
    """One spread of several minutes as one."""
    made = Distribution()
    for one in minutes:
        if name in one.spreads:
            made.merge(one.spreads[name])
    return made


def _counts(minutes: Sequence[Minute], now: float) -> dict[str, Any]:
    """Counts, and the seconds in which they were counted: of the minute under way only those that are over."""
    counted = {name: int(sum(one.counts.get(name, 0) for one in minutes)) for name in (REQUESTS, ERRORS, SHED)}
    seconds = sum(min(MINUTE, max(0.0, now - one.at)) for one in minutes)
    per_second = counted[REQUESTS] / seconds if seconds else None
    return {**counted, "requests_per_second": _rounded(per_second), "measured_seconds": round(seconds, 3)}


def _indicator_body(one: Indicator) -> dict[str, Any]:
    target = one.target
    return {
        "name": target.name,
        "means": target.means,
        "unit": target.unit,
        "status": one.status,
        "statistic": target.claims[0].statistic,
        "value": _rounded(one.value),
        "target": [_claim_body(claim, one.status_of(claim)) for claim in target.claims],
        "plan": _claim_body(target.plan, one.plan_status),
        **_rounded_all(one.values),
        "count": one.count,
    }


def _claim_body(claim: Claim, status: Status) -> dict[str, Any]:
    return {
        "statistic": claim.statistic,
        "at_most": None if claim.at_least else claim.limit,
        "at_least": claim.limit if claim.at_least else None,
        "status": status,
    }


def _endpoint_body(one: Endpoint) -> dict[str, Any]:
    return {
        "path": one.target.path,
        "method": one.method,
        "requests": one.requests,
        "errors": one.errors,
        "from_memory": _rounded(one.from_memory),
        "cached": _times_body(one.cached),
        "uncached": _times_body(one.uncached),
        "plan_ms": one.target.plan,
        "of": one.target.says,
        "oanda_mean_ms": _rounded(one.oanda_mean),
    }


def _times_body(answers: Answers) -> dict[str, Any]:
    claim = answers.claim
    target = None if claim is None else _claim_body(claim, fares(claim, answers.values))
    return {"count": answers.count, **_rounded_all(answers.values), "target": target}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _rounded_all(values: Values) -> dict[str, float | None]:
    return {name: _rounded(value) for name, value in values.items()}
