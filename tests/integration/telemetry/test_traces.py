"""Traces on their way to a collector, and collectors that misbehave."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import httpx2
import pytest
import structlog
from starlette.types import Send

from alphaforge.api.middleware.request_log import RequestLog
from alphaforge.core.errors import InvalidSetting
from alphaforge.telemetry import tracing
from alphaforge.telemetry.logs import configure_logs
from alphaforge.telemetry.recording import MOST_WAITING
from collectors import Collector, collecting, misbehaving
from logs import logs_restored

CLIENTS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = CLIENTS.split("-")[1]
PATIENCE = 20.0


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


def asked(*headers: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers]


async def test_steps_within_steps_make_one_trace(collector: Collector) -> None:
    async with tracing.traces(collector.url, {"x-key": "c4nary"}, 1.0, "2.0"):
        with tracing.begin("request", "server") as request:
            request.rename("GET /api/signals")
            request.say({"http.route": "/api/signals", "http.response.status_code": 200})
            with tracing.span("query", "client", {"db.system": "sqlite"}):
                tracing.current().happened("retried", {"attempt": 2})
                handed_on = tracing.traceparent()
            name = tracing.trace_id()
        with tracing.continued(handed_on, "job scan"):
            pass
    request, query, job = (collector.named(name) for name in ("GET /api/signals", "query", "job scan"))
    assert {span.trace for span in collector.spans} == {name}
    assert (request.parent, query.parent, job.parent) == ("", request.id, query.id)
    assert (request.kind, query.kind, job.kind) == (2, 3, 5)
    assert request.attributes == {"http.route": "/api/signals", "http.response.status_code": 200}
    assert query.events == [("retried", {"attempt": 2})]
    assert request.began <= query.began <= query.ended <= request.ended
    assert request.resource["service.name"] == "alphaforge"
    assert collector.headers[0]["x-key"] == "c4nary"


async def test_an_error_is_named_and_its_text_is_not_sent(collector: Collector) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        with pytest.raises(ValueError), tracing.begin("outer"), tracing.span("inner"):
            raise ValueError("c4nary")
    assert [(span.name, span.failed, span.attributes) for span in collector.spans] == [
        ("inner", True, {"error.type": "ValueError"}),
        ("outer", True, {"error.type": "ValueError"}),
    ]
    assert all(b"c4nary" not in body for body in collector.bodies)


async def test_off_everything_is_one_object_that_does_nothing() -> None:
    with tracing.begin("a", headers=asked(("traceparent", CLIENTS))) as begun, tracing.span("b") as step:
        step.say({"c": 1})
        assert begun is step is tracing.continued(CLIENTS, "d") is tracing.current()
        assert (tracing.traceparent(), tracing.trace_id(), tracing.in_use()) == (None, None, None)


async def test_steps_of_nothing_are_not_recorded(collector: Collector) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        with tracing.span("a query that nobody asked for"):
            assert tracing.traceparent() is None
        with tracing.continued(None, "a job of nobody"):
            assert tracing.traceparent() is None
    assert collector.spans == []


async def test_a_task_that_outlives_what_began_it_is_none_of_its_steps(collector: Collector) -> None:
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        with tracing.span("too late"):
            assert tracing.traceparent() is None
        tracing.current().say({"too": "late"})

    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        with tracing.begin("request"):
            task = asyncio.create_task(later())
        ended.set()
        await task
    assert [(span.name, span.attributes) for span in collector.spans] == [("request", {})]


async def test_a_client_that_traces_is_gone_on_from_whatever_the_share(collector: Collector) -> None:
    async with tracing.traces(collector.url, {}, 0.0, "2.0"):
        with tracing.begin("mine", headers=asked(("tracestate", "vendor=1"), ("traceparent", CLIENTS))):
            assert tracing.trace_id() == TRACE
        with tracing.begin("of nobody"):
            assert tracing.trace_id() is None
    (span,) = collector.spans
    assert (span.name, span.trace, span.parent, span.state) == ("mine", TRACE, "00f067aa0ba902b7", "vendor=1")


async def test_a_client_that_does_not_record_is_not_recorded_here(collector: Collector) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        with tracing.begin("mine", headers=asked(("traceparent", CLIENTS.removesuffix("01") + "00"))):
            assert tracing.traceparent() is None
    assert collector.spans == []


@pytest.mark.parametrize(
    "headers",
    [
        asked(("traceparent", "")),
        asked(("traceparent", "00-" + "0" * 32 + "-00f067aa0ba902b7-01")),
        asked(("traceparent", CLIENTS.replace("4bf9", "4BF9"))),
        asked(("traceparent", CLIENTS.replace("00-4", "ff-4"))),
        asked(("traceparent", CLIENTS + "-more")),
        asked(("traceparent", CLIENTS), ("traceparent", CLIENTS)),
        asked(("traceparent", "\xff\x00\r\n" + CLIENTS)),
        asked(("traceparent", CLIENTS + "0" * 60_000)),
        asked(("tracestate", "vendor=1")),
    ],
)
async def test_a_traceparent_that_is_none_counts_as_if_it_were_not_there(
    collector: Collector, headers: list[tuple[bytes, bytes]]
) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        with tracing.begin("mine", headers=headers):
            assert tracing.trace_id() != TRACE
    assert collector.named("mine").parent == ""


async def test_a_tracestate_without_measure_is_left_out_and_the_trace_goes_on(collector: Collector) -> None:
    async with tracing.traces(collector.url, {}, 0.0, "2.0"):
        with tracing.begin("mine", headers=asked(("traceparent", CLIENTS), ("tracestate", "a=" + "b" * 600))):
            pass
    assert (collector.named("mine").trace, collector.named("mine").state) == (TRACE, "")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
async def test_of_many_as_many_are_chosen_as_the_share_says(collector: Collector, share: float) -> None:
    many = 100_000
    async with tracing.traces(collector.url, {}, share, "2.0"):
        recording = tracing.in_use()
        assert recording is not None
        found = [one for start in range(0, many, 100) for one in recording.chosen(range(start, start + 100))]
    assert found == sorted(set(found))
    assert abs(len(found) - many * share) <= 6 * (many * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("how", ["refuses", "hangs", "500", "503", "garbage", "talks"])
async def test_a_collector_that_misbehaves_harms_nobody(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphaforge.telemetry.recording._PATIENCE", 0.5)
    if how != "talks":  # it is waited for to the last
        monkeypatch.setattr("alphaforge.telemetry.recording.CLOSE_SECONDS", 0.3)
    stream = io.StringIO()
    with misbehaving(how) as url, logs_restored():
        configure_logs("json", "INFO", (), stream)
        async with asyncio.timeout(PATIENCE):
            async with tracing.traces(url, {}, 1.0, "2.0"):
                recording = tracing.in_use()
                assert recording is not None
                for number in range(3 * MOST_WAITING):
                    with tracing.begin("request", "server"):
                        if number % 100 == 0:
                            await asyncio.sleep(0)
                assert len(waiting(recording)) <= MOST_WAITING
        for thread in threading.enumerate():
            if thread.name == "end of traces":
                thread.join(PATIENCE)  # else it complains in the midst of the tests that follow
    said = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert said.count("traces_not_sent") <= 1
    assert set(said) <= {"traces_not_sent", "traces_given_up"}
    if how == "talks":  # nobody listens to it
        assert "traces_given_up" not in said
    if how in {"refuses", "500", "503", "garbage"}:
        assert "traces_not_sent" in said


def waiting(recording: object) -> object:
    (processor,) = recording._provider._active_span_processor._span_processors
    return processor._batch_processor._queue


async def test_what_waits_is_sent_at_the_end(collector: Collector) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        for _ in range(MOST_WAITING // 2):
            with tracing.begin("request"):
                pass
    assert len(collector.spans) == MOST_WAITING // 2
    assert tracing.in_use() is None


async def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "alphaforge.telemetry.recording", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(InvalidSetting, match="OTEL_EXPORTER_OTLP_ENDPOINT is set") as failure:
        async with tracing.traces("http://127.0.0.1:4318", {}, 1.0, "2.0"):
            pass
    assert "pip install 'alphaforge[otel]'" in str(failure.value.advice)
    assert tracing.in_use() is None


async def test_lines_within_a_recorded_step_name_it(collector: Collector) -> None:
    stream = io.StringIO()
    with logs_restored():
        configure_logs("json", "INFO", (), stream)
        log = structlog.get_logger("test")
        async with tracing.traces(collector.url, {}, 1.0, "2.0"):
            log.info("before")
            with tracing.begin("request"), tracing.span("query"):
                log.info("within")
                logging.getLogger("a.library").warning("within, too")
    before, *within = [json.loads(line) for line in stream.getvalue().splitlines()]
    query = collector.named("query")
    assert "trace_id" not in before
    assert [(line["trace_id"], line["span_id"]) for line in within] == [(query.trace, query.id)] * 2


async def test_a_listener_is_traced_until_its_head_goes_out(collector: Collector) -> None:
    async def listened(_scope: object, _receive: object, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
        await send(head)
        with tracing.span("an event, hours later"):
            await send({"type": "http.response.body", "body": b"data: 1"})

    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        transport = httpx2.ASGITransport(app=RequestLog(listened))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            await client.get("/api/stream")
    (span,) = collector.spans
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET unmatched", 200)
