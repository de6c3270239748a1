import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.backtests.axes import Scale, bounds, date_ticks, number_labels, ticks
from alphaforge.backtests.plots import heatmap, histogram, intervals, time_line
from alphaforge.core.times import parse_rfc3339

_NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
DAY = 86_400


@given(_NUMBERS, _NUMBERS, st.integers(2, 10))
def test_ticks_are_few_round_and_within(low: float, high: float, most: int) -> None:
    low, high = bounds([low, high])
    found = ticks(low, high, most)
    assert len(found) <= most + 1
    room = (high - low) * 1e-6
    assert all(low - room <= tick <= high + room for tick in found)
    assert found == sorted(set(found))
    labels = number_labels(found)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (8_300.0, 12_100.0, ["9,000", "10,000", "11,000", "12,000"]),
        (-0.3, 0.1, ["\u22120.3", "\u22120.2", "\u22120.1", "0.0", "0.1"]),
    ],
)
def test_labels_tell_ticks_apart(low: float, high: float, labels: list[str]) -> None:
    assert number_labels(ticks(low, high, 5)) == labels


@pytest.mark.parametrize(
    ("start", "days", "labels"),
    [
        ("2025-07-07", 4, ["7 Jul", "8 Jul", "9 Jul", "10 Jul", "11 Jul"]),
        ("2024-11-20", 280, ["Jan 2025", "Mar", "May", "Jul"]),
        ("2015-01-01", 3_660, ["2016", "2018", "2020", "2022", "2024"]),
    ],
)
def test_dates_are_days_months_or_years(start: str, days: int, labels: list[str]) -> None:
    first = parse_rfc3339(f"{start}T00:00:00Z")
    assert [label for _, label in date_ticks(first, first + days * DAY)] == labels


@given(st.integers(0, 2_000_000_000), st.integers(1, 20_000))
def test_date_ticks_are_few_and_within(first: int, days: int) -> None:
    found = date_ticks(first, first + days * DAY)
    assert len(found) <= 8
    assert all(first <= moment <= first + days * DAY for moment, _ in found)


def test_a_scale_turns_values_into_places() -> None:
    up = Scale(0.0, 10.0, 200.0, 0.0)
    assert [up.at(value) for value in (0, 5, 10)] == [200.0, 100.0, 0.0]


DRAWINGS = {
    "line": time_line("A <b>", [0.0, DAY, 2 * DAY], [1.0, float("nan"), 3.0], said='"x"', level=2.0),
    "flat line": time_line("A", [0.0], [1.0], said="x", level=1.0),
    "empty line": time_line("A", [], [], said="x"),
    "histogram": histogram("A", [-1.0, 0.0, 1.0], [3, 0], said="x", unit=" R"),
    "marked histogram": histogram("A", [0.0, 0.5, 1.0], [3, 5], said="x", unit="", mark=(4.0, "<this>")),
    "empty histogram": histogram("A", [], [], said="x", unit=""),
    "intervals": intervals("A", [("<a>", 0.1, -0.1, 0.3), ("b", 0.2, None, None), ("c", None, None, None)], said="x"),
    "empty intervals": intervals("A", [], said="x"),
    "map": heatmap("A", ("<x>", ["1", "2"]), ("y", ["1"]), [[0.5, None]], said="x"),
    "wide map": heatmap("A", ("x", [str(n) for n in range(40)]), ("y", ["1"]), [[1.2] * 40], said="x", level=1.0),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_well_formed_and_stays_on_its_paper(name: str) -> None:
    figure = ET.fromstring(DRAWINGS[name])  # noqa: S314 - our own drawing
    svg = figure.find("svg")
    assert svg is not None
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"].startswith("A")
    for element in svg.iter():
        for key, most in (("x", width), ("x1", width), ("x2", width), ("cx", width), ("y", height), ("cy", height)):
            assert 0 <= float(element.attrib.get(key, 0)) <= most
        assert "nan" not in " ".join(element.attrib.values())


def test_texts_are_escaped() -> None:
    assert not [name for name, text in DRAWINGS.items() if re.search(r"<(b|a|x|this)>", text)]
