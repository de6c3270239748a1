"""How `alphaforge performance` looks: targets, endpoints, the last hour, what took long."""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alphaforge.cli.performance import REFRESH, Seen
from alphaforge.core.times import parse_rfc3339, rfc3339

_WIDE = 110
"""Columns from which on there is room for means, the plan and traces."""

_PIPE = 120
_HOUR = 60
_MINUTE = 60.0
_BARS, _PLAIN_BARS = "▁▂▃▄▅▆▇█", ".:-=+*#@"
_GAP = " "

_WORDS = {
    "met": ("met", "green"),
    "missed": ("missed", "bold red"),
    "no_data": ("nothing measured", "dim"),
    "unproven": ("not proven yet", "yellow"),
}
_NAMES = {
    "response_time_cached": "answers from memory",
    "response_time_uncached": "answers made anew",
    "query_time": "database statements",
    "generation_memory": "memory, generating",
    "cache_hit_rate": "cache hit rate",
    "concurrent_requests": "clients at once",
}
_NARROW = (">memory", ">p99", ">anew p95")
_UNITS = {"percent": "%", "clients": ""}


def print_once(seen: Seen) -> None:
    """On standard output, in the terminal's width or in one that suits a file."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = _PIPE
    console.print(drawn(seen, console))


def drawn(seen: Seen, console: Console) -> RenderableType:
    """All of it for a console of this width."""
    wide = console.width >= _WIDE
    parts: list[RenderableType] = [_head(seen), *_troubles(seen)]
    endpoints = seen.figures["endpoints"]
    below: tuple[RenderableType, ...] = (
        _targets(seen.figures["indicators"], wide=wide),
        Group(_endpoints(endpoints, wide=wide), _beside(endpoints)),
        _hour(seen.points, utf="utf" in console.encoding.lower()),
        _slow(seen.slow, wide=wide),
    )
    return Group(*parts, *(Padding(one, (1, 0, 0, 0)) for one in below))


def _head(seen: Seen) -> RenderableType:
    figures = seen.figures
    rate, processes = figures["requests_per_second"], figures["processes"]
    window, measured = figures["window_seconds"], figures["measured_seconds"]
    short = measured < window - _MINUTE  # a start, or a gap
    said = [
        f"{_span(int(measured))} of {_span(window)}" if short else f"last {_span(window)}",
        f"{processes} process" + ("es" if processes != 1 else ""),
        f"{figures['requests']:,} requests" + ("" if rate is None else f", {_number(rate)}/s"),
    ]
    head = Text.assemble(
        ("AlphaForge ", "bold"), _clean(seen.url), " at ", _clean(figures["timestamp"])[11:19], " UTC\n"
    )
    head.append(", ".join(said))
    for count, word in ((figures["errors"], "failed"), (figures["shed"], "refused")):
        head.append(f", {count:,} {word}", "bold red" if count else "")
    return head


def _troubles(seen: Seen) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if seen.trouble is not None:
        since = rfc3339(int(seen.trouble_since or 0))[11:19]
        rest = f"(since {since} UTC). What follows is from before; asking again every {REFRESH:.0f} s."
        lines.append(Text(f"{_clean(seen.trouble)} {rest}", "bold red"))
    if problem := seen.figures["problem"]:
        lines.append(Text(f"Only this process was heard: {_clean(problem)}", "yellow"))
    return lines


def _table(*columns: str) -> Table:
    """Columns of figures, marked by `>`, keep to the right; only the first one gives way."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold underline")
    for number, column in enumerate(columns):
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left", no_wrap=number > 0)
    return table


def _targets(indicators: Sequence[dict[str, Any]], *, wide: bool) -> RenderableType:
    table = _table("target", ">measured", ">promised", ">the plan", ">of", "status")
    for one in indicators:
        word, style = _words(one["status"])
        unit = _UNITS.get(one["unit"], one["unit"])
        measured = [_amount(one[claim["statistic"]], claim["statistic"], unit, wide=wide) for claim in one["target"]]
        plan = one["plan"]
        table.add_row(
            _NAMES.get(one["name"], _clean(one["name"])),
            Text("\n".join(measured), style),
            "\n".join(_limit(claim, unit) for claim in one["target"]),
            Text(_limit(plan, unit), "red" if plan["status"] == "missed" else ""),
            f"{one['count']:,}",
            Text(word, style),
        )
    return table


def _amount(value: float | None, statistic: str, unit: str, *, wide: bool) -> str:
    if value is None:
        return "-"
    named = {"rate": "", "peak": "peak " if wide else ""}.get(statistic, f"{statistic} ")
    return f"{named}{_number(value)} {unit}".strip()


def _limit(claim: dict[str, Any], unit: str) -> str:
    if claim["at_least"] is not None:
        return f">= {_number(claim['at_least'])} {unit}".strip()
    return f"<= {_number(claim['at_most'])} {unit}".strip()


def _endpoints(endpoints: Sequence[dict[str, Any]], *, wide: bool) -> RenderableType:
    columns = (">in memory", ">mean", ">p99", ">anew, mean", ">p95", ">the plan") if wide else _NARROW
    table = _table("endpoint, times in ms", ">asked", ">failed", *columns)
    for one in endpoints:
        cells: list[str | Text] = [_clean(one["path"]), f"{one['requests']:,}", Text(f"{one['errors']:,}")]
        if one["errors"]:
            cells[2] = Text(f"{one['errors']:,}", "bold red")
        cells.append("-" if one["from_memory"] is None else f"{_number(one['from_memory'])} %")
        for part, statistic in (("cached", "p99"), ("uncached", "p95")):
            times = one[part]
            cells += [_figure(times["mean"])] if wide else []
            cells.append(_held(times[statistic], times["target"]))
        table.add_row(*cells, *([_figure(one["plan_ms"])] if wide else []))
    return table


def _held(value: float | None, target: dict[str, Any] | None) -> Text:
    """A figure in the colour of how it fares; where it is missed, with what was promised."""
    if target is None or value is None:
        return Text(_figure(value))
    missed = target["status"] == "missed"
    return Text(_figure(value) + (f" > {_number(target['at_most'])}" if missed else ""), _words(target["status"])[1])


def _beside(endpoints: Sequence[dict[str, Any]]) -> RenderableType:
    found = [one["oanda_mean_ms"] for one in endpoints if one["oanda_mean_ms"] is not None]
    text = f"generate waits for OANDA, whose requests took {_number(found[0])} ms on average." if found else ""
    return Text(text, "dim")


def _hour(points: Sequence[dict[str, Any]], *, utf: bool) -> RenderableType:
    """Requests a second in each of the last sixty minutes; a minute of which nothing is known is left empty."""
    if not points:
        return Text("Nothing is known of the last hour yet.", "dim")
    minutes = {_minute(point["at"]): float(point["requests_per_second"] or 0) for point in points}
    newest, most = max(minutes), max(minutes.values())
    bars = _BARS if utf else _PLAIN_BARS
    line = Text("  ")
    for minute in range(newest - _HOUR + 1, newest + 1):
        rate = minutes.get(minute)
        line.append(_GAP if rate is None else bars[round((len(bars) - 1) * rate / most) if most else 0], "cyan")
    now = _number(minutes[newest])
    return Group(Text(f"Requests a second, last hour: {now} now, {_number(most)} at most"), line)


def _slow(slow: Sequence[dict[str, Any]], *, wide: bool) -> RenderableType:
    if not slow:
        return Text("Nothing took long lately in the process that answered.", "dim")
    table = _table("slow in the process that answered", ">ms", "at", ">status", *(["trace"] if wide else []))
    for one in slow:
        cells = [f"{one['kind']} {_clean(one['name'])}", _number(one["ms"]), _clean(one["at"])[11:19]]
        cells.append("-" if one["status"] is None else str(one["status"]))
        table.add_row(*map(Text, cells), *([Text(_clean(one["trace"] or "-"))] if wide else []))
    return table


def _words(status: str) -> tuple[str, str]:
    """A status and its colour; one that a newer server knows stands as it came."""
    return _WORDS.get(status, (_clean(status), ""))


def _minute(at: str) -> int:
    return int(parse_rfc3339(at)) // 60


def _figure(value: float | None) -> str:
    return "-" if value is None else _number(value)


def _number(value: float) -> str:
    """Three digits that matter, as people write them."""
    if abs(value) >= 100 or value == round(value):  # noqa: PLR2004 - three digits before the point
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _span(seconds: int) -> str:
    if seconds < _MINUTE:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return " ".join(f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min")) if count)


def _clean(text: object) -> str:
    """What a server says, without anything that a terminal would obey."""
    return "".join(one if one.isprintable() else "?" for one in str(text))
