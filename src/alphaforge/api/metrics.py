"""What is measured: for Prometheus, and the same as JSON."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked
from alphaforge.api.performance import measurements_of, target_bodies
from alphaforge.api.schemas import metrics as shapes
from alphaforge.core.times import rfc3339
from alphaforge.telemetry.exposition import of_each, plain, prometheus_text

router = APIRouter(tags=["system"])


@router.get("/metrics", summary="Every figure, for Prometheus", response_class=PlainTextResponse)
async def prometheus(request: Request, services: Asked) -> Response:
    """Prometheus's text format, or OpenMetrics for those who accept it. Like all else it asks for the key.

    While other processes are not known, only what this one says of itself: a sum that falls would pass for a restart,
    and all that was ever counted for an increase.
    """
    measured = await measurements_of(services).look()
    figures = measured.figures if measured.is_whole else of_each(measured.figures)
    text, kind = await asyncio.to_thread(prometheus_text, figures, request.headers.get("accept", ""))
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
