"""The predecessor's backtests: its requests in whatever spelling they came, run as any other backtest.

What a client sent for numbers is read, what it sent as code is refused: no code of users runs on this server.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import APIRouter, Response

from alphaforge.api.backtest_body import State, backtest_body, state_of
from alphaforge.api.backtests import asked_of, begun, ended, looked_at
from alphaforge.api.encoding import json_answer, stored_time
from alphaforge.api.idempotency import ThisOnce
from alphaforge.api.old_backtest_body import old_results, read_body
from alphaforge.api.parameters import Asked
from alphaforge.api.schemas import backtests as shapes
from alphaforge.core.instruments import Instrument
from alphaforge.storage.backtests import BacktestRepository
from alphaforge.storage.candles import spans_of_all
from alphaforge.storage.job_pieces import unpacked
from alphaforge.workflows.backtest_history import is_simulated

router = APIRouter(tags=["backtests"])

_PATIENCE = 20.0
"""Seconds for which the request waits for its results; later they are fetched."""
_LATER: dict[int | str, dict[str, Any]] = {
    202: {"description": "It takes longer: `report` and `backtest_id` say where its results will be."}
}


@router.get("/api/backtest/symbols", summary="What can be backtested", response_model=shapes.BacktestSymbols)
async def backtest_symbols(services: Asked) -> Response:
    """The instruments that have stored candles, whose those are, from when to when, and how many."""
    async with services.database.read() as connection:
        found = await spans_of_all(connection)
    available = [
        {
            "instrument": name,
            "symbol": Instrument(name).symbol,
            "source": source,
            "simulated": is_simulated(source),
            "first": stored_time(first),
            "last": stored_time(last),
            "candles": count,
        }
        for source, name, first, last, count in found
    ]
    symbols = sorted({Instrument(name).short_symbol for _, name, *_ in found})
    return json_answer({"symbols": symbols, "count": len(symbols), "available": available})


@router.post(
    "/api/backtest/run",
    summary="Run a backtest, as the predecessor was asked",
    response_model=shapes.OldResults,
    responses=_LATER,
)
async def run_backtest(services: Asked, once: ThisOnce, body: shapes.OldBacktest) -> Response:
    """Run a backtest of the strategy with these settings, and wait some seconds for its results.

    Keys may be written in snake or camel case. Strategy source code is refused. POST /api/backtests takes more.
    """
    meant, ignored = read_body(body.model_dump(exclude_unset=True))
    number, _ = await begun(services, once, await asked_of(services, meant), limit=1)
    await ended(services, number, _PATIENCE)
    backtest, work = await looked_at(services, number)
    state, error = state_of(backtest, work)
    answer: dict[str, Any] = {
        "success": state not in (State.FAILED, State.CANCELLED),
        "status": {State.DONE: "completed"}.get(state, str(state)),
        "backtest_id": number,
        "report": f"/api/backtests/{number}/report?format=html",
        "ignored": ignored,
        "error": error,
        "results": None,
        "trades": [],
        "equity_curve": [],
    }
    if state is not State.DONE:
        going_on = state in (State.QUEUED, State.RUNNING)
        status = HTTPStatus.ACCEPTED if going_on else HTTPStatus.OK
        return json_answer(answer | {"progress": backtest_body(backtest, work)["progress"]}, status)
    async with services.database.read() as connection:
        kept = await BacktestRepository(connection).report(number)
    found = await asyncio.to_thread(lambda: old_results(msgspec.json.decode(unpacked(kept or b""))))
    return json_answer(answer | found)
