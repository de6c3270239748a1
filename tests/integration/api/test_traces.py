"""Requests as spans: by their routes, with what the cache made of them, gone on from the client's trace."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from alphaforge.api.layers import from_memory_first
from alphaforge.telemetry import tracing
from alphaforge.telemetry.request_lines import RequestLines
from api_bench import SQLITE, Bench
from collectors import Collector, collecting

pytestmark = SQLITE
CLIENTS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = CLIENTS.split("-")[1]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


def client_of(bench: Bench, lines: RequestLines) -> httpx2.AsyncClient:
    """One that is answered from memory first, as by the server."""
    transport = httpx2.ASGITransport(app=from_memory_first(bench.app, lines.line))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000")


async def test_a_request_is_a_span_of_its_clients_trace_without_what_the_client_wrote(
    bench: Bench, collector: Collector
) -> None:
    async with tracing.traces(collector.url, {}, 0.0, "2.0"):
        for path in ("/api/signals/7?c4nary=1", "/c4nary", "/api/signals?limit=c4nary"):
            answer = await bench.client.get(path, headers={"traceparent": CLIENTS, "x-api-key": "c4nary"})
        await bench.client.get("/api/signals")
    assert [(span.name, span.trace, span.parent) for span in collector.spans if span.kind == 2] == [
        ("GET /api/signals/{signal_id}", TRACE, CLIENTS.split("-")[2]),
        ("GET unmatched", TRACE, CLIENTS.split("-")[2]),
        ("GET /api/signals", TRACE, CLIENTS.split("-")[2]),
    ]
    last = collector.spans[-1]
    assert last.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/signals",
        "http.response.status_code": 422,
        "alphaforge.cache": "bypass",
        "alphaforge.request_id": answer.headers["x-request-id"],
    }
    assert all(b"c4nary" not in body for body in collector.bodies)


async def test_what_fails_is_marked_and_a_method_that_nobody_knows_is_not_sent(
    bench: Bench, collector: Collector
) -> None:
    bench.desk.fails = RuntimeError("c4nary")
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        await bench.client.post("/api/signals/generate")
        await bench.client.request("C4NARY", "/api/signals")
    failed, odd = (span for span in collector.spans if span.kind == 2)
    assert (failed.failed, failed.attributes["error.type"]) == (True, "500")
    assert odd.name.startswith("other ")
    assert all(b"c4nary" not in body.lower() for body in collector.bodies)


async def test_a_hit_whose_client_traces_is_a_step_of_that_trace(bench: Bench, collector: Collector) -> None:
    lines = RequestLines()
    async with tracing.traces(collector.url, {}, 0.0, "2.0"), client_of(bench, lines) as client:
        asked = [await client.get("/api/signals") for _ in range(2)]
        traced = await client.get("/api/signals", headers={"traceparent": CLIENTS})
        lines.flush()
    assert [answer.headers["x-cache"] for answer in (*asked, traced)] == ["miss", "hit", "hit"]
    (span,) = (span for span in collector.spans if span.kind == 2)
    assert (span.name, span.trace, span.attributes["alphaforge.cache"]) == ("GET /api/signals", TRACE, "hit")


async def test_of_the_hits_of_others_a_share_becomes_spans_with_their_own_times(
    bench: Bench, collector: Collector
) -> None:
    lines = RequestLines()
    async with tracing.traces(collector.url, {}, 1.0, "2.0"), client_of(bench, lines) as client:
        answers = [await client.get("/api/signals") for _ in range(3)]
        lines.flush()
    made, *hits = (span for span in collector.spans if span.kind == 2)
    assert [span.attributes["alphaforge.cache"] for span in (made, *hits)] == ["miss", "hit", "hit"]
    assert [span.attributes["alphaforge.request_id"] for span in hits] == [
        one.headers["x-request-id"] for one in answers[1:]
    ]
    assert len({span.trace for span in (made, *hits)}) == 3
    assert made.ended <= hits[0].began < hits[0].ended <= hits[1].began + 0.001


async def test_who_waits_for_the_same_answer_says_so_and_it_is_made_in_one_trace(
    bench: Bench, collector: Collector
) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        await asyncio.gather(*(bench.client.get("/api/journal/statistics") for _ in range(2)))
    first, second = sorted((span for span in collector.spans if span.kind == 2), key=lambda span: len(span.events))
    assert (first.events, second.events) == ([], [("waited for the same answer", {})])
