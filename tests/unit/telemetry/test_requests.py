"""The count of requests: right, bounded, and untouched by clocks that jump."""

import io
import time
from http import HTTPStatus

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.telemetry.logs import configure_logs
from alphaforge.telemetry.request_lines import RequestLines
from alphaforge.telemetry.requests import Note, RequestTimes

LABELS = ("GET", "/api/signals", "200", "hit")


def hit(nanoseconds: int, route: str = "/api/signals", status: int = 200) -> Note:
    return route, b"id", status, 10, 5_000, 5_000 + nanoseconds


def test_a_request_is_counted_under_its_labels_with_its_seconds() -> None:
    times = RequestTimes()
    for seconds in (0.5, 1.5):
        times.begin()
        times.end("POST", "/api/jobs", 202, "none", seconds)
    (labels, spread), *rest = times.copy().items()
    assert not rest
    assert labels == ("POST", "/api/jobs", "202", "none")
    assert (spread.count, spread.total, spread.largest) == (2, 2.0, 1.5)


@given(st.lists(st.integers(2_000, 10**9), min_size=1, max_size=50))
def test_hits_come_back_by_number_sum_and_quantile(durations: list[int]) -> None:
    times = RequestTimes()
    times.add_hits([hit(one) for one in durations])
    spread = times.copy()[LABELS]
    assert spread.count == len(durations)
    assert spread.total == pytest.approx(sum(durations) / 1e9, rel=0.01)
    assert spread.largest == pytest.approx(max(durations) / 1e9, rel=0.01)


def test_hits_are_told_apart_by_route_and_status_and_are_there_whenever_somebody_looks() -> None:
    times = RequestTimes()
    times.add_hits([hit(9_000), hit(9_000, status=304), hit(9_000, "/api/stats")])
    assert {labels: spread.count for labels, spread in times.copy().items()} == {
        LABELS: 1,
        ("GET", "/api/signals", "304", "hit"): 1,
        ("GET", "/api/stats", "200", "hit"): 1,
    }
    times.add_hits([hit(9_000)] * 3)
    assert times.copy()[LABELS].count == 4


def test_what_waits_to_be_taken_in_is_bounded() -> None:
    times = RequestTimes()
    for number in range(200):
        times.add_hits([hit(32 * (100 * number + part)) for part in range(100)])
        assert len(times._hits) < 5_000
    assert times.copy()[LABELS].count == 20_000


def test_a_copy_counts_no_further() -> None:
    times = RequestTimes()
    times.add_hits([hit(9_000)])
    before = times.copy()
    times.add_hits([hit(9_000)])
    assert before[LABELS].count == 1


@pytest.mark.parametrize(
    ("method", "route", "status", "labels"),
    [
        ("BREW", "/api/jobs", 405, ("other", "/api/jobs", "405", "none")),
        ('GET"} 1\n', None, 404, ("other", "unmatched", "404", "none")),
        ("GET", None, 999, ("GET", "unmatched", "500", "none")),
        ("GET", "", 0, ("GET", "unmatched", "500", "none")),
    ],
)
def test_labels_are_of_the_known_few(method: str, route: str | None, status: int, labels: tuple[str, ...]) -> None:
    times = RequestTimes()
    times.begin()
    times.end(method, route, status, "none", 0.1)
    assert set(times.copy()) == {labels}


def test_every_method_and_status_there_is_makes_a_bounded_number_of_series() -> None:
    times = RequestTimes()
    for method in ("GET", *(f"M{number}" for number in range(100))):
        for status in range(1_000):
            times.begin()
            times.end(method, None, status, "none", 0.1)
    assert len(times.copy()) == 2 * len(HTTPStatus)
    assert times.under_way == 0


def test_the_peak_is_that_since_it_was_taken_last() -> None:
    times = RequestTimes()
    for _ in range(3):
        times.begin()
    times.end("GET", "/", 200, "none", 0.1)
    assert times.take_peak() == 3
    assert times.take_peak() == 2, "those that are still under way"


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
async def test_hits_are_counted_whether_their_lines_are_wanted_or_not(stream: io.StringIO, level: str) -> None:
    times = RequestTimes()
    configure_logs("json", level, stream=stream)
    lines = RequestLines(stream, times)
    lines.line(hit(9_000))
    lines.flush()
    assert times.copy()[LABELS].count == 1
    assert bool(stream.getvalue()) == (level == "INFO")


async def test_a_reader_of_the_log_that_went_away_does_not_stop_the_count(stream: io.StringIO) -> None:
    times = RequestTimes()
    configure_logs("json", stream=stream)
    lines = RequestLines(stream, times)
    stream.close()
    for _ in range(2):
        lines.line(hit(9_000))
        lines.flush()
    assert times.copy()[LABELS].count == 2


async def test_a_line_is_stamped_by_the_wall_clock_of_when_it_is_written(stream: io.StringIO) -> None:
    configure_logs("json", stream=stream)
    lines = RequestLines(stream)
    with time_machine.travel("2031-05-06T07:08:09Z", tick=False):
        now = time.perf_counter_ns()
        lines.line(("/", b"a", 200, 1, now - 40_000, now))
        lines.flush()
    assert '"2031-05-06T07:08:0' in stream.getvalue()
    assert '"ms": 0.04' in stream.getvalue()
