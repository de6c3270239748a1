"""The page of one report: figures, plots, parts, controls, rejections, what was asked, trades."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alphaforge.backtests.page import (
    UNKNOWN,
    cards,
    count,
    estimate,
    folded,
    number,
    pair,
    paragraph,
    percent,
    section,
    table,
    value_text,
)
from alphaforge.backtests.page_of_controls import controls_section
from alphaforge.backtests.plots import histogram, intervals, time_line
from alphaforge.core.times import from_epoch, parse_rfc3339

SHOWN_TRADES: Final = 1_000

_PARTS: Final = {
    "instrument": "Instrument",
    "side": "Side",
    "regime": "Regime on H1",
    "session": "Session",
    "hour": "Hour (UTC)",
    "weekday": "Weekday (UTC)",
    "month": "Month",
    "confidence": "Confidence score",
}
_Report = Mapping[str, Any]


def report_sections(report: _Report) -> str:
    """Everything below the sentence."""
    return "".join(paragraph(warning, "warn") for warning in report["warnings"]) + "".join(
        part(report) for part in (_figures, _paths, controls_section, _parts, _rejections, _history, _asked, _trades)
    )


def _figures(report: _Report) -> str:
    figures = report["figures"]
    counts, money, r, daily, fall = (figures[name] for name in ("counts", "money", "r", "daily", "drawdown"))
    factor, factor_interval = estimate(money["profit_factor"])
    mean, mean_interval = estimate(r["expectancy"], 3)
    won, won_interval = estimate(figures["rates"]["win_rate"], 1, share=True)
    sharpe, sharpe_interval = estimate(daily["sharpe"])
    shown = cards(
        [
            (
                "Trades",
                count(counts["trades"]),
                f"{count(counts['wins'])} won, {count(counts['losses'])} lost, {count(counts['expired'])} expired",
            ),
            ("Profit factor", factor, factor_interval),
            ("Expectancy, R a trade", mean, mean_interval),
            ("Win rate of those decided", won, won_interval),
            ("Net", money_text(money["net"]), percent(daily["total_return"], sign=True)),
            ("Sharpe ratio, a year", sharpe, sharpe_interval),
            ("Deepest drawdown", percent(fall["maximum_share"]), _days(fall["longest_days"])),
            ("Spread and financing paid", money_text(money["cost"]), f"{money_text(money['before_cost'])} before them"),
        ]
    )
    note = "Below each figure: its 95 % interval, from trading days drawn anew. Money is in the account's currency."
    return section("Figures", shown + paragraph(note, "note") + folded("All figures", _all_figures(figures)))


def money_text(value: float | None) -> str:
    """An amount of money."""
    return number(value, 2)


def _days(value: int | None) -> str:
    return "" if value is None else f"{value} days below a high at most"


def _all_figures(figures: Mapping[str, Any]) -> str:
    rows = []
    for name, part in figures.items():
        for key, value in part.items():
            label = f"{name}: {key}".replace("_", " ")
            if isinstance(value, Mapping):
                text, interval = estimate(value, 4)
                rows.append((label, text, interval, count(value["n"])))
            else:
                rows.append((label, number(value, 4) if isinstance(value, float) else value_text(value), "", ""))
    return table(("Figure", "Value", "95 % interval", "N"), rows) + paragraph(
        "Shares and returns are fractions. docs/statistics.md has every formula and its source.", "note"
    )


def _paths(report: _Report) -> str:
    days = report["days"]
    times = [parse_rfc3339(f"{day}T00:00:00Z") for day in days["date"]]
    balance = report["figures"]["daily"]["balance"]
    worst = min(days["drawdown"], default=0.0)
    last = days["equity"][-1] if times else balance
    return section(
        "Equity",
        pair(
            time_line(
                "Equity at the end of each trading day",
                times,
                days["equity"],
                level=balance,
                said=f"From {money_text(balance)} to {money_text(last)}.",
            ),
            time_line(
                "Drawdown below the highest close, %",
                times,
                [share * 100 for share in days["drawdown"]],
                level=0.0,
                said=f"{percent(worst)} at the deepest.",
            ),
            histogram(
                "Results in R",
                report["histogram"]["edges"],
                report["histogram"]["counts"],
                unit=" R",
                said="How many trades ended with which multiple of what they risked.",
            ),
        ),
    )


def _parts(report: _Report) -> str:
    shown = []
    for name, title in _PARTS.items():
        groups: Sequence[Mapping[str, Any]] = report["breakdowns"][name]
        means = [(group["key"], group["expectancy_r"]) for group in groups]
        plot = intervals(
            f"{title}: expectancy in R",
            [(_words(key), mean["value"], mean["low"], mean["high"]) for key, mean in means],
            said="; ".join(f"{key} {number(mean['value'], 3)}" for key, mean in means),
        )
        shown.append(f"<div>{plot}{folded(f'{title}: numbers', _numbers(groups))}</div>")
    note = (
        "Lines are 95 % intervals. Among this many parts some lie above zero by luck alone: of forty without an edge, "
        "one does. Times are those of the opening."
    )
    return section("In parts", f'{paragraph(note, "note")}<div class="flow">{"".join(shown)}</div>')


def _words(key: str) -> str:
    if key.islower():
        return key.removesuffix("_volatility").replace("_", " ")
    return "NEW YORK" if key == "NEW_YORK" else key


def _numbers(groups: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for group in groups:
        won, won_interval = estimate(group["win_rate"], 1, share=True)
        factor, factor_interval = estimate(group["profit_factor"])
        mean, mean_interval = estimate(group["expectancy_r"], 3)
        rows.append(
            (
                _words(group["key"]),
                count(group["trades"]),
                won,
                won_interval,
                mean,
                mean_interval,
                factor,
                factor_interval,
                money_text(group["net"]),
            )
        )
    head = ("", "Trades", "Win rate", "interval", "R a trade", "interval", "Profit factor", "interval", "Net")
    return table(head, rows)


def _rejections(report: _Report) -> str:
    found = report["rejections"]
    names = list(found["instruments"])
    order = sorted(found["reasons"], key=found["reasons"].__getitem__, reverse=True)
    rows = [
        (
            reason.replace("_", " "),
            count(found["reasons"][reason]),
            percent(found["reasons"][reason] / found["evaluated"]) if found["evaluated"] else UNKNOWN,
            *(count(found["instruments"][name]["reasons"].get(reason, 0)) for name in names),
        )
        for reason in order
    ]
    for label, key in (("signals", "signals"), ("evaluated", "evaluated")):
        share = percent(found[key] / found["evaluated"]) if found["evaluated"] else UNKNOWN
        rows.append((label, count(found[key]), share, *(count(found["instruments"][name][key]) for name in names)))
    note = (
        "Each evaluated candle counts once, by the first filter that refused it. "
        f"{count(report['still_open'])} signals were still open at the end of the data and are in no figure; "
        f"{count(report['ambiguous'])} trades touched both levels in one candle and were settled against the trade."
    )
    return section("Why there was no trade", table(("", "Candles", "Share", *names), rows) + paragraph(note, "note"))


def _history(report: _Report) -> str:
    history = report["history"]
    rows = [
        (name, count(one["candles"]), count(one["expected"]), count(one["missing"]), count(one["gap_count"]))
        for name, one in history.items()
    ]
    gaps = [
        (name, _moment(gap["from"]), _moment(gap["to"]), count(gap["missing"]))
        for name, one in history.items()
        for gap in one["gaps"]
    ]
    shown = table(("", "Candles", "Open buckets", "Without a candle", "Gaps of 3 or more"), rows)
    if gaps:
        shown += folded("The longest gaps", table(("", "From", "To", "Candles missing"), gaps, words=frozenset({1, 2})))
    return section("History", shown)


def _asked(report: _Report) -> str:
    asked = report["asked"]
    rows = [
        ("instruments", ", ".join(asked["instruments"])),
        ("from", _moment(asked["from"])),
        ("to", _moment(asked["to"])),
        ("source of candles", f"{asked['source']}{' (invented prices)' if asked['simulated'] else ''}"),
        *((name.replace("_", " "), value_text(value)) for name, value in asked["options"].items()),
        *((f"setting {name}", value_text(value)) for name, value in asked["settings"].items()),
        ("fingerprint of the settings", asked["fingerprint"] or UNKNOWN),
        ("version of the code", asked["version"] or UNKNOWN),
    ]
    note = "All other settings are the default." if asked["settings"] else "All settings are the default."
    return section("What was asked", table(("", "Value"), rows, words=frozenset({1})) + paragraph(note, "note"))


def _trades(report: _Report) -> str:
    trades = report["trades"]
    total = len(trades["opened"])
    rows = [
        (
            _time(trades["opened"][place]),
            _time(trades["closed"][place]),
            trades["instrument"][place],
            trades["side"][place],
            *(f"{trades[name][place]:.10g}" for name in ("entry", "stop", "target", "exit")),
            f"{trades['status'][place].lower()}{' (ambiguous)' if trades['ambiguous'][place] else ''}",
            number(trades["pips"][place], 1),
            number(trades["r"][place] + trades["financing_r"][place], 2),
            money_text(trades["amount"][place]),
            money_text(trades["equity"][place]),
        )
        for place in range(min(total, SHOWN_TRADES))
    ]
    head = ("Opened (UTC)", "Closed", "Instrument", "Side", "Entry", "Stop", "Target", "Exit", "End", "Pips", "R")
    shown = table((*head, "Amount", "Equity"), rows, words=frozenset({1, 2, 3, 8}))
    title = (
        f"{count(total)} trades"
        if total <= SHOWN_TRADES
        else f"The first {count(SHOWN_TRADES)} of {count(total)} trades"
    )
    return section("Trades", folded(title, shown) if total else paragraph("None.", "quiet"))


def _time(moment: float) -> str:
    return f"{from_epoch(moment):%Y-%m-%d %H:%M}"


def _moment(text: str) -> str:
    return text[:16].replace("T", " ") + " UTC"
