"""The pages of a grid and of a walk-forward: what was tried, and what came of the choice."""

from collections.abc import Mapping
from typing import Any, Final

from alphaforge.backtests.choices import Figure
from alphaforge.backtests.page import (
    UNKNOWN,
    count,
    estimate,
    folded,
    number,
    paragraph,
    percent,
    section,
    table,
    value_text,
)
from alphaforge.backtests.plots import heatmap

_SHOWN_POINTS: Final = 200

_Document = Mapping[str, Any]


def grid_sections(document: _Document) -> str:
    """Every point, the best first, and a map where two settings vary."""
    grid = document["grid"]
    points = grid["points"]
    shown = points[:_SHOWN_POINTS]
    names = list(grid["axes"])
    head = (
        *(name.replace("_", " ") for name in names),
        "Trades",
        "R a trade",
        "95 % interval",
        "Profit factor",
        "95 % interval",
        "Sharpe",
        "Drawdown",
    )
    rows = [
        (
            *(value_text(point["values"][name]) for name in names),
            count(point["trades"]),
            *estimate(point["expectancy_r"], 3),
            *estimate(point["profit_factor"]),
            number(point["sharpe"]),
            percent(point["max_drawdown"]),
        )
        for point in shown
    ]
    body = _map(grid) + table(head, rows)
    if len(points) > len(shown):
        body += paragraph(
            f"The first {count(len(shown))} of {count(len(points))} points, by {Figure(grid['by']).words}.", "note"
        )
    body += paragraph(
        f"Points with fewer than {count(grid['minimum_trades'])} trades are not chosen. Each interval is that of one "
        "point alone: the best of many looks better than it is.",
        "note",
    )
    return section("What was tried", body) + _impossible(grid)


def _map(grid: _Document) -> str:
    found = grid["map"]
    if found is None:
        return ""
    return heatmap(
        f"The {Figure(grid['by']).words} of each pair",
        (found["across"], [value_text(value) for value in grid["axes"][found["across"]]]),
        (found["down"], [value_text(value) for value in grid["axes"][found["down"]]]),
        found["values"],
        said="The table below has the same numbers.",
        level=found["level"],
    )


def _impossible(grid: _Document) -> str:
    if not grid["impossible"]:
        return ""
    rows = [
        (
            one["why"],
            count(one["count"]),
            ", ".join(f"{name}={value_text(value)}" for name, value in one["example"].items()),
        )
        for one in grid["impossible"]
    ]
    return folded(
        "Combinations that contradict themselves", table(("", "How many", "For example"), rows, words=frozenset({2}))
    )


def fold_sections(document: _Document) -> str:
    """Each fold: what was chosen, how it did where it was chosen, and how it did afterwards."""
    rows = []
    for fold in document["folds"]:
        inside, outside = fold["in_sample"], fold["out_of_sample"]
        rows.append(
            (
                f"{fold['test_from'][:10]} to {fold['test_to'][:10]}",
                ", ".join(f"{name}={value_text(value)}" for name, value in fold["values"].items())
                or ("the plan's own" if inside is None else "one setting"),
                *_sample(inside),
                *_sample(outside, interval=True),
            )
        )
    head = (
        *("Test", "Chosen", "Trades in sample", "R a trade", "Profit factor"),
        *("Trades out of sample", "R a trade", "95 % interval", "Profit factor"),
    )
    note = (
        f"Each fold chooses by {Figure(document['by']).words} among {count(document['tried'])} settings on what "
        "lies before its test, and is judged on the test alone. What was chosen had "
        f"{number(document['in_sample_r'], 3)} R a trade where it was chosen, and "
        f"{number(document['out_of_sample_r'], 3)} R afterwards."
    )
    return section("Folds", table(head, rows, words=frozenset({1})) + paragraph(note, "note"))


def _sample(point: _Document | None, *, interval: bool = False) -> tuple[str, ...]:
    if point is None:
        return (UNKNOWN,) * (4 if interval else 3)
    mean, reach = estimate(point["expectancy_r"], 3)
    return (count(point["trades"]), mean, *((reach,) if interval else ()), estimate(point["profit_factor"])[0])
