"""What the interface says of the service's speed."""

import math
import time
from dataclasses import replace
from typing import Any

import pytest
import time_machine

from alphaforge.api.performance import target_bodies
from alphaforge.api.services import ApiOptions
from alphaforge.telemetry.minutes import CACHED, CONNECTIONS, ERRORS, OANDA, REQUESTS, Minute, minute_of
from alphaforge.telemetry.slow import Slow, SlowLog
from api_bench import SQLITE, Bench
from measured import FakeMeasurements, snapshot, spread

pytestmark = SQLITE

AT = 1_772_532_000
"""A full hour."""

NOW = AT + 30


@pytest.fixture
def measured(bench: Bench) -> FakeMeasurements:
    """Measurements that stand in for those of the bench's application."""
    fake = FakeMeasurements()
    bench.app.state.services = replace(bench.services, measurements=fake)
    return fake


@pytest.fixture(autouse=True)
def _standing_still() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


async def test_a_scripted_load_comes_back(bench: Bench, measured: FakeMeasurements) -> None:
    hits = [30e-6 * 1.01**step for step in range(380)]
    reads = [1e-3 * 1.05**step for step in range(20)]
    traffic = {
        ("GET", "/api/signals", "200", "hit"): hits,
        ("GET", "/api/signals", "200", "miss"): reads,
        ("GET", "/api/journal/statistics", "500", "miss"): [0.5],
        ("POST", "/api/journal/entries", "503", "none"): [3.0] * 2,
    }
    queries = {"signals.page": [0.7e-3] * 19, "signals.count": [1.3e-3]}
    now = snapshot(traffic, queries=queries, peaks=[108e6], oanda=[0.08])
    measured.given = [minute_of(now, None, {CONNECTIONS: 12}, AT)]
    said = await bench.get("/api/performance")
    indicators = {one["name"]: one for one in said["indicators"]}
    cached, uncached, query = (
        indicators[name] for name in ("response_time_cached", "response_time_uncached", "query_time")
    )
    assert (said["requests"], said["errors"], said["shed"]) == (403, 1, 2)
    assert said["requests_per_second"] == pytest.approx(403 / 30, rel=1e-6)
    assert cached["mean"] == pytest.approx(1e3 * sum(hits) / 380, rel=1e-4)
    assert cached["value"] == cached["p99"] == pytest.approx(1e3 * hits[math.ceil(0.99 * 380) - 1], rel=0.011)
    assert uncached["p50"] == pytest.approx(1e3 * sorted([*reads, 0.5])[10], rel=0.011)
    assert (query["mean"], query["count"], query["status"]) == (pytest.approx(0.73), 20, "met")
    assert indicators["cache_hit_rate"]["value"] == pytest.approx(100 * 380 / 400, rel=1e-6)
    assert indicators["cache_hit_rate"]["plan"] == {
        "statistic": "rate",
        "at_most": None,
        "at_least": 70.0,
        "status": "met",
    }
    assert indicators["generation_memory"]["value"] == 108.0
    assert (indicators["generation_memory"]["status"], indicators["generation_memory"]["plan"]["status"]) == (
        "met",
        "missed",
    )
    assert (indicators["concurrent_requests"]["value"], indicators["concurrent_requests"]["status"]) == (12, "missed")
    signals, generate, statistics, _ = said["endpoints"]
    assert (signals["requests"], signals["from_memory"]) == (400, 95.0)
    assert signals["uncached"]["target"] == {
        "statistic": "p95",
        "at_most": 8.0,
        "at_least": None,
        "status": "met",
    }
    assert (generate["requests"], generate["oanda_mean_ms"]) == (0, pytest.approx(80))
    assert (statistics["requests"], statistics["errors"]) == (1, 1)


async def test_where_nothing_happened_no_figure_stands(bench: Bench, measured: FakeMeasurements) -> None:
    said = await bench.get("/api/performance")
    assert {one["status"] for one in said["indicators"]} == {"no_data"}
    assert {one["value"] for one in said["indicators"]} == {None}
    assert (said["since"], said["requests"], said["requests_per_second"], said["measured_seconds"]) == (
        None,
        0,
        None,
        0,
    )


async def test_a_window_ends_with_the_minute_under_way(bench: Bench, measured: FakeMeasurements) -> None:
    measured.given = [Minute(AT - 60 * ago, counts={REQUESTS: 1}) for ago in range(20)]
    assert (await bench.get("/api/performance", window=900))["requests"] == 15
    assert (await bench.get("/api/performance", window=60))["requests"] == 1
    assert measured.asked == [AT - 14 * 60, AT]
    said = await bench.get("/api/performance", window=120)
    assert (said["requests"], said["measured_seconds"], said["requests_per_second"]) == (
        2,
        90,
        pytest.approx(2 / 90, rel=1e-4),
    )


@pytest.mark.parametrize("window", [59, 86_401, 0, -60, "soon"])
async def test_an_impossible_window_is_refused(bench: Bench, measured: FakeMeasurements, window: object) -> None:
    await bench.get("/api/performance", 422, window=window)


async def test_it_says_how_many_were_heard_and_what_stood_in_the_way(bench: Bench, measured: FakeMeasurements) -> None:
    measured.processes, measured.problem = 1, "The database cannot be used."
    for path in ("/api/performance", "/api/performance/history"):
        said = await bench.get(path)
        assert (said["processes"], said["problem"]) == (1, "The database cannot be used.")


async def test_the_history_goes_from_the_oldest_step_to_the_newest(bench: Bench, measured: FakeMeasurements) -> None:
    others = [Minute(AT - 60 * ago, counts={REQUESTS: 60, ERRORS: 1}) for ago in (0, 1, 2, 90)]
    quick = [Minute(AT - 60 * ago, {CACHED: spread([0.2e-3])}, {REQUESTS: 60}) for ago in (2, 0)]
    asked = [Minute(AT - 60, {OANDA: spread([80e-3])})]
    measured.given = others + quick + asked
    said = await bench.get("/api/performance/history", hours=2)
    points = said["points"]
    assert [point["at"] for point in points] == [
        "2026-03-03T08:30:00Z",
        "2026-03-03T09:58:00Z",
        "2026-03-03T09:59:00Z",
        "2026-03-03T10:00:00Z",
    ]
    assert [point["requests"] for point in points] == [60, 120, 60, 120]
    assert [point["requests_per_second"] for point in points] == [1, 2, 1, 4], "half of the last minute is over"
    assert [point["errors"] for point in points] == [1, 1, 1, 1]
    assert [point["values"]["response_time_cached"] for point in points] == [
        None,
        pytest.approx(0.2, rel=0.011),
        None,
        pytest.approx(0.2, rel=0.011),
    ]
    assert [point["times"]["response_time_cached"]["p50"] for point in points] == [
        None,
        pytest.approx(0.2, rel=0.011),
        None,
        pytest.approx(0.2, rel=0.011),
    ]
    assert [point["times"]["oanda_time"]["p95"] for point in points] == [None, None, pytest.approx(80, rel=0.011), None]
    assert (await bench.get("/api/performance/history", hours=1))["count"] == 3
    hourly = (await bench.get("/api/performance/history", hours=2, step=3600))["points"]
    assert [(point["at"][11:16], point["requests"]) for point in hourly] == [
        ("08:00", 60),
        ("09:00", 180),
        ("10:00", 120),
    ]


async def test_a_day_by_the_minute_is_the_most_there_is(bench: Bench, measured: FakeMeasurements) -> None:
    measured.given = [Minute(AT - 60 * ago, counts={REQUESTS: 1}) for ago in range(2_000)]
    assert (await bench.get("/api/performance/history"))["count"] == 1_440
    for wrong in ({"step": 30}, {"step": 90}, {"hours": 25}, {"hours": 0}):
        await bench.get("/api/performance/history", 422, **wrong)


async def test_what_took_long_comes_newest_first(bench: Bench, measured: FakeMeasurements) -> None:
    for n in range(5):
        bench.services.database.figures.slow.add(Slow(AT + n, "query", f"signals.page {n}", 0.25, detail="SELECT"))
    slow = SlowLog()
    slow.add(Slow(AT + 9, "request", "GET /api/signals", 1.5, 200, "ab" * 16))
    bench.app.state.services = replace(bench.services, slow=slow)
    said = await bench.get("/api/performance/slow", limit=2)
    assert said["slow"] == [
        {
            "at": "2026-03-03T10:00:09Z",
            "kind": "request",
            "name": "GET /api/signals",
            "ms": 1500.0,
            "status": 200,
            "trace": "ab" * 16,
            "detail": "",
        },
        {
            "at": "2026-03-03T10:00:04Z",
            "kind": "query",
            "name": "signals.page 4",
            "ms": 250.0,
            "status": None,
            "trace": None,
            "detail": "SELECT",
        },
    ]
    assert (said["count"], said["scope"]) == (2, "process")
    assert (await bench.get("/api/performance/slow"))["count"] == 6


@pytest.mark.parametrize("path", ["/api/performance", "/api/performance/history", "/api/performance/slow"])
async def test_where_nothing_is_measured_the_setting_is_named(bench: Bench, path: str) -> None:
    bench.app.state.services = replace(bench.services, measurements=None)
    said = await bench.get(path, 404)
    assert said["status"] == 404
    assert "ENABLE_METRICS" in said["detail"] + said["advice"]


@pytest.mark.parametrize("options", [ApiOptions(api_key="s3cr3t-key")])
async def test_it_is_for_those_with_the_key(bench: Bench, measured: FakeMeasurements) -> None:
    await bench.get("/api/performance", 401)


async def test_every_field_is_documented(bench: Bench, measured: FakeMeasurements) -> None:
    measured.given = [Minute(AT, {CACHED: spread([0.001])}, {REQUESTS: 1})]
    bench.services.slow.add(Slow(AT, "query", "a", 1.0))
    schemas = (await bench.get("/openapi.json"))["components"]["schemas"]

    def held(body: dict[str, Any], shape: str) -> None:
        assert set(body) <= set(schemas[shape]["properties"]), shape
        assert set(schemas[shape]["required"]) <= set(body), shape

    said = await bench.get("/api/performance")
    held(said, "Performance")
    for one in said["indicators"]:
        held(one, "Indicator")
        for claim in (*one["target"], one["plan"]):
            held(claim, "Claim")
    for one in said["endpoints"]:
        held(one, "Endpoint")
        held(one["cached"], "AnswerTimes")
    history = await bench.get("/api/performance/history")
    held(history, "History")
    held(history["points"][0], "Point")
    slow = await bench.get("/api/performance/slow")
    held(slow, "SlowOnes")
    held(slow["slow"][0], "Slow")


async def test_the_targets_can_be_had_alone(bench: Bench) -> None:
    given = FakeMeasurements([Minute(int(time.time()) // 60 * 60, {CACHED: spread([0.0005])})])
    bodies = await target_bodies(given)
    assert [(one["name"], one["status"]) for one in bodies][:2] == [
        ("response_time_cached", "met"),
        ("response_time_uncached", "no_data"),
    ]
