"""What is measured comes back as it happened, and whatever clients send makes no more of it."""

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import time_machine
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.api.services import ApiOptions
from alphaforge.bootstrap import api_options, open_services
from alphaforge.core.errors import StorageError
from alphaforge.measuring import Measuring, measure_interface
from alphaforge.settings import Settings
from alphaforge.storage.engine import Database
from alphaforge.telemetry.exposition import label_names
from alphaforge.telemetry.figures import BY_NAME, FAMILIES, Across
from alphaforge.telemetry.request_lines import RequestLines
from api_bench import SQLITE, Bench
from desk_traffic import App, ask
from doors import services_of

pytestmark = SQLITE

ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.3}
KEY = "a-key-for-measuring"

Sample = tuple[str, frozenset[tuple[str, str]]]


def read(text: str) -> dict[Sample, float]:
    """Every sample, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(samples: dict[Sample, float]) -> dict[tuple[str, ...], float]:
    """How many requests there were, by method, route, status and cache."""
    return {
        tuple(dict(labels)[name] for name in ("method", "route", "status", "cache")): value
        for (name, labels), value in samples.items()
        if name == "alphaforge_request_seconds_count"
    }


@pytest.fixture
def door(database: Database) -> Callable[..., App]:
    """An interface as a server has it, measured."""

    def opened(**options: Any) -> App:
        measuring = Measuring(database, "here")
        services = replace(services_of(database), measurements=measuring)
        app = create_app(services, ApiOptions(**options))
        lines = RequestLines(io.StringIO(), services.requests)
        measure_interface(measuring, services, app.state.layers, lambda: 5, lines.flush)
        return from_memory_first(app, lines.line)

    return opened


async def scraped(door: App, **headers: str) -> dict[Sample, float]:
    said = await ask(door, "GET", "/metrics", headers=headers)
    assert said.status == 200
    return read(said.body.decode())


async def test_known_requests_come_back_exactly_answers_from_memory_included(door: Callable[..., App]) -> None:
    app = door()
    for _ in range(10):
        said = await ask(app, "GET", "/api/signals?limit=5")
    for _ in range(3):
        await ask(app, "GET", "/api/signals?limit=5", headers={"if-none-match": said.headers["etag"]})
    await ask(app, "POST", "/api/journal/entries", ENTRY)
    await ask(app, "GET", "/api/signals/4711")
    await ask(app, "GET", "/nowhere")
    await ask(app, "GET", "/health/live")
    samples = await scraped(app)
    assert requests(samples) == {
        ("GET", "/api/signals", "200", "miss"): 1,
        ("GET", "/api/signals", "200", "hit"): 9,
        ("GET", "/api/signals", "304", "hit"): 3,
        ("POST", "/api/journal/entries", "200", "none"): 1,
        ("GET", "/api/signals/{signal_id}", "404", "bypass"): 1,
        ("GET", "unmatched", "404", "none"): 1,
        ("GET", "/health/live", "200", "none"): 1,
    }
    assert samples["alphaforge_cache_answers_total", frozenset({("result", "hit")})] == 12
    assert samples["alphaforge_cache_answers_total", frozenset({("result", "miss")})] == 2
    assert samples["alphaforge_cache_invalidations_total", frozenset({("noun", "journal_entries")})] >= 1
    assert samples["alphaforge_connections_open", frozenset()] == 5
    assert samples["alphaforge_requests_in_flight", frozenset()] == 1, "the one that asks"
    assert requests(await scraped(app))["GET", "/metrics", "200", "none"] == 1


async def test_as_json_it_is_the_same(bench: Bench) -> None:
    for _ in range(3):
        await bench.get("/api/journal/statistics")
    body = await bench.get("/api/metrics")
    assert len(body["processes"]) == 1
    family = body["metrics"]["alphaforge_request_seconds"]
    assert (family["type"], family["labels"]) == ("histogram", ["method", "route", "status", "cache"])
    counts = {sample["labels"]["cache"]: sample["count"] for sample in family["samples"]}
    assert counts == {"miss": 1, "hit": 2}
    for sample in family["samples"]:
        assert 0 < sample["p50"] <= sample["p95"] <= sample["p99"] <= sample["sum"] * 1.011
    (build,) = body["metrics"]["alphaforge_build_info"]["samples"]
    assert (build["value"], build["labels"]["process"]) == (1, body["processes"][0])


async def test_hostile_requests_make_a_bounded_number_of_series(door: Callable[..., App]) -> None:
    app = door(rate_limit_per_minute=0)
    await hostile(app, 1)
    await scraped(app)  # what asking adds, as the queries of an answer, is there from the second time on
    before = await scraped(app)
    await hostile(app, 2)
    bounded = await scraped(app)
    for number in range(3, 40):
        await hostile(app, number)
    after = await scraped(app)
    assert set(after) == set(bounded) == set(before)
    assert sum(requests(after).values()) > 300
    for _, labels in after:
        for _, value in labels:
            assert "evil" not in value
            assert len(value) < 60


async def hostile(app: App, number: int) -> None:
    for path in (
        f"/api/signals/evil%22%7D%20{number}",
        f'/api/evil"}} {number}\nalphaforge_evil 1',
        f"/{'evil/' * 3_000}{number}",
        f"/api/signals/symbol/evil!{number}",
        f"/api/candles/evil!{number}?limit=evil",
        f"/api/signals?evil{number}={'x' * 3_000}",
        f"/api/jobs/{number}evil",
    ):
        await ask(app, "GET", path, headers={"x-request-id": f"evil{number}", "origin": "http://localhost:1"})
    for method in (f"EVIL{number}", "get", "TRACE", 'GET"}', "PROPFIND"):
        await ask(app, method, "/api/signals", headers={"x-request-id": "evil\n1"})
    await ask(app, "PUT", f"/api/signals/1/status?status={number}evil")


async def test_a_clock_that_jumps_leaves_durations_sane(door: Callable[..., App]) -> None:
    app = door(rate_limit_per_minute=0)
    with time_machine.travel("2026-03-03T10:00:00Z", tick=False) as traveller:
        for moment in ("2026-03-03T09:00:00Z", "2031-01-01T00:00:00Z", "1999-12-31T23:59:59Z"):
            for path in ("/api/signals", "/api/signals", "/health"):
                await ask(app, "GET", path)
            traveller.move_to(moment)
    samples = await scraped(app)
    sums = {labels: value for (name, labels), value in samples.items() if name == "alphaforge_request_seconds_sum"}
    assert len(sums) == 3
    assert all(1e-7 < value < 60 for value in sums.values()), sums


async def test_they_ask_for_the_key(door: Callable[..., App]) -> None:
    app = door(api_key=KEY)
    for path in ("/metrics", "/api/metrics"):
        assert (await ask(app, "GET", path)).status == 401
        assert (await ask(app, "GET", path, headers={"authorization": f"Bearer {KEY}"})).status == 200
    refused = requests(await scraped(app, authorization=f"Bearer {KEY}"))
    assert refused["GET", "unmatched", "401", "none"] == 2


async def test_openmetrics_is_for_those_who_accept_it(bench: Bench) -> None:
    answer = await bench.client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


async def test_every_figure_is_in_the_catalogue_with_as_many_labels_as_there(bench: Bench) -> None:
    await bench.get("/api/signals")
    assert bench.services.measurements is not None
    measured = await bench.services.measurements.look()
    for name, values in measured.figures.values.items():
        assert {len(labels) for labels in values} <= {len(label_names(BY_NAME[name]))}, name
    mine = {name for name in BY_NAME if name.startswith(OF_THE_INTERFACE)}
    assert mine <= set(measured.figures.values)


OF_THE_INTERFACE = tuple(
    f"alphaforge_{name}"
    for name in ("request", "slow_requests", "connections", "stream", "cache", "event_loop", "process", "build")
)


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_switch_decides_whether_anything_is_measured(database_url: str, *, enabled: bool) -> None:
    """Over the real wiring."""
    settings = Settings(database_url=SecretStr(database_url), background_tasks=False, enable_metrics=enabled)
    async with open_services(settings) as services:
        assert (services.measurements is not None) == enabled
        app = create_app(services, api_options(settings))
        if isinstance(services.measurements, Measuring):
            measure_interface(services.measurements, services, app.state.layers, lambda: 0, lambda: None)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            assert (await client.get("/health/live")).status_code == 200
            answers = [await client.get(path) for path in ("/metrics", "/api/metrics")]
        assert [answer.status_code for answer in answers] == ([200, 200] if enabled else [404, 404])
        assert bool(services.requests.copy()) == enabled
        if not enabled:
            assert all("ENABLE_METRICS" in answer.json()["detail"] for answer in answers)


async def _never(_: Database) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


async def _refused(_: Database) -> dict[str, Any]:
    raise StorageError("The disk is gone")


@pytest.mark.parametrize(("jobs", "why"), [(_never, "does not answer"), (_refused, "The disk is gone")])
async def test_a_database_that_says_nothing_of_jobs_holds_no_scrape_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, jobs: Any, why: str
) -> None:
    monkeypatch.setattr("alphaforge.measuring.job_figures", jobs)
    monkeypatch.setattr("alphaforge.measuring._PATIENCE", 0.01)
    said = await bench.get("/api/metrics")
    assert said["problem"].startswith("Jobs are not known")
    assert why in said["problem"]
    assert "alphaforge_jobs" not in said["metrics"]
    assert (await bench.client.get("/metrics")).status_code == 200


async def test_while_others_are_unknown_nothing_is_told_that_is_added_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.get("/api/signals")
    measuring = bench.services.measurements
    assert isinstance(measuring, Measuring)
    known = await measuring.kept.everywhere()

    async def partly() -> object:
        return known._replace(problem="Other processes are not known: the database does not answer")

    monkeypatch.setattr(measuring.kept, "everywhere", partly)
    told = {name for name, _ in read((await bench.client.get("/metrics")).text)}
    assert "alphaforge_process_resident_bytes" in told
    each = {family.name for family in FAMILIES if family.across is Across.EACH}
    assert told <= each
    said = await bench.get("/api/metrics")
    assert said["problem"].startswith("Other processes are not known")
    assert "alphaforge_request_seconds" in said["metrics"]
