"""Figures for others: Prometheus's own parser reads back what was counted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.exposition import plain, prometheus_text
from alphaforge.telemetry.figures import FAMILIES, Across, Kind, Snapshot, Values


def read(values: dict[str, Values]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text, _ = prometheus_text(Snapshot("here-1", 0.0, values))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def spread_of(*values: float) -> Distribution:
    made = Distribution()
    for value in values:
        made.add(value)
    return made


def test_counters_and_gauges_come_back_with_their_labels() -> None:
    found = read(
        {
            "alphaforge_cache_answers_total": {("hit",): 7, ("miss",): 2},
            "alphaforge_requests_in_flight": {(): 3},
        }
    )
    assert found == {
        ("alphaforge_cache_answers_total", (("result", "hit"),)): 7,
        ("alphaforge_cache_answers_total", (("result", "miss"),)): 2,
        ("alphaforge_requests_in_flight", ()): 3,
    }


def test_a_histogram_comes_back_with_count_sum_and_what_lies_below_each_edge() -> None:
    spread = spread_of(0.000_01, 0.000_03, 0.3, 100.0)
    found = read({"alphaforge_query_seconds": {("list",): spread}})
    buckets = {
        float(dict(labels)["le"]): value for (name, labels), value in found.items() if name.endswith("_seconds_bucket")
    }
    assert min(buckets) == 2.0**-16
    assert sorted(buckets)[-2:] == [16.0, math.inf]
    assert [buckets[2.0**-16], buckets[2.0**-15], buckets[0.25], buckets[0.5], buckets[16.0]] == [1, 2, 2, 3, 3]
    assert buckets[math.inf] == 4
    assert found["alphaforge_query_seconds_count", (("method", "list"),)] == 4
    assert found["alphaforge_query_seconds_sum", (("method", "list"),)] == pytest.approx(100.300_04)


def test_bytes_have_edges_of_their_own() -> None:
    found = read({"alphaforge_generation_peak_bytes": {(): spread_of(120 * 2.0**20)}})
    assert found["alphaforge_generation_peak_bytes_bucket", (("le", repr(2.0**27)),)] == 1
    assert found["alphaforge_generation_peak_bytes_bucket", (("le", repr(2.0**26)),)] == 0


def test_what_a_process_says_of_itself_names_it_unless_it_is_named_already() -> None:
    values: Values = {(): 5.0, ("there-2",): 6.0}
    found = read({"alphaforge_process_threads": values, "alphaforge_stream_listeners": {(): 1}})
    assert found["alphaforge_process_threads", (("process", "here-1"),)] == 5
    assert found["alphaforge_process_threads", (("process", "there-2"),)] == 6
    assert found["alphaforge_stream_listeners", ()] == 1


@given(st.text(max_size=50))
def test_no_label_breaks_the_text(label: str) -> None:
    """None is a client's text; should one be by mistake, it stays within its quotes."""
    found = read({"alphaforge_slow_requests_total": {(label,): 1}, "alphaforge_requests_in_flight": {(): 3}})
    assert found["alphaforge_requests_in_flight", ()] == 3
    assert len(found) == 2
    assert ("alphaforge_slow_requests_total", (("route", label),)) in found


def test_every_family_there_is_can_be_told_in_either_format() -> None:
    values: dict[str, Values] = {}
    for family in FAMILIES:
        labels = tuple(f"a {name}" for name in family.labels)
        values[family.name] = {labels: spread_of(1.0) if family.kind is Kind.HISTOGRAM else 1.0}
    snapshot = Snapshot("here-1", 0.0, values)
    text, kind = prometheus_text(snapshot)
    assert kind.startswith("text/plain")
    told = {family.name: family for family in text_string_to_metric_families(text.decode())}
    assert {family.name.removesuffix("_total") for family in FAMILIES} == set(told)
    for family in FAMILIES:
        assert told[family.name.removesuffix("_total")].type == family.kind
        assert told[family.name.removesuffix("_total")].documentation == family.text
    text, kind = prometheus_text(snapshot, "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert len(list(openmetrics.text_string_to_metric_families(text.decode()))) == len(FAMILIES)
    assert set(plain(snapshot)) == {family.name for family in FAMILIES}


def test_a_figure_of_a_newer_version_is_left_out() -> None:
    assert read({"alphaforge_from_the_future": {(): 1}}) == {}


def test_as_plain_values_a_distribution_has_count_sum_and_quantiles() -> None:
    seconds = spread_of(*(number / 100 for number in range(1, 101)))
    told = plain(Snapshot("here-1", 0.0, {"alphaforge_query_seconds": {("list",): seconds, ("none",): Distribution()}}))
    family = told["alphaforge_query_seconds"]
    assert isinstance(family, dict)
    some, none = family["samples"]
    assert some["labels"] == {"method": "list"}
    assert (some["count"], some["sum"]) == (100, pytest.approx(50.5))
    assert [some[name] for name in ("p50", "p95", "p99")] == pytest.approx([0.5, 0.95, 0.99], rel=0.011)
    assert (none["count"], none["p99"]) == (0, None)


def test_only_what_processes_say_each_of_themselves_has_their_name() -> None:
    told = plain(Snapshot("p", 0.0, {family.name: {} for family in FAMILIES}))
    for family in FAMILIES:
        one = told[family.name]
        assert isinstance(one, dict)
        assert ("process" in one["labels"]) == (family.across is Across.EACH)
