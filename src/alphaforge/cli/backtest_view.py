"""A report on the terminal: the sentence of evidence first, then what it rests on."""

import textwrap
from collections.abc import Mapping
from typing import Any

from alphaforge.cli.output import print_table, say

_Report = Mapping[str, Any]
_WIDE = 100
_SHARES = frozenset({"win_rate", "max_drawdown"})
_POINTS = 20


def print_report(report: _Report) -> None:
    """A single run, a grid or a walk-forward."""
    say(textwrap.fill(report["sentence"], _WIDE))
    if report["kind"] == "grid":
        _print_points(report["grid"])
    elif report["kind"] == "walk_forward":
        _print_folds(report)
    inner = report if report["kind"] == "single" else report["report"]
    if inner is not None:
        _print_run(inner)


def print_comparison(comparison: _Report) -> None:
    """Several reports side by side."""
    from alphaforge.backtests.compare import rows_of  # noqa: PLC0415 - `--help` needs none of it

    say(textwrap.fill(comparison["sentence"], _WIDE))
    for warning in comparison["warnings"]:
        say(f"Mind: {warning}")
    head, *rows = rows_of(comparison)
    print_table("Compared", ("figure", *(f">{name}" for name in head[1:])), rows)


def _print_run(report: _Report) -> None:
    from alphaforge.workflows.backtest_summary import summary_of  # noqa: PLC0415 - `--help` needs none of it

    asked = report["asked"]
    invented = ", invented prices" if asked["simulated"] else ""
    say(f"{', '.join(asked['instruments'])} from {asked['from']} to {asked['to']}, by {asked['source']}{invented}.")
    figures = summary_of(report)["figures"]
    rows = [(name.replace("_", " "), *_estimate(value, share=name in _SHARES)) for name, value in figures.items()]
    print_table("Figures", ("figure", ">value", ">95 % interval"), rows)
    _print_parts(report["breakdowns"]["instrument"])
    _print_rejections(report["rejections"])
    if report["controls"] is not None:
        _print_controls(report["controls"])
    for warning in report["warnings"]:
        say(warning)
    if report["still_open"]:
        say(f"{report['still_open']:,} trades were still open at the end, and are in no figure.")


def _print_parts(parts: list[Mapping[str, Any]]) -> None:
    rows = [
        (part["key"], part["trades"], *_estimate(part["win_rate"], share=True), *_estimate(part["expectancy_r"]))
        for part in parts
    ]
    headings = ("instrument", ">trades", ">win rate", ">interval", ">R a trade", ">interval")
    print_table("By instrument", headings, rows)


def _print_rejections(found: Mapping[str, Any]) -> None:
    reasons = sorted(found["reasons"].items(), key=lambda one: -one[1])
    rows = [(reason.replace("_", " "), f"{count:,}", _share(count / found["evaluated"])) for reason, count in reasons]
    say(f"{found['signals']:,} signals of {found['evaluated']:,} evaluated candles.")
    print_table("Refused, by the first reason", ("reason", ">candles", ">share"), rows)


def _print_controls(controls: Mapping[str, Any]) -> None:
    random, free = controls["random"]["expectancy_r"], controls["without_spread"]["expectancy_r"]
    between = None if random["low"] is None else f"{random['low']:.3f} to {random['high']:.3f}"
    rows = [
        (f"{controls['random']['seeds']} times random entries, R a trade", _number(random["mean"]), between),
        ("random entries that did as well", _share(random["as_well"]), None),
        ("without any spread, R a trade", *_estimate(free)),
    ]
    held = controls["held"]["together"]
    parts = controls["held"]["instruments"] | ({"equal parts of all": held} if held else {})
    rows += [(f"holding {name}", _share(one["return"]), None) for name, one in parts.items()]
    print_table("Controls", ("control", ">value", ">95 % of them, or interval"), rows)


def _print_points(grid: Mapping[str, Any]) -> None:
    names = list(grid["axes"])
    rows = [(*(_value(point["values"][name]) for name in names), *_point(point)) for point in grid["points"][:_POINTS]]
    shown = f"the first {_POINTS} of " if len(grid["points"]) > _POINTS else ""
    title = f"{shown}{len(grid['points']):,} points of {grid['asked']:,}, the best by {grid['by']} first"
    print_table(title, (*names, ">trades", ">R a trade", ">interval", ">profit factor", ">interval"), rows)
    for one in grid["impossible"]:
        say(f"{one['count']:,} combinations cannot be meant: {one['why']}")


def _print_folds(report: _Report) -> None:
    headings = ("test", "chosen", ">trades", ">R in sample", ">trades", ">R out of sample", ">interval")
    rows = []
    for fold in report["folds"]:
        inside, outside = fold["in_sample"], fold["out_of_sample"]
        chosen = ", ".join(f"{name}={_value(value)}" for name, value in fold["values"].items())
        known = (None, None) if inside is None else (inside["trades"], _estimate(inside["expectancy_r"])[0])
        when = f"{fold['test_from'][:10]} to {fold['test_to'][:10]}"
        rows.append((when, chosen, *known, outside["trades"], *_estimate(outside["expectancy_r"])))
    print_table(f"{report['finished']} of {report['tasks']} parts are finished", headings, rows)


def _point(point: Mapping[str, Any]) -> tuple[object, ...]:
    return point["trades"], *_estimate(point["expectancy_r"]), *_estimate(point["profit_factor"])


def _estimate(value: Any, *, share: bool = False) -> tuple[object, object]:  # noqa: ANN401 - a number or an estimate
    """A figure and its interval, where it has one."""
    write = _share if share else _number
    if not isinstance(value, Mapping):
        return write(value), None
    low, high = value["low"], value["high"]
    return write(value["value"]), None if low is None or high is None else f"{write(low)} to {write(high)}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


def _value(value: object) -> str:
    return (
        "+".join(map(str, value))
        if isinstance(value, list)
        else f"{value:.6g}"
        if isinstance(value, float)
        else str(value)
    )
