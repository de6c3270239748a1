"""Prices of now, with their own time, and nothing where there is none."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked, Spelling, known_instrument
from alphaforge.api.schemas import market as shapes
from alphaforge.api.services import MarketFacts, Services
from alphaforge.core.errors import MarketError, NoData
from alphaforge.core.times import rfc3339
from alphaforge.market.freshness import freshness
from alphaforge.market.source import Quote

router = APIRouter(tags=["prices"])


@router.get("/api/prices/live", summary="The newest price of every instrument", response_model=shapes.LivePrices)
async def live_prices(services: Asked) -> Response:
    """The newest quotes of the watched instruments; `missing` names those that have none."""
    watched = list(services.instruments.watched)
    quotes = {quote.instrument: quote for quote in await _quotes(services, watched)}
    market = services.status.market()
    return json_answer(
        {
            "prices": {name: price_body(quotes[name], services, market) for name in watched if name in quotes},
            "missing": [name for name in watched if name not in quotes],
            "timestamp": rfc3339(services.clock.now()),
            "source": market.source,
            "simulated": market.simulated,
        }
    )


@router.get(
    "/api/prices/live/{symbol:path}", summary="The newest price of one instrument", response_model=shapes.LivePrice
)
async def live_price(services: Asked, symbol: Spelling) -> Response:
    """The newest quote. While the market is closed it is the last one, `tradeable` false, with its true time."""
    instrument = known_instrument(services, symbol)
    quotes = await _quotes(services, [instrument.name])
    body = price_body(quotes[0], services, services.status.market())
    return json_answer({"symbol": instrument.short_symbol, "timestamp": body["time"], **body})


def price_body(quote: Quote, services: Services, market: MarketFacts) -> dict[str, object]:
    """A quote as it is told at this moment."""
    fresh = freshness(quote, services.clock, services.instruments.hours(quote.instrument))
    known = services.instruments.known.get(quote.instrument)
    digits = known.display_precision + 1 if known else 10
    return {
        "instrument": quote.instrument,
        "bid": quote.bid,
        "ask": quote.ask,
        "price": round(quote.mid, digits),
        "spread": round(quote.spread, digits),
        "time": rfc3339(quote.time),
        "bid_volume": quote.bid_volume,
        "ask_volume": quote.ask_volume,
        "tradeable": quote.tradeable,
        "age_seconds": round(fresh.age, 3),
        "stale": fresh.stale,
        "source": market.source,
        "simulated": market.simulated,
    }


async def _quotes(services: Services, names: list[str]) -> Sequence[Quote]:
    """At least one quote. Raises NoData where there is none, whatever the market's trouble is."""
    try:
        quotes = await services.prices.quotes(names)
    except MarketError as error:
        raise _no_price(names, error.message, error.advice) from error
    if not quotes:
        raise _no_price(names, services.status.market().problem or "", _ASK_AGAIN)
    return quotes


_ASK_AGAIN = "Ask again in a moment; /health says how the connection to the market is."


def _no_price(names: list[str], why: str, advice: str) -> NoData:
    whose = f" of {names[0]}" if len(names) == 1 else ""
    return NoData(f"There is no price{whose} yet{f': {why}' if why else ''}", advice=advice or _ASK_AGAIN)


@router.get("/api/symbols", summary="The watched symbols", response_model=shapes.Symbols)
async def symbols(services: Asked) -> Response:
    """The watched instruments in the journal's spelling, and by OANDA's names."""
    watched = list(services.instruments.watched)
    short = [name.replace("_", "") for name in watched]
    return json_answer({"symbols": short, "instruments": watched, "count": len(short)})
