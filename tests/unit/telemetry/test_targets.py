"""Targets: met at their limit, missed beyond it, and nothing made up where nothing was measured."""

from itertools import permutations

import pytest

from alphaforge.telemetry.endpoints import endpoints
from alphaforge.telemetry.minutes import (
    ASKED,
    CACHED,
    CONCURRENT,
    CONNECTIONS,
    GENERATION_PEAK,
    HITS,
    OANDA,
    QUERY,
    REQUESTS,
    SHED,
    UNCACHED,
    Minute,
    by_minute,
    cached_name,
    errors_name,
)
from alphaforge.telemetry.targets import Claim, Indicator, Status, Values, fares, indicators, whole
from measured import spread

MET, MISSED, NO_DATA, UNPROVEN = Status.MET, Status.MISSED, Status.NO_DATA, Status.UNPROVEN


def found(*minutes: Minute) -> dict[str, Indicator]:
    return {one.target.name: one for one in indicators(by_minute(minutes))}


def test_nothing_is_made_up_of_no_minutes() -> None:
    for one in found().values():
        assert (one.status, one.plan_status, one.value, one.count) == (NO_DATA, NO_DATA, None, 0)
        assert set(one.values.values()) == {None}


def test_nothing_is_made_up_of_an_idle_minute() -> None:
    idle = found(Minute(60, peaks={CONNECTIONS: 3}))
    assert {one.status for one in idle.values()} == {NO_DATA}
    assert {one.value for one in idle.values()} == {None}


@pytest.mark.parametrize(
    ("limit", "at_least", "value", "status"),
    [
        (1.0, False, 1.0, MET),
        (1.0, False, 1.0000001, MISSED),
        (95.0, True, 95.0, MET),
        (95.0, True, 94.9999, MISSED),
        (1.0, False, None, NO_DATA),
    ],
)
def test_a_limit_itself_is_kept(limit: float, at_least: bool, value: float | None, status: Status) -> None:  # noqa: FBT001 - a parameter of the test
    values: Values = {"p99": value}
    assert fares(Claim("p99", limit, at_least), values) is status


@pytest.mark.parametrize(
    ("name", "source", "fits", "exceeds"),
    [
        ("response_time_cached", CACHED, 0.97e-3, 1.03e-3),
        ("response_time_uncached", UNCACHED, 7.8e-3, 8.2e-3),
        ("query_time", QUERY, 1.9e-3, 2.1e-3),
        ("generation_memory", GENERATION_PEAK, 110e6, 110.1e6),
    ],
)
def test_each_target_is_met_below_its_limit_and_missed_above(
    name: str, source: str, fits: float, exceeds: float
) -> None:
    for value, status in ((fits, MET), (exceeds, MISSED)):
        one = found(Minute(60, {source: spread([value] * 100)}))[name]
        assert (one.status, one.count) == (status, 100)
        scale = 1e-6 if one.target.unit == "MB" else 1e3
        assert one.value == pytest.approx(value * scale, rel=0.011)


def test_the_slowest_hundredth_decides_and_no_smaller_share() -> None:
    for slow, status in ((10, MET), (11, MISSED)):
        minute = Minute(60, {CACHED: spread([0.1e-3] * (1_000 - slow) + [0.5] * slow)})
        assert found(minute)["response_time_cached"].status is status


def test_a_spread_is_told_by_its_mean_its_ranks_and_its_largest() -> None:
    said = found(Minute(60, {UNCACHED: spread([step / 1_000 for step in range(1, 101)])}))["response_time_uncached"]
    assert (said.values["mean"], said.values["peak"]) == (pytest.approx(50.5), 100.0)
    assert [said.values[name] for name in ("p50", "p95", "p99")] == pytest.approx([50, 95, 99], rel=0.011)


def test_queries_must_keep_both_their_mean_and_their_slowest() -> None:
    quick_but_for_some = spread([0.1e-3] * 98 + [0.03] * 2)
    one = found(Minute(60, {QUERY: quick_but_for_some}))["query_time"]
    assert [one.status_of(claim) for claim in one.target.claims] == [MET, MISSED]
    assert (one.status, one.plan_status) == (MISSED, MET)
    assert one.value == pytest.approx((98 * 0.1 + 60) / 100)


def test_ours_and_the_plans_target_fare_apart() -> None:
    memory = found(Minute(60, {GENERATION_PEAK: spread([105e6])}))["generation_memory"]
    assert (memory.value, memory.status, memory.plan_status) == (105.0, MET, MISSED)
    rate = found(Minute(60, counts={ASKED: 100, HITS: 80}))["cache_hit_rate"]
    assert (rate.value, rate.count, rate.status, rate.plan_status) == (80.0, 100, MISSED, MET)
    enough = found(Minute(60, counts={ASKED: 20, HITS: 19}))["cache_hit_rate"]
    assert (enough.value, enough.status) == (95.0, MET)


@pytest.mark.parametrize(
    ("minutes", "ours", "plan"),
    [
        ([(49, 0)], UNPROVEN, UNPROVEN),
        ([(50, 0)], UNPROVEN, MET),
        ([(1_000, 0)], MET, MET),
        ([(999, 1)], MISSED, UNPROVEN),
        ([(49, 1)], MISSED, MISSED),
        ([(1_000, 1)], UNPROVEN, UNPROVEN),
        ([(1_000, 1), (1_200, 0)], MET, MET),
        ([(1_200, 0), (10, 1)], MISSED, MISSED),
    ],
)
def test_so_many_at_once_are_proven_by_coming_and_disproven_by_being_refused_below_it(
    minutes: list[tuple[int, int]], ours: Status, plan: Status
) -> None:
    made = [
        Minute(60 * number, counts={REQUESTS: 5, SHED: shed}, peaks={CONNECTIONS: most, CONCURRENT: 2})
        for number, (most, shed) in enumerate(minutes)
    ]
    one = found(*made)["concurrent_requests"]
    assert (one.status, one.plan_status) == (ours, plan)
    assert one.value == max(most for most, _ in minutes)


def test_requests_under_way_count_where_they_are_more_than_connections() -> None:
    one = found(Minute(60, counts={REQUESTS: 1}, peaks={CONNECTIONS: 3, CONCURRENT: 40}))["concurrent_requests"]
    assert one.value == 40


def test_peaks_of_processes_add_up_within_a_minute_and_never_over_minutes_in_any_order() -> None:
    minutes = [
        Minute(60, peaks={CONCURRENT: 30}),
        Minute(60, peaks={CONCURRENT: 25}),
        Minute(120, peaks={CONCURRENT: 40}),
    ]
    for some in permutations(minutes):
        assert whole(by_minute(some)).peaks == {CONCURRENT: 55}
    assert [one.peaks[CONCURRENT] for one in minutes] == [30, 25, 40]


def test_of_an_endpoint_the_slowest_hundredth_from_memory_and_twentieth_of_the_rest_decide() -> None:
    path = "/api/signals"
    for name, slow, status in (
        (cached_name(path), 1, MET),
        (cached_name(path), 2, MISSED),
        (path, 5, MET),
        (path, 6, MISSED),
    ):
        one = endpoints([Minute(60, {name: spread([0.0005] * (100 - slow) + [0.5] * slow)})])[0]
        answers = one.cached if name != path else one.uncached
        assert answers.claim is not None
        assert fares(answers.claim, answers.values) is status


def test_endpoints_are_reported_one_by_one_with_what_is_promised() -> None:
    path, generate = "/api/signals", "/api/signals/enhanced/generate"
    spreads = {cached_name(path): spread([0.0005] * 3), path: spread([0.02]), generate: spread([0.09])}
    counts: dict[str, float] = {errors_name(path): 1}
    listed, generated, statistics, stats = endpoints([Minute(60, spreads | {OANDA: spread([0.08])}, counts)])
    assert (listed.requests, listed.errors, listed.from_memory) == (4, 1, 75.0)
    assert listed.cached.claim is not None
    assert listed.uncached.claim is not None
    assert fares(listed.cached.claim, listed.cached.values) is MET
    assert fares(listed.uncached.claim, listed.uncached.values) is MISSED
    assert (generated.requests, generated.from_memory, generated.uncached.claim) == (1, None, None)
    assert generated.oanda_mean == pytest.approx(80)
    assert listed.oanda_mean is None
    assert (statistics.requests, statistics.from_memory, statistics.uncached.values["mean"]) == (0, None, None)
    assert statistics.uncached.claim is not None
    assert fares(statistics.uncached.claim, statistics.uncached.values) is NO_DATA
    assert (stats.cached.claim, stats.target.plan) == (None, None)
