"""A desk at a sandbox whose time a test moves, behind the real interface; everything in one process."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import httpx2
from fastapi import FastAPI

from alphaforge.api.app import create_app
from alphaforge.core.candles import CandleSeries
from alphaforge.core.clock import MarketClock
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import parse_rfc3339
from alphaforge.desk_services import desk_services
from alphaforge.market.oanda import CallLimits, OandaAccess, OandaClient
from alphaforge.market.oanda.breaker import BreakerSettings, CircuitBreaker
from alphaforge.market.price_feed import FeedSettings, PriceFeed
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import RunningSandbox
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.engine import Database
from alphaforge.tasks.alert_delivery import AlertDelivery
from alphaforge.tasks.alerts import Alerts
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.open_market import open_market
from api_bench import idle_board
from desks import desk_of
from sandbox_servers import client_of, sandbox

GBP = "GBP_USD"
M5 = Granularity.M5.seconds
BOUNDARY = int(parse_rfc3339("2025-07-08T10:00:00Z"))
"""A Tuesday morning in London: candles are there without a gap."""

PATIENT = CallLimits(budget=60.0, attempts=2, read=30.0, pause=0.001, longest_pause=0.002, jitter=0.0, rate_pause=0.001)

_QUICK = FeedSettings(pause=0.01, longest_pause=0.02, mute_after=0.5, poll_every=0.01, refused_pause=0.01)


@dataclass
class Room:
    """A desk behind its interface, and the means to spoil its market. `passed`: the jumps of its market's time."""

    sandbox: RunningSandbox
    clock: SandboxClock
    client: OandaClient
    desk: Desk
    strategy: Strategy
    feed: PriceFeed
    control: httpx2.AsyncClient
    api: httpx2.AsyncClient
    passed: list[float]

    async def fault(self, kind: str, **how: Any) -> None:
        answer = await self.control.post("/sandbox/faults", json={"kind": kind} | how)
        assert answer.status_code == 200, answer.text

    async def heal(self) -> None:
        assert (await self.control.delete("/sandbox/faults")).status_code == 200

    async def pass_time(self, seconds: float = M5) -> None:
        """Let the market's time pass; the desk's clock runs on by itself, as it would have in that time."""
        answer = await self.control.post("/sandbox/clock", json={"advance_by": seconds})
        assert answer.status_code == 200, answer.text
        self.client.clock.observe(answer.json()["now"])
        self.passed.append(seconds)

    def limit(self, limits: CallLimits) -> None:
        self.client._caller = replace(self.client._caller, limits=limits)

    async def truth(self, start: int) -> CandleSeries:
        """The source's closed candles from `start` on."""
        page = await self.client.candles(GBP, Granularity.M5, start=start, count=100)
        return page.closed

    async def kept(self, start: int) -> CandleSeries:
        """The desk's stored candles from `start` on."""
        return await CandleStore(self.desk.database, self.desk.source.name).between(GBP, start, 4e9)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        async with self.desk.database.read() as connection:
            found = await connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608 - a name of ours
            return [dict(row) for row in found.mappings()]

    async def evaluated(self) -> list[int]:
        """The candles that became a signal or a rejection, oldest first; twice where there are two rows."""
        stored = [*await self.rows("trading_signals"), *await self.rows("rejections")]
        identities = sorted(row["candle_time"] for row in await self.rows("evaluations"))
        times = sorted(row["candle_time"] for row in stored)
        assert times == identities
        return times


_market = SimulatedMarket(7, (GBP,))
_application: list[FastAPI] = []


@asynccontextmanager
async def room_at(database_url: str, moment: float = BOUNDARY + 5.0, **options: Any) -> AsyncIterator[Room]:
    """A room in which the market was opened. The market's days are made once for all tests; each has its clock."""
    clock = _market.clock = SandboxClock(moment)
    database = await Database.open(database_url)
    async with sandbox(market=_market) as running, client_of(running) as control:
        breaker = CircuitBreaker(BreakerSettings(jitter=0.0), now=clock.now, random=Random(1))
        access = OandaAccess.of("practice", "any", api_url=running.url)
        client = OandaClient(access, MarketClock(), limits=PATIENT, breaker=breaker, silence=options.get("silence", 10))
        desk = desk_of(database, client, (GBP,))
        strategy = Strategy(desk)
        passed: list[float] = []
        feed = PriceFeed(client, desk.names, _QUICK, now=lambda: time.monotonic() + sum(passed))
        delivery = AlertDelivery(database, Alerts(()), None)
        services = desk_services(
            strategy, Watchlist(desk), feed, idle_board(database), delivery, gemini_configured=False
        )
        if not _application:
            _application.append(create_app(services))
        _application[0].state.services = services
        try:
            await client.connect()
            await open_market(desk)
            transport = httpx2.ASGITransport(app=_application[0])
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as api:
                yield Room(running, clock, client, desk, strategy, feed, control, api, passed)
        finally:
            await client.aclose()
            await database.close()
