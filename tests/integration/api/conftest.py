"""The application over a real database."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from alphaforge.api.app import create_app, serve
from alphaforge.api.services import ApiOptions, Services
from alphaforge.measuring import Measuring, measure_interface
from alphaforge.storage.engine import Database
from alphaforge.storage.evaluation_counts import EvaluationTally
from alphaforge.storage.journal_days import JournalDays
from api_bench import Bench, FakeAlerts, FakeClock, FakeDesk, FakeMarket, FakeStrategy, idle_board


@pytest.fixture
def options() -> ApiOptions:
    return ApiOptions()


_applications: dict[ApiOptions, FastAPI] = {}


def application(services: Services, options: ApiOptions) -> FastAPI:
    """The application of these options, its routes put together once."""
    if options not in _applications:
        _applications[options] = create_app(services, options)
    else:
        serve(_applications[options], services, options)
    return _applications[options]


@pytest.fixture
async def bench(database: Database, options: ApiOptions) -> AsyncIterator[Bench]:
    clock, desk, strategy, market = FakeClock(), FakeDesk(), FakeStrategy(), FakeMarket()
    tally, board = EvaluationTally(database), idle_board(database)
    alerts = FakeAlerts()
    measuring = Measuring(database, "here")
    services = Services(
        *(database, clock, desk, strategy, market, market, market, market, tally, board, alerts),
        JournalDays(database),
        measurements=measuring,
    )
    services.stream.end()  # this client waits for the end of every answer
    app = application(services, options)
    measure_interface(measuring, services, app.state.layers, lambda: 1, lambda: None)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
        yield Bench(client, app, services, clock, desk, strategy, market)
