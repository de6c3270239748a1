"""Every figure is defined, and the page that explains them says the same."""

import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

from alphaforge.statistics.breakdown import GroupFigures
from alphaforge.statistics.calendar import Session
from alphaforge.statistics.calibration import Bucket, Calibration
from alphaforge.statistics.definitions import (
    CALIBRATION_DEFINITIONS,
    DEFINITIONS,
    DEFLATED_DEFINITIONS,
    GROUP_DEFINITIONS,
)
from alphaforge.statistics.deflated import Deflated
from alphaforge.statistics.figures import plain, statistics_of
from statistics_builders import seeded, trades_of

PAGE = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text()


def names(figures: dict[str, Any], before: str = "") -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, dict) and "value" not in value:
            yield from names(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def rows(first: str) -> list[list[str]]:
    lines = PAGE.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} | "))
    end = next(number for number in range(start, len(lines)) if not lines[number].startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start + 2 : end]]


def test_every_figure_is_defined_in_its_order_whatever_is_known_of_it() -> None:
    for trades in (trades_of([]), seeded(300, 60)):
        assert list(names(plain(statistics_of(trades, balance=1000)))) == list(DEFINITIONS)


def test_the_page_has_the_definitions_of_the_code() -> None:
    defined = [[f"`{name}`", one.unit, one.formula, one.n, one.source] for name, one in DEFINITIONS.items()]
    assert rows("figure | unit") == defined


def test_the_page_has_every_session() -> None:
    assert {row[0].strip("`") for row in rows("session")} == set(Session)


def test_groups_calibration_and_deflation_are_defined_name_by_name() -> None:
    assert list(GROUP_DEFINITIONS) == [field.name for field in fields(GroupFigures)]
    inner = [f"buckets.{field.name}" for field in fields(Bucket)]
    assert list(CALIBRATION_DEFINITIONS) == inner + [field.name for field in fields(Calibration)][1:]
    assert list(DEFLATED_DEFINITIONS) == [field.name for field in fields(Deflated)]
    named = PAGE.partition("## By group")[2].partition("## What confidence")[0]
    assert {name for name in list(GROUP_DEFINITIONS)[5:] if f"`{name}`" not in named} == set()


def test_every_source_of_a_definition_is_in_the_list_of_sources() -> None:
    sources = PAGE.partition("## Sources")[2]
    defined = (DEFINITIONS, CALIBRATION_DEFINITIONS, DEFLATED_DEFINITIONS)
    for definition in chain.from_iterable(one.values() for one in defined):
        for name, year in re.findall(r"(\w+)(?: et al\.| and [\w ]+?)? (\d{4})", definition.source):
            assert any(name in line and year in line for line in sources.split("\n- ")), (name, year)
