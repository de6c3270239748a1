"""What is measured: for Prometheus, and the same as JSON."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked
from alphaforge.api.performance import measurements_of, target_bodies
from alphaforge.api.schemas import metrics as shapes
from alphaforge.core.times import rfc3339
from alphaforge.telemetry.exposition import plain, prometheus_text

router = APIRouter(tags=["system"])


@router.get("/metrics", summary="Every figure, for Prometheus", response_class=PlainTextResponse)
async def prometheus(request: Request, services: Asked) -> Response:
    """Prometheus's text format, or OpenMetrics for those who accept it. Like all else it asks for the key."""
    measured = await measurements_of(services).look()
    accept = request.headers.get("accept", "")
    text, kind = await asyncio.to_thread(prometheus_text, measured.figures, accept)
    return Response(text, headers={"Content-Type": kind})


@router.get("/api/metrics", summary="Every figure", response_model=shapes.Metrics)
async def metrics(services: Asked) -> Response:
    """The same as JSON, of histograms the quantiles."""
    measurements = measurements_of(services)
    measured, targets = await measurements.look(), await target_bodies(measurements)
    return json_answer(
        {
            "at": rfc3339(measured.figures.at),
            "processes": measured.processes,
            "problem": measured.problem,
            "targets": targets,
            "metrics": plain(measured.figures),
        }
    )
