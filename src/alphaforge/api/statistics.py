"""What the figures mean."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.schemas import statistics as shapes
from alphaforge.statistics.definitions import DEFINITIONS

router = APIRouter(tags=["system"])


@router.get("/api/statistics/definitions", summary="What each figure means", response_model=shapes.FigureDefinitions)
async def definitions() -> Response:
    """Unit, formula, what its `n` counts and source of every figure, by section, as docs/statistics.md has them."""
    found = []
    for dotted, definition in DEFINITIONS.items():
        section, _, name = dotted.rpartition(".")
        found.append({"name": name, "section": section, **asdict(definition)})
    return json_answer({"definitions": found, "count": len(found)})
