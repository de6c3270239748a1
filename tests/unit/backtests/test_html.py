import json
from copy import deepcopy
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import pytest

from alphaforge.backtests.compare import compared
from alphaforge.backtests.composition import composed
from alphaforge.backtests.grid import parse_sweep
from alphaforge.backtests.html import html_of
from alphaforge.backtests.page import number, percent
from alphaforge.backtests.perform import perform
from alphaforge.backtests.plan import Plan
from alphaforge.backtests.report import report_of
from alphaforge.backtests.schedule import Schedule
from alphaforge.backtests.walk_forward import Folds
from alphaforge.core.errors import InvalidInput
from backtest_runs import controls, market, period, whole

_VOID = {"meta"}
HOSTILE = "<script>alert('x')</script>\"><img src=http://evil onerror=alert(1)>&"


class Page(HTMLParser):
    """The tags of a page, which must be closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def grid() -> dict[str, Any]:
    start, end = period()
    return composed_of(Plan(("GBP_USD", "XAU_USD"), start, end, sweep=parse_sweep(["stop=1,2", "ema_fast=4,9"])))


def walk_forward() -> dict[str, Any]:
    day, (_, end) = 86_400.0, period()
    names = ("GBP_USD", "XAU_USD")
    return composed_of(Plan(names, end - 8 * day, end, folds=Folds(4 * day, 4 * day)))


def composed_of(plan: Plan) -> dict[str, Any]:
    schedule, results = Schedule.of(plan), {}
    while tasks := schedule.ready(results):
        results[tasks[0].number] = perform(tasks[0], market(), seeds=3)
    return composed(plan, results)


@lru_cache
def single() -> dict[str, Any]:
    return report_of(whole(), controls=controls(), version="1.2.3")


def comparison() -> dict[str, Any]:
    return compared([single(), report_of(whole())])


@pytest.fixture(scope="module", params=[single, grid, walk_forward, comparison])
def document(request: pytest.FixtureRequest) -> Any:
    return json.loads(json.dumps(request.param()))


def hostile(value: Any) -> Any:
    """Every text of a document, keys that are data among them, as somebody would write who means harm."""
    if isinstance(value, dict):
        return {key: hostile(one) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return HOSTILE if value in {"GBP_USD", "XAU_USD", "walk", "1.2.3", "2025", "A", "BUY", "WON"} else value


def test_a_page_needs_nothing_but_itself(document: dict[str, Any]) -> None:
    text = html_of(document)
    page = Page(text)
    assert not page.open
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "a"}
    assert "http" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in {"href", "src", "style"}]
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text


def test_a_page_begins_with_what_the_evidence_supports(document: dict[str, Any]) -> None:
    assert document["sentence"] in Page(html_of(document)).text


def test_every_comparison_is_told() -> None:
    told = compared([single()] * 3)
    page = Page(html_of(told)).text
    assert [one["sentence"] in page for one in told["differences"]] == [True, True]


def test_a_plot_says_what_it_shows_to_those_who_listen(document: dict[str, Any]) -> None:
    labels = [value for name, value in Page(html_of(document)).attributes if name == "aria-label"]
    assert all(labels)
    assert bool(labels) == (document["kind"] != "comparison")


def test_what_somebody_wrote_stays_a_text(document: dict[str, Any]) -> None:
    told = hostile(document) | {"sentence": HOSTILE}
    if "differences" in told:
        told["differences"][0]["sentence"] = HOSTILE
    page = Page(html_of(told))
    assert not page.open
    assert not page.tags & {"script", "img"}
    assert HOSTILE in page.text


def test_only_the_first_thousand_trades_are_shown_and_that_is_said() -> None:
    document = deepcopy(single())
    once = len(document["trades"]["opened"])
    document["trades"] = {name: values * 10 for name, values in document["trades"].items()}
    page = Page(html_of(document)).text
    assert f"The first 1,000 of {once * 10:,} trades" in page


def test_a_report_without_controls_says_so() -> None:
    assert "held against no controls" in Page(html_of(report_of(whole()))).text


def test_a_late_beginning_is_said() -> None:
    assert "The first candle that could be evaluated began on" in Page(html_of(single())).text
    document = deepcopy(single())
    document["warnings"] = []
    assert "could be evaluated began" not in Page(html_of(document)).text


def test_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no report of a backtest"):
        html_of({"kind": "signal"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-1234.5), "\u22121,234.50"),
        (number(-0.001), "0.00"),
        (number(0.5, 1, sign=True), "+0.5"),
        (number(None), "\u2013"),
        (percent(-0.051), "\u22125.1\u00a0%"),
    ],
)
def test_numbers_are_written_for_people(text: str, expected: str) -> None:
    assert text == expected
