"""A real server over a real database, and its stream."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from alphaforge.api.app import create_app, serve
from alphaforge.api.patience import Patience
from alphaforge.api.services import ApiOptions, Services
from alphaforge.market.price_feed import FeedState, FeedStatus
from alphaforge.market.source import Quote
from alphaforge.storage.engine import Database
from alphaforge.streaming import open_stream
from connections import serving
from doors import services_of

CALM = Patience(head=30, reading=30, look=0.02)
OPTIONS = ApiOptions()


@dataclass
class FakeFeed:
    """Prices that come when a test says so."""

    state: FeedState = FeedState.STREAMING
    listeners: list[Callable[[Quote], None]] = field(default_factory=list)

    @property
    def status(self) -> FeedStatus:
        return FeedStatus(self.state, 0.0, "", 0, None, None, False, True, None, False)

    def subscribe(self, listener: Callable[[Quote], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def quote(self, bid: float, name: str = "GBP_USD") -> None:
        for listener in self.listeners:
            listener(Quote(name, 1_772_532_000.0 + bid, bid, bid + 0.0001, 1, 1, tradeable=True))


@dataclass(frozen=True)
class Desk:
    """A server of one process."""

    services: Services
    feed: FakeFeed
    port: int
    server: Any


_application: list[FastAPI] = []


def application(services: Services, options: ApiOptions) -> FastAPI:
    """The application, its routes put together once."""
    if not _application:
        _application.append(create_app(services, options))
    serve(_application[0], services, options)
    return _application[0]


@asynccontextmanager
async def open_desk(
    database: Database, options: ApiOptions = OPTIONS, patience: Patience = CALM, app: Any = application
) -> AsyncIterator[Desk]:
    services, feed = services_of(database), FakeFeed()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_stream(services, feed))  # type: ignore[arg-type] - what it needs of one
        port, server = await stack.enter_async_context(serving(app(services, options), patience))
        stack.callback(services.stream.end)
        yield Desk(services, feed, port, server)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with open_desk(database) as opened:
        yield opened
