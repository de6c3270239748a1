"""Sandboxes that tests talk to over HTTP, at a moment where their clocks stand still."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import RunningSandbox, serve_sandbox

NOW = parse_rfc3339("2025-07-10T14:22:13.7Z")
NAMES = ("GBP_USD", "XAU_USD", "USD_JPY")
ACCOUNT = "101-001-0000001-001"
CANDLES = "/v3/instruments/GBP_USD/candles"
PRICING = f"/v3/accounts/{ACCOUNT}/pricing"
STREAM = f"{PRICING}/stream"
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is encrypted, and reading the usual certificates takes a third of a second."""


@asynccontextmanager
async def sandbox(**options: Any) -> AsyncIterator[RunningSandbox]:
    """A sandbox with its clock standing at NOW; streams beat every 20 ms and look for prices every 5 ms."""
    clock = SandboxClock(options.pop("start", NOW), options.pop("speed", 0.0))
    market = options.pop("market", None) or SimulatedMarket(options.pop("seed", 7), NAMES, clock)
    running = await serve_sandbox(market, **{"heartbeat": 0.02, "price_interval": 0.005} | options)
    try:
        yield running
    finally:
        await running.aclose()


def client_of(running: RunningSandbox, **options: Any) -> httpx2.AsyncClient:
    """A client with a token, unless `headers` say otherwise."""
    headers = options.pop("headers", {"authorization": "Bearer any"})
    return httpx2.AsyncClient(
        base_url=running.url, headers=headers, timeout=10, trust_env=False, verify=_NO_CERTIFICATES, **options
    )
