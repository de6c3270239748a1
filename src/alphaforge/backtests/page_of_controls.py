"""The part of the page that holds a backtest against random entries, no spread, and simply holding."""

from collections.abc import Mapping
from typing import Any, Final

from alphaforge.backtests.page import count, estimate, number, pair, paragraph, percent, section, table
from alphaforge.backtests.plots import histogram

_HARDLY: Final = 0.001


def controls_section(report: Mapping[str, Any]) -> str:
    """Controls, and the Sharpe ratio held against the number of settings tried."""
    controls = report["controls"]
    if controls is None:
        return section("Controls", paragraph("There are none.", "quiet") + _sharpe(report["sharpe"]))
    random = controls["random"]
    plots = pair(
        _plot("Expectancy of random entries, R a trade", random["expectancy_r"], " R"),
        _plot("Profit factor of random entries, in R", random["profit_factor"], ""),
    )
    rows = [
        _row(label, random[name])
        for label, name in (("R a trade", "expectancy_r"), ("Profit factor in R", "profit_factor"))
    ]
    head = ("Random entries", "This run", "Mean", "2.5 %", "97.5 %", "Did as well", "p")
    said = paragraph(
        f"{count(random['seeds'])} times as many entries at random, {count(random['trades'])} trades each: the same "
        "instruments and shares of BUY and SELL, at any candle of an open market, with the same levels, lifetime and "
        "spread. Both before financing.",
        "note",
    )
    return section(
        "Controls",
        plots + table(head, rows) + said + _spread(controls, report) + _holding(controls) + _sharpe(report["sharpe"]),
    )


def _plot(title: str, drawn: Mapping[str, Any], unit: str) -> str:
    own = drawn["own"]
    return histogram(
        title,
        drawn["edges"] or [],
        drawn["counts"] or [],
        unit=unit,
        mark=None if own is None else (own, "this run"),
        said=f"This run: {number(own, 3)}. {percent(drawn['as_well'])} of random entries did at least as well.",
    )


def _row(label: str, drawn: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = (number(drawn[name], 3) for name in ("own", "mean", "low", "high"))
    return (label, *numbers, percent(drawn["as_well"]), number(drawn["p"], 3))


def _spread(controls: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    rows = []
    for label, counted, r in (
        ("with the spread", report["figures"]["counts"]["trades"], report["figures"]["r"]),
        ("at the mid price", controls["without_spread"]["trades"], None),
    ):
        mean = controls["without_spread"]["expectancy_r"] if r is None else r["expectancy"]
        factor = controls["without_spread"]["profit_factor"] if r is None else r["profit_factor"]
        rows.append((label, count(counted), *estimate(mean, 3), *estimate(factor)))
    head = ("Without the spread", "Trades", "R a trade", "95 % interval", "Profit factor in R", "95 % interval")
    return table(head, rows) + paragraph(
        "The whole run again, decisions and fills, where bid and ask are the mid price: what the rules would be worth "
        "if trading were free.",
        "note",
    )


def _holding(controls: Mapping[str, Any]) -> str:
    held = controls["held"]
    rows = [
        (name, percent(one["return"], sign=True), percent(one["max_drawdown"]))
        for name, one in held["instruments"].items()
    ]
    if held["together"]:
        together = held["together"]
        rows.append(("equal parts of each", percent(together["return"], sign=True), percent(together["max_drawdown"])))
    return table(("Bought and held", "Return", "Deepest drawdown"), rows) + paragraph(
        "From the ask of the first open to the bid of the last close, without leverage or financing.", "note"
    )


def _chance(probability: float | None) -> str:
    """A probability that is never told as certain."""
    if probability is not None and probability < _HARDLY:
        return "less than 0.1\u00a0%"
    if probability is not None and probability > 1 - _HARDLY:
        return "more than 99.9\u00a0%"
    return percent(probability)


def _sharpe(sharpe: Mapping[str, Any]) -> str:
    if sharpe["probability"] is None:
        return paragraph("There are too few days to judge the Sharpe ratio by.", "note")
    said = (
        f"Over {count(sharpe['n'])} trading days, the true Sharpe ratio is above zero with a probability of "
        f"{_chance(sharpe['probability'])}"
    )
    if sharpe["tried"] > 1:
        assumed = " (their spread assumed to be that of luck)" if sharpe["assumed"] else ""
        said += (
            f", and above the best that luck alone would give {count(sharpe['tried'])} settings{assumed} with "
            f"{_chance(sharpe['deflated'])}"
        )
    return paragraph(f"{said}.")
