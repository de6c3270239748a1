"""The account: one, in dollars, without trades."""

from starlette.requests import Request
from starlette.responses import Response

from alphaforge.market.sandbox.answers import value_answer
from alphaforge.market.sandbox.broker import Broker, broker_of, unix_times
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.refusal import Refusal
from alphaforge.market.sandbox.text import time_text

USUAL_ACCOUNT = "101-001-0000001-001"
_BALANCE = "100000.0000"
_OPENED = 1_704_067_200.0
_LAST_TRANSACTION = "1"


def account_id(request: Request) -> str:
    """The account that a request names; raises Refusal (403) where the broker has another."""
    named: str = request.path_params["account"]
    expected = broker_of(request).account
    if expected is not None and named != expected:
        raise Refusal("The provided request was forbidden.", 403)
    return named


async def accounts(request: Request) -> Response:
    """`GET /v3/accounts`."""
    account = broker_of(request).account or USUAL_ACCOUNT
    return value_answer(request, {"accounts": [{"id": account, "tags": []}]})


async def summary(request: Request) -> Response:
    """`GET /v3/accounts/{account}/summary`."""
    value = _summary(account_id(request), broker_of(request), unix=unix_times(request))
    return value_answer(request, {"account": value, "lastTransactionID": _LAST_TRANSACTION})


async def details(request: Request) -> Response:
    """`GET /v3/accounts/{account}`."""
    value = _summary(account_id(request), broker_of(request), unix=unix_times(request))
    value |= {"orders": [], "positions": [], "trades": []}
    return value_answer(request, {"account": value, "lastTransactionID": _LAST_TRANSACTION})


async def instruments(request: Request) -> Response:
    """`GET /v3/accounts/{account}/instruments`, all or those of the parameter `instruments`."""
    account_id(request)
    broker = broker_of(request)
    asked = request.query_params.get("instruments")
    names = list(broker.market.listings) if asked is None else asked.split(",")
    listed = [_instrument(broker.listing(name, "instruments")) for name in names]
    return value_answer(request, {"instruments": listed, "lastTransactionID": _LAST_TRANSACTION})


def _summary(account: str, broker: Broker, *, unix: bool) -> dict[str, object]:
    zero = "0.0000"
    del broker  # nothing is traded here, so nothing depends on the market
    return {
        "id": account,
        "alias": "Sandbox",
        "currency": "USD",
        "balance": _BALANCE,
        "NAV": _BALANCE,
        "createdByUserID": 1,
        "createdTime": time_text(_OPENED, unix=unix),
        "guaranteedStopLossOrderMode": "DISABLED",
        "pl": zero,
        "resettablePL": zero,
        "financing": zero,
        "commission": zero,
        "marginRate": "0.02",
        "openTradeCount": 0,
        "openPositionCount": 0,
        "pendingOrderCount": 0,
        "hedgingEnabled": False,
        "unrealizedPL": zero,
        "marginUsed": zero,
        "marginAvailable": _BALANCE,
        "positionValue": zero,
        "marginCloseoutUnrealizedPL": zero,
        "marginCloseoutNAV": _BALANCE,
        "marginCloseoutMarginUsed": zero,
        "marginCloseoutPercent": "0.00000",
        "withdrawalLimit": _BALANCE,
        "lastTransactionID": _LAST_TRANSACTION,
    }


def _instrument(listing: Listing) -> dict[str, object]:
    instrument = listing.instrument
    metal = instrument.base in {"XAU", "XAG", "XPT", "XPD"}
    pair = len(instrument.name) == len("EUR_USD")
    return {
        "name": instrument.name,
        "type": "METAL" if metal else "CURRENCY" if pair else "CFD",
        "displayName": instrument.name.replace("_", "/"),
        "pipLocation": instrument.pip_location,
        "displayPrecision": instrument.display_precision,
        "tradeUnitsPrecision": instrument.trade_units_precision,
        "minimumTradeSize": f"{instrument.minimum_trade_size:g}",
        "maximumTrailingStopDistance": "1.00000",
        "minimumTrailingStopDistance": "0.00050",
        "maximumPositionSize": "0",
        "maximumOrderUnits": "100000000",
        "marginRate": "0.05" if metal else "0.02",
        "guaranteedStopLossOrderMode": "DISABLED",
        "tags": [],
    }
