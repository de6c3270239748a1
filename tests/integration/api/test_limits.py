"""A client's allowance over the whole application, answers from memory included."""

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx2
import pytest

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.api.services import ApiOptions
from alphaforge.telemetry.requests import Note
from api_bench import SQLITE, Bench

pytestmark = SQLITE

ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.3}


@pytest.fixture
async def limited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx2.AsyncClient, list[Note]]]:
    """A client of an application that allows one write and twenty reads a minute, and what came from memory first."""
    moment = 29_000_000 * 60.0 + 15
    clock = SimpleNamespace(time=lambda: moment, perf_counter_ns=time.perf_counter_ns)
    monkeypatch.setattr("alphaforge.api.middleware.from_memory.time", clock)
    app = create_app(bench.services, ApiOptions(rate_limit_per_minute=1))
    for allowance in (app.state.layers.allowances.reads, app.state.layers.allowances.writes):
        allowance._clock = clock.time
    quick: list[Note] = []
    first = from_memory_first(app, quick.append)
    transport = httpx2.ASGITransport(app=first, client=("10.0.0.9", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
        yield client, quick


async def test_answers_from_memory_count_like_all_others(limited: tuple[httpx2.AsyncClient, list[Note]]) -> None:
    client, quick = limited
    answers = [await client.get("/api/signals") for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert [answer.headers["ratelimit"] for answer in answers[:20]] == [
        f"limit=20, remaining={left}, reset=45" for left in reversed(range(20))
    ]
    assert len(quick) == 19, "the first was made, the last refused"
    assert answers[-1].headers["retry-after"] == "49"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert (await client.post("/api/journal/entries", json=ENTRY)).status_code == 200
    assert (await client.post("/api/journal/entries", json=ENTRY)).status_code == 429
    assert (await client.get("/health/live")).status_code == 200


async def test_a_refused_write_writes_nothing(limited: tuple[httpx2.AsyncClient, list[Note]]) -> None:
    client, _ = limited
    for _ in range(5):
        await client.post("/api/journal/entries", json=ENTRY)
    assert (await client.get("/api/journal/entries")).json()["total"] == 1
