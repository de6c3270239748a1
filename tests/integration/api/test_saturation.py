"""More questions than connections: some are told to come back, none hangs, and nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from alphaforge.api.app import create_app
from alphaforge.api.services import ApiOptions, Services
from alphaforge.storage.engine import Database, PoolSettings
from alphaforge.storage.evaluation_counts import EvaluationTally
from alphaforge.storage.journal_days import JournalDays
from api_bench import SQLITE, FakeAlerts, FakeClock, FakeDesk, FakeMarket, FakeStrategy, idle_board

CONNECTIONS = 5
TIMEOUT = 0.3
ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.3}
SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
READS = (
    "/api/signals",
    "/api/signals/today",
    "/api/signals/statistics",
    "/api/signals/performance",
    "/api/signals/active",
    "/api/signals/symbol/GBP_USD",
    "/api/signals/1",
    "/api/journal/entries",
    "/api/journal/statistics",
    "/api/rejections/latest",
    "/api/analysis/history",
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """With few connections, and little time to wait for one."""
    opened = await Database.open(database_url, PoolSettings(CONNECTIONS, 0, timeout=TIMEOUT))
    yield opened
    await opened.close()


@pytest.fixture(params=[True, False], ids=["cache", "no cache"])
async def client(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    market = FakeMarket()
    services = Services(
        *(database, FakeClock(), FakeDesk(), FakeStrategy(), market, market, market, market),
        EvaluationTally(database),
        idle_board(database),
        FakeAlerts(),
        JournalDays(database),
    )
    app = create_app(services, ApiOptions(enable_cache=request.param))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as made:
        yield made


def taken(database: Database) -> int:
    """Connections in use."""
    engines = {id(one.pool): one for one in (database._reader, database._writer) if one is not None}
    return sum(one.pool.checkedout() for one in engines.values())  # type: ignore[attr-defined] - a pool with a queue


async def everything(database: Database) -> AsyncExitStack:
    """Take every connection there is, until the stack is closed."""
    stack = AsyncExitStack()
    for _ in range(CONNECTIONS):
        await stack.enter_async_context(database.read())
    if database.dialect == "sqlite":  # its writer is apart
        await stack.enter_async_context(database.write())
    return stack


def assert_shed(answer: httpx2.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_finds_no_connection_is_told_to_come_back_and_finds_one_then(
    client: httpx2.AsyncClient, database: Database
) -> None:
    await client.post("/api/signals", json=SIGNAL)
    stored = (await client.get("/api/signals?limit=1")).json()["signals"][0]
    questions: list[tuple[str, str, Any]] = [("GET", path, None) for path in READS]
    questions[6] = ("GET", f"/api/signals/{stored['id']}", None)
    questions += [("POST", "/api/journal/entries", ENTRY), ("POST", "/api/signals", SIGNAL)]
    questions += [("PUT", f"/api/signals/{stored['id']}/status?status=WON", None)]
    async with await everything(database):
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(client.request(how, path, json=body) for how, path, body in questions))
        for answer in answers:
            assert_shed(answer)
        assert (await client.get("/health/live")).status_code == 200
    for how, path, body in questions:
        answer = await client.request(how, path, json=body)
        assert answer.status_code in (200, 404), (path, answer.text)
    assert taken(database) == 0


@SQLITE
@pytest.mark.parametrize("client", [True], indirect=True, ids=["cache"])
async def test_all_who_ask_the_same_are_told_at_once_and_not_one_after_another(
    client: httpx2.AsyncClient, database: Database
) -> None:
    async with await everything(database):
        with capture_logs() as lines:
            answers = await asyncio.gather(*(client.get("/api/signals") for _ in range(30)))
    for answer in answers:
        assert_shed(answer)
    assert len({answer.headers["x-request-id"] for answer in answers}) == 30
    assert [line["event"] for line in lines].count("request_failed") == 1, "some waited for a connection twice"
    assert (await client.get("/api/signals")).status_code == 200
    assert taken(database) == 0


@SQLITE
@pytest.mark.parametrize("client", [True], indirect=True, ids=["cache"])
async def test_what_is_in_memory_needs_no_connection(client: httpx2.AsyncClient, database: Database) -> None:
    known = await client.get("/api/signals")
    async with await everything(database):
        again = await client.get("/api/signals")
    assert (again.status_code, again.content) == (200, known.content)


async def test_who_goes_away_while_waiting_or_reading_leaves_no_connection_behind(
    client: httpx2.AsyncClient, database: Database
) -> None:
    async with await everything(database):
        waiting = [asyncio.create_task(client.get(path)) for path in READS]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    for turns in range(0, 60, 3):
        task = asyncio.create_task(client.get(f"/api/signals?skip={turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    async with asyncio.timeout(10):
        while taken(database):  # noqa: ASYNC110 - a pool has no events
            await asyncio.sleep(0.01)
    assert (await client.get("/api/signals")).status_code == 200


async def test_a_hundred_on_every_question_at_once_are_all_answered(
    client: httpx2.AsyncClient, database: Database
) -> None:
    for _ in range(3):
        await client.post("/api/journal/entries", json=ENTRY)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(client.get(path, params={"skip": number % 7}) for number in range(100) for path in READS[::3]),
            *(client.post("/api/journal/entries", json=ENTRY) for _ in range(20)),
        )
    for answer in answers:
        if answer.status_code not in (200, 404, 422):
            assert_shed(answer)
    assert (await client.get("/api/journal/entries")).status_code == 200
    stored = sum(1 for answer in answers[-20:] if answer.status_code == 200)
    assert (await client.get("/api/journal/entries")).json()["total"] == 3 + stored
    assert taken(database) == 0
