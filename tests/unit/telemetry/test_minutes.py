"""A minute is the difference of two snapshots."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.distribution import STEPS
from alphaforge.telemetry.minutes import (
    ASKED,
    CACHED,
    CONCURRENT,
    ERRORS,
    GENERATION_PEAK,
    HITS,
    OANDA,
    QUERY,
    REQUESTS,
    SHED,
    UNCACHED,
    Minute,
    cached_name,
    errors_name,
    minute_of,
)
from measured import Requests, snapshot

SECONDS = st.floats(1e-6, 100)
LABELS = st.tuples(
    st.sampled_from(["GET", "POST", "other"]),
    st.sampled_from(["/api/signals", "/api/signals/enhanced/generate", "/health/ready", "/api/jobs", "unmatched"]),
    st.sampled_from(["200", "304", "404", "500", "502", "503"]),
    st.sampled_from(["hit", "miss", "bypass", "none"]),
)
TRAFFIC = st.dictionaries(LABELS, st.lists(SECONDS, min_size=1, max_size=20), max_size=12)
WITHIN = 2 ** (0.5 / STEPS) * (1 + 1e-9)
SIGNALS, GENERATE = "/api/signals", "/api/signals/enhanced/generate"


def joined(some: Requests, others: Requests) -> Requests:
    return {labels: [*some.get(labels, ()), *others.get(labels, ())] for labels in {*some, *others}}


@given(TRAFFIC, TRAFFIC)
def test_a_minute_is_what_came_after_the_snapshot_before_it(earlier: Requests, later: Requests) -> None:
    minute = minute_of(snapshot(joined(earlier, later)), snapshot(earlier), {}, 60)
    alone = minute_of(snapshot(later), None, {}, 60)
    assert minute.counts == alone.counts
    assert minute.spreads.keys() == alone.spreads.keys()
    everything = [value for some in (*earlier.values(), *later.values()) for value in some]
    for name, spread in minute.spreads.items():
        assert (spread.count, spread.buckets) == (alone.spreads[name].count, alone.spreads[name].buckets)
        assert spread.total == pytest.approx(alone.spreads[name].total, abs=1e-9 * sum(everything))
        truth = alone.spreads[name].largest
        assert truth / WITHIN <= spread.largest <= truth * WITHIN


@given(TRAFFIC)
def test_every_request_is_counted_where_it_belongs_and_nowhere_else(traffic: Requests) -> None:
    def number(*, cache: str = "", method: str = "", status: str = "") -> int:
        return sum(
            len(some)
            for (how, route, ended, kept), some in traffic.items()
            if (not cache or kept in cache.split())
            and how in {method, method or how}
            and (not status or (ended in status.split() and route != "/health/ready"))
        )

    minute = minute_of(snapshot(traffic), None, {}, 60)
    counts = {name: minute.counts.get(name, 0) for name in (REQUESTS, HITS, ASKED, SHED, ERRORS)}
    assert counts == {
        REQUESTS: number(),
        HITS: number(cache="hit"),
        ASKED: number(cache="hit")
        + sum(
            len(some)
            for (_, _, status, cache), some in traffic.items()
            if cache in {"miss", "bypass"} and status in {"200", "304"}
        ),
        SHED: number(status="503"),
        ERRORS: number(status="500 502"),
    }
    spreads = {name: spread.count for name, spread in minute.spreads.items() if name in {CACHED, UNCACHED}}
    expected = {CACHED: number(cache="hit"), UNCACHED: number(cache="miss bypass", method="GET")}
    assert spreads == {name: count for name, count in expected.items() if count}


def test_the_plans_endpoints_are_kept_apart_by_route_and_method() -> None:
    traffic = {
        ("GET", SIGNALS, "200", "hit"): [0.001] * 4,
        ("GET", SIGNALS, "200", "miss"): [0.004] * 2,
        ("GET", SIGNALS, "503", "bypass"): [3.0],
        ("POST", SIGNALS, "200", "none"): [0.1],
        ("POST", GENERATE, "200", "none"): [0.5],
        ("GET", "/api/stats", "500", "miss"): [0.2],
    }
    minute = minute_of(snapshot(traffic), None, {}, 60)
    counted = {name: spread.count for name, spread in minute.spreads.items() if name.startswith("/")}
    assert counted == {cached_name(SIGNALS): 4, SIGNALS: 3, GENERATE: 1, "/api/stats": 1}
    assert (minute.counts[errors_name(SIGNALS)], minute.counts[errors_name("/api/stats")]) == (1, 1)


def test_readiness_that_is_denied_is_no_request_refused() -> None:
    minute = minute_of(snapshot({("GET", "/health/ready", "503", "none"): [0.001]}), None, {}, 60)
    assert minute.counts == {REQUESTS: 1}


def test_statements_peaks_and_times_of_oanda_are_taken_whoever_asked() -> None:
    queries = {"signals.page": [0.001, 0.003], "journal.statistics": [0.002]}
    minute = minute_of(snapshot(queries=queries, peaks=[118e6], oanda=[0.08, 0.1]), None, {CONCURRENT: 7}, 120)
    assert (minute.at, minute.peaks) == (120, {CONCURRENT: 7})
    assert minute.spreads[QUERY].count == 3
    assert minute.spreads[QUERY].mean == pytest.approx(0.002)
    assert minute.spreads[GENERATION_PEAK].largest == 118e6
    assert minute.spreads[OANDA].mean == pytest.approx(0.09)


def test_an_earlier_peak_is_not_this_minutes() -> None:
    before, now = snapshot(peaks=[126e6]), snapshot(peaks=[126e6, 100e6])
    assert minute_of(now, before, {}, 60).spreads[GENERATION_PEAK].largest == pytest.approx(100e6, rel=0.011)


def test_another_processs_snapshot_is_none_of_before() -> None:
    traffic = {("GET", SIGNALS, "200", "hit"): [0.001]}
    minute = minute_of(snapshot(traffic), snapshot(traffic, process="host-2"), {}, 60)
    assert minute.counts[REQUESTS] == 1


def test_what_is_given_stays_as_it_is() -> None:
    traffic = {("GET", SIGNALS, "200", "hit"): [0.001], ("GET", "/api/stats", "200", "hit"): [0.002]}
    now, peaks = snapshot(traffic), {CONCURRENT: 1.0}
    minute = minute_of(now, None, peaks, 60)
    minute.merge(Minute(60, peaks={CONCURRENT: 2.0}))
    assert peaks == {CONCURRENT: 1.0}
    assert now == snapshot(traffic)


@pytest.mark.parametrize("two", [False, True], ids=["one process", "two processes"])
def test_a_script_of_durations_comes_back(two: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Means and counts exactly, quantiles within 1.1 %."""
    hits = [20e-6 * 1.01**step for step in range(400)]
    reads = [0.5e-3 * 1.007**step for step in range(300)]
    labels = {"hit": hits, "miss": reads}
    halves = [slice(None, None, 2), slice(1, None, 2)] if two else [slice(None)]
    together = Minute(60)
    for number, half in enumerate(halves):
        traffic = {("GET", SIGNALS, "200", cache): values[half] for cache, values in labels.items()}
        together.merge(minute_of(snapshot(traffic, process=f"host-{number}"), None, {}, 60))
    assert (together.counts[HITS], together.counts[ASKED]) == (400, 700)
    for name, values in ((CACHED, hits), (UNCACHED, reads)):
        said = together.spreads[name]
        assert said.mean == pytest.approx(sum(values) / len(values), rel=1e-9)
        for share in (0.5, 0.95, 0.99):
            truth = values[math.ceil(share * len(values)) - 1]
            assert said.quantile(share) == pytest.approx(truth, rel=0.011)
