"""One trace leads from a client's request to the alert that it caused, in one process and over two."""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from processes import NAMES, Server, sandbox, server, until, worker

from collectors import Collector, Sent, collecting, receiving

WILLING = (str(Path(__file__).with_name("willing.py")),)
_TRACES = (f"{number:032x}" for number in itertools.count(0xA0000000))
_WAY = ("POST /api/signals/enhanced/generate", "job alert", "alert json")
_INSERT = "SignalRepository._insert"


@contextmanager
def traced(folder: Path) -> Iterator[tuple[Collector, list[dict[str, object]], str, dict[str, str]]]:
    """A collector, what a receiver of alerts got, a market whose minutes take a second, and the settings for it."""
    with collecting() as collector, receiving() as (port, got):
        with sandbox(folder, ["--from", "2025-07-07T06:00:00Z", "--speed", "60"]) as market:
            settings = {
                "ALERT_URLS": f"json://127.0.0.1:{port}/c4nary?af_name=hook&af_kinds=signal",
                "ALERTS_ALLOW_PRIVATE": "true",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_TRACES_SAMPLER_ARG": "0",
            }
            yield collector, got, market, settings


def signal_of(desk: Server) -> str:
    """Have signals generated until there is one; the trace of the request that made it."""
    made = ""

    def generated() -> bool:
        nonlocal made
        made = next(_TRACES)
        answer = desk.post("/api/signals/enhanced/generate", traceparent=f"00-{made}-{1:016x}-01")
        if not answer.get("signals_generated"):
            time.sleep(0.2)  # a candle closes every five seconds
        return bool(answer.get("signals_generated"))

    until(generated, "a signal is made", desk.process)
    return made


def named(spans: list[Sent], name: str) -> Sent:
    return next(span for span in spans if span.name == name)


def is_whole(spans: list[Sent]) -> bool:
    """Whether it leads all the way, each step within another: processes send theirs when they like."""
    known = {span.id for span in spans} | {f"{1:016x}"}
    return {span.name for span in spans} >= set(_WAY) and all(span.parent in known for span in spans)


def fetched(spans: list[Sent]) -> set[str]:
    """The instruments whose candles it says how they came: by a call that was answered, or by the schedule's, awaited.

    The schedule asks for candles whether it decides or not; who asks while it does gets its answer.
    """
    answered = ("attempt answered", {"http.response.status_code": 200})
    calls = {span.name.removeprefix("OANDA M5 candles of ") for span in spans if answered in span.events}
    return calls | {span.name.removeprefix("await refresh ") for span in spans}


def check(collector: Collector, trace: str) -> list[Sent]:
    """The trace leads from the request to the sending, and says nothing that it must not; its spans."""
    until(lambda: is_whole(collector.of(trace)), "the whole trace came")
    spans = collector.of(trace)
    request, job, alert = (named(spans, name) for name in _WAY)
    assert (request.parent, request.attributes["http.response.status_code"]) == (f"{1:016x}", 200)
    assert (job.parent, alert.parent) == (request.id, job.id)
    assert request.began < job.began <= alert.began
    stored = named(spans, _INSERT)
    assert stored.attributes["db.query.text"].startswith("INSERT INTO trading_signals")
    assert set(NAMES) <= fetched(spans)
    for body in collector.bodies:
        assert b"c4nary" not in body
        assert b"Bearer" not in body
    return spans


def test_in_one_process(tmp_path: Path) -> None:
    with traced(tmp_path) as (collector, got, market, settings):
        with server(tmp_path, market, program=WILLING, **settings) as desk:
            desk.post("/api/strategy/stop")  # or the schedule decides first
            trace = signal_of(desk)
            check(collector, trace)
            assert got
        lines = (tmp_path / "server.log").read_text().splitlines()
    assert any(f'"trace_id":"{trace}"' in line.replace(" ", "") and '"request"' in line for line in lines)


def test_over_a_server_and_a_worker(tmp_path: Path, postgres_database: str) -> None:
    with traced(tmp_path) as (collector, got, market, settings), ExitStack() as stack:
        settings["DATABASE_URL"] = postgres_database
        alone = settings | {"BACKGROUND_TASKS": "false"}
        desk = stack.enter_context(server(tmp_path, market, program=WILLING, **alone))
        desk.post("/api/strategy/stop")  # or the worker's schedule decides first
        helper = stack.enter_context(worker(tmp_path, market, "worker", **settings))
        until(lambda: '"working"' in (tmp_path / "worker.log").read_text(), "the worker works", helper)
        trace = signal_of(desk)
        spans = check(collector, trace)
        assert got
        by = {name: named(spans, name).resource["process.pid"] for name in ("job alert", _INSERT)}
        assert by == {"job alert": helper.pid, _INSERT: desk.process.pid}
