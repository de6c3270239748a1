"""What tests tell the sandbox: which faults, which time. For clients on this machine only."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from alphaforge.market.sandbox.answers import value_answer
from alphaforge.market.sandbox.broker import broker_of
from alphaforge.market.sandbox.faults import Fault
from alphaforge.market.sandbox.refusal import Refusal
from alphaforge.market.sandbox.text import time_text


class ClockOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to set the clock: its speed, and forward to a moment (epoch seconds) or by a number of seconds."""

    speed: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    advance_to: float | None = None
    advance_by: Annotated[float, Meta(ge=0)] | None = None


async def show_faults(request: Request) -> Response:
    """`GET /sandbox/faults`: the faults with their hits, and counters of what was asked."""
    return value_answer(request, broker_of(request).faults.report())


async def post_faults(request: Request) -> Response:
    """`POST /sandbox/faults`: a fault or a list of them."""
    try:
        posted = msgspec.json.decode(await request.body(), type=list[Fault] | Fault)
    except msgspec.MsgspecError as error:
        raise Refusal(f"No such fault: {error}") from None
    broker_of(request).faults.post(posted if isinstance(posted, list) else [posted])
    return await show_faults(request)


async def delete_faults(request: Request) -> Response:
    """`DELETE /sandbox/faults`: no more faults, and counters at zero."""
    broker_of(request).faults.clear()
    return await show_faults(request)


async def show_clock(request: Request) -> Response:
    """`GET /sandbox/clock`."""
    clock = broker_of(request).market.clock
    now = clock.now()
    return value_answer(request, {"now": now, "time": time_text(now, unix=False), "speed": clock.speed})


async def set_clock(request: Request) -> Response:
    """`POST /sandbox/clock`."""
    try:
        order = msgspec.json.decode(await request.body(), type=ClockOrder)
    except msgspec.MsgspecError as error:
        raise Refusal(f"No such order: {error}") from None
    clock = broker_of(request).market.clock
    if order.speed is not None:
        clock.run_at(order.speed)
    if order.advance_to is not None:
        clock.advance_to(order.advance_to)
    if order.advance_by is not None:
        clock.advance_by(order.advance_by)
    return await show_clock(request)
