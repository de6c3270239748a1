"""What is measured: for Prometheus, and the same as JSON."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked
from alphaforge.api.schemas import metrics as shapes
from alphaforge.api.services import Measured, Services
from alphaforge.core.errors import NotFound
from alphaforge.core.times import rfc3339
from alphaforge.telemetry.exposition import plain, prometheus_text

router = APIRouter(tags=["system"])


@router.get("/metrics", summary="Every figure, for Prometheus", response_class=PlainTextResponse)
async def prometheus(request: Request, services: Asked) -> Response:
    """Prometheus's text format, or OpenMetrics for those who accept it. Like all else it asks for the key."""
    measured = await _measured(services)
    accept = request.headers.get("accept", "")
    text, kind = await asyncio.to_thread(prometheus_text, measured.figures, accept)
    return Response(text, headers={"Content-Type": kind})


@router.get("/api/metrics", summary="Every figure", response_model=shapes.Metrics)
async def metrics(services: Asked) -> Response:
    """The same as JSON, of histograms the quantiles."""
    measured = await _measured(services)
    return json_answer(
        {
            "at": rfc3339(measured.figures.at),
            "processes": measured.processes,
            "metrics": plain(measured.figures),
        }
    )


async def _measured(services: Services) -> Measured:
    if services.metrics is None:
        raise NotFound("Nothing is measured: ENABLE_METRICS is false", advice="Set ENABLE_METRICS=true and restart.")
    return await services.metrics.look()
