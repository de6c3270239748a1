"""What signals were worth: the settled ones in figures, calibrated, and beside what was made of them."""

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked, From, Text, To
from alphaforge.api.schemas import track_record as shapes
from alphaforge.api.signals import filtered_instrument
from alphaforge.api.track_record_body import record_body
from alphaforge.core.errors import InvalidInput
from alphaforge.storage.signal_results import Maker, Whose, read_results

router = APIRouter(tags=["signals"])

InstrumentFilter = Annotated[str | None, Query(max_length=40, description="In any spelling.", examples=["GBPUSD"])]
StrategyFilter = Annotated[
    Text | None,
    Query(max_length=40, description="A strategy by its name; `manual`: made by hand.", examples=["voting-v3"]),
]
SourceFilter = Annotated[
    Text | None,
    Query(
        max_length=40,
        description="Whose market, by default the desk's; `predecessor`: the signals that it left.",
        examples=["oanda-practice"],
    ),
]
SimulatedFilter = Annotated[bool | None, Query(description="Only signals on invented prices, or only on real ones.")]


@router.get("/api/signals/track-record", summary="What signals were worth", response_model=shapes.TrackRecord)
async def track_record(
    services: Asked,
    *,
    instrument: InstrumentFilter = None,
    strategy: StrategyFilter = None,
    source: SourceFilter = None,
    start: From = None,
    end: To = None,
    simulated: SimulatedFilter = None,
) -> Response:
    """The settled signals of one market, in R: every figure with its N, and its interval where it has one.

    By default those of the desk's strategy on the desk's market, as candles settled them. `left_out` counts the
    others and says how to see them.
    """
    if start is not None and end is not None and start >= end:
        raise InvalidInput("from does not lie before to", advice="`to` itself is not included.")
    market = services.status.market()
    whose = replace(
        _whose(source, strategy, market.source),
        instrument=filtered_instrument(instrument),
        simulated=simulated,
        start=start,
        end=end,
    )
    async with services.database.read() as connection:
        found = await read_results(connection, whose)
    invented = market.simulated if whose.source == market.source else None
    # ten thousand signals in their parts take a tenth of a second
    return await asyncio.to_thread(lambda: json_answer(record_body(whose, *found.columns(), simulated=invented)))


def _whose(source: str | None, strategy: str | None, own: str) -> Whose:
    if source == Maker.PREDECESSOR:
        if strategy is not None:
            raise InvalidInput("The predecessor's signals name no strategy", advice="Ask without `strategy`.")
        return Whose(Maker.PREDECESSOR)
    if strategy == Maker.HAND:
        return Whose(Maker.HAND, source or own)
    return Whose(Maker.STRATEGY, source or own, strategy)
