"""Prices of now, on request."""

import asyncio
import math

from starlette.requests import Request
from starlette.responses import Response

from alphaforge.core.errors import InvalidInput
from alphaforge.market.sandbox.accounts import account_id
from alphaforge.market.sandbox.answers import value_answer
from alphaforge.market.sandbox.bars import Ticks
from alphaforge.market.sandbox.broker import Broker, broker_of, struck, unix_times
from alphaforge.market.sandbox.faults import FaultKind
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.queries import moment_of
from alphaforge.market.sandbox.refusal import Refusal
from alphaforge.market.sandbox.text import price_text, time_text

_LIQUIDITY = 1_000_000


async def pricing(request: Request) -> Response:
    """`GET /v3/accounts/{account}/pricing`: the newest price of each instrument that has one, newer than `since`."""
    account_id(request)
    broker, unix = broker_of(request), unix_times(request)
    listings = asked_listings(request, broker)
    since = _since(request)
    now = broker.market.clock.now()
    prices = []
    for listing in listings:
        await asyncio.sleep(0)  # a quote may need a day of prices to be made: others get their turn in between
        newest = broker.market.quote(listing.instrument.name, now)
        if len(newest) and newest.time[0] > since:
            message = price_message(broker, listing, newest, now, unix=unix)
            prices.append(message | _spoiled(request))
    return value_answer(request, {"prices": prices, "time": time_text(now, unix=unix)})


def asked_listings(request: Request, broker: Broker) -> list[Listing]:
    """The listings of the parameter `instruments`, each once, in its order."""
    asked = request.query_params.get("instruments")
    if not asked:
        raise Refusal("Missing required parameter 'instruments'")
    return [broker.listing(name, "instruments") for name in dict.fromkeys(asked.split(","))]


def price_message(broker: Broker, listing: Listing, newest: Ticks, now: float, *, unix: bool) -> dict[str, object]:
    """The newest price as OANDA writes it. `newest`: one tick. `now`: decides whether it is tradeable."""
    precision = listing.instrument.display_precision
    bid, ask = (price_text(int(newest.prices[side, 0]), precision) for side in (1, 2))
    tradeable = broker.market.hours(listing.instrument.name).is_open(now)
    return {
        "type": "PRICE",
        "time": time_text(float(newest.time[0]), unix=unix),
        "bids": [{"price": bid, "liquidity": _LIQUIDITY}],
        "asks": [{"price": ask, "liquidity": _LIQUIDITY}],
        "closeoutBid": bid,
        "closeoutAsk": ask,
        "status": "tradeable" if tradeable else "non-tradeable",
        "tradeable": tradeable,
        "instrument": listing.instrument.name,
    }


def nan_prices() -> dict[str, object]:
    """What spoils a price message with prices that are no numbers."""
    nothing = [{"price": "NaN", "liquidity": _LIQUIDITY}]
    return {"bids": nothing, "asks": nothing, "closeoutBid": "NaN", "closeoutAsk": "NaN"}


def _spoiled(request: Request) -> dict[str, object]:
    fault = struck(request, FaultKind.NAN_PRICE, FaultKind.EMPTY_BOOK)
    if fault is None:
        return {}
    return nan_prices() if fault.kind is FaultKind.NAN_PRICE else {"bids": [], "asks": []}


def _since(request: Request) -> float:
    text = request.query_params.get("since")
    try:
        return -math.inf if text is None else moment_of(text)
    except InvalidInput:
        raise Refusal("Invalid value specified for 'since'") from None
