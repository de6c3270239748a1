"""Signals: making them, settling them, and telling what became of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException

from alphaforge.api.encoding import json_answer
from alphaforge.api.idempotency import Once, ThisOnce
from alphaforge.api.parameters import Asked, Id, clean_text
from alphaforge.api.results import Settlement
from alphaforge.api.schemas import signals as shapes
from alphaforge.api.services import MarketFacts, Services
from alphaforge.api.signal_body import Row, signal_body
from alphaforge.core.errors import NotFound
from alphaforge.core.instruments import Instrument
from alphaforge.signals.model import Status
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.signals import NewSignal, SignalRepository

router = APIRouter(tags=["signals"])

_OF_A_NEW_ONE = set(shapes.SignalBody.model_fields) - {"symbol"}
_ACCEPTED = ("WON", "LOST", "EXPIRED", "PENDING", "ACTIVE", "CLOSED", "CANCELLED")


@router.post("/api/signals", summary="Make a signal by hand", response_model=shapes.CreatedSignal)
async def create_signal(services: Asked, once: ThisOnce, body: shapes.SignalBody) -> Response:
    """Store a signal with status PENDING; it is followed to its outcome like the desk's own."""
    return await _create(services, once, body, "Signal created")


@router.post("/api/signals/create", summary="The same, by its older path", response_model=shapes.CreatedSignal)
async def create_signal_as_before(services: Asked, once: ThisOnce, body: shapes.SignalBody) -> Response:
    """Store a signal with status PENDING."""
    return await _create(services, once, body, "Signal created successfully")


async def _create(services: Services, once: Once, body: shapes.SignalBody, message: str) -> Response:
    new = new_signal(body, services.status.market(), services.clock.now())

    async def work(connection: AsyncConnection) -> Response:
        repository = SignalRepository(connection)
        signal = signal_body(_there(await repository.get(await repository.create(new))))
        return json_answer({"success": True, "status": "success", "message": message, "signal": signal})

    return await once.write("trading_signals", work)


def new_signal(body: shapes.SignalBody, market: MarketFacts, at: float) -> NewSignal:
    """A signal made by hand at a market and a moment."""
    reward = abs(body.tp1 - body.entry) / abs(body.entry - body.stop_loss)
    return NewSignal(
        instrument=body.symbol,
        rr_ratio=f"1:{reward:.1f}" if reward < 10_000 else None,  # noqa: PLR2004 - the column holds ten characters
        created_at=at,
        source=market.source,
        simulated=market.simulated,
        **body.model_dump(include=_OF_A_NEW_ONE),
    )


def _there(row: Row | None) -> Row:
    if row is None:
        message = "Signal not found"
        raise NotFound(message)
    return row


@router.put("/api/signals/{signal_id}/status", summary="Say what became of a signal", response_model=shapes.OneSignal)
async def set_signal_status(
    services: Asked,
    signal_id: Id,
    status: Annotated[
        str, Query(max_length=40, description="One of WON, LOST, EXPIRED, PENDING, ACTIVE, CLOSED, CANCELLED.")
    ],
    exit_price: Annotated[
        float | None, Query(gt=0, lt=1e12, allow_inf_nan=False, description="Where it left the market.")
    ] = None,
) -> Response:
    """Set a signal's status; one that ends it sets its exit time as well."""
    word = clean_text(status).strip().upper()
    if word not in _ACCEPTED:
        raise HTTPException(400, f"Invalid status: {status}. Valid: {list(_ACCEPTED)}")
    async with services.database.write("trading_signals") as connection:
        repository = SignalRepository(connection)
        await repository.set_status(signal_id, Status(word), exit_price=exit_price, at=services.clock.now())
        row = _there(await repository.get(signal_id))
    return json_answer({"success": True, "signal": signal_body(row)})


@router.post("/api/signals/check-outcomes", summary="Settle open signals now", response_model=shapes.CheckedOutcomes)
async def check_outcomes(services: Asked) -> Response:
    """Hold every open signal, the predecessor's too, against the candles and store what has ended."""
    settlements = await services.desk.settle(own_only=False)
    ended = [one for one in settlements if one.status not in (Status.PENDING, Status.ACTIVE)]
    results = {
        "checked": len(settlements),
        "won": sum(one.status is Status.WON for one in ended),
        "lost": sum(one.status is Status.LOST for one in ended),
        "expired": sum(one.status is Status.EXPIRED for one in ended),
        "details": [_detail(one) for one in ended],
    }
    return json_answer({"success": True, "results": results})


def _detail(one: Settlement) -> dict[str, object]:
    return {
        "id": one.signal_id,
        "symbol": Instrument(one.instrument).symbol,
        "instrument": one.instrument,
        "status": one.status.value,
        "exit_price": one.exit_price,
        "reason": one.reason,
    }
