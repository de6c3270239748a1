"""Plots as SVG: drawn from numbers alone, coloured by the page that they stand in, with a text for those who listen."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from alphaforge.backtests.axes import Scale, bounds, date_ticks, number_labels, ticks

_WIDTH: Final = 400
_HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 12, 30


def time_line(
    title: str, times: Sequence[float], values: Sequence[float], *, said: str, level: float | None = None
) -> str:
    """A value over time (epoch seconds), with a rule at `level`; what lies between it and the line is filled.

    `said`: what a listener is told instead.
    """
    if not times:
        return _frame(title, "Nothing to draw.", _nothing())
    low, high = bounds(values, include=level)
    across = Scale(times[0], max(times[-1], times[0] + 1), _LEFT, _WIDTH - _RIGHT)
    up = Scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    places = [
        f"{across.at(time)},{up.at(value)}" for time, value in zip(times, values, strict=True) if math.isfinite(value)
    ]
    base = up.at(low if level is None else level)
    body = _rules(up, low, high) + _dates(across, times[0], times[-1])
    if level is not None and places:
        first, last = places[0].partition(",")[0], places[-1].partition(",")[0]
        body += f'<polygon class="area" points="{first},{base} {" ".join(places)} {last},{base}"/>'
        body += f'<line class="level" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>'
    body += f'<polyline class="line" points="{" ".join(places)}"/>'
    return _frame(title, said, body)


def histogram(
    title: str,
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    said: str,
    unit: str,
    mark: tuple[float, str] | None = None,
) -> str:
    """How often values lie between each two edges; `mark`: a value of its own and what it is called."""
    if not counts or not max(counts):
        return _frame(title, "Nothing to draw.", _nothing())
    low, high = bounds(edges, include=mark[0] if mark else None)
    across = Scale(low, high, _LEFT, _WIDTH - _RIGHT)
    highest = max(counts) * (1.08 if mark is None else 1.2)  # room for what the mark is called
    up = Scale(0.0, highest, _HEIGHT - _BOTTOM, _TOP)
    body = _rules(up, 0.0, highest, whole=True)
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        begin, end, top = across.at(left), across.at(right), up.at(count)
        kind = "bar loss" if (left + right) / 2 < 0 and mark is None else "bar"
        body += (
            f'<rect class="{kind}" x="{begin + 0.5:.1f}" y="{top}" width="{max(0.5, end - begin - 1):.1f}" '
            f'height="{_HEIGHT - _BOTTOM - top:.1f}"/>'
        )
    body += _numbers(across, low, high, unit)
    if mark is not None and math.isfinite(mark[0]):
        body += _mark(across.at(mark[0]), mark[1])
    return _frame(title, said, body)


def intervals(
    title: str,
    rows: Sequence[tuple[str, float | None, float | None, float | None]],
    *,
    said: str,
    level: float = 0.0,
) -> str:
    """Values with their intervals one under another: label, value, low, high, None where not known."""
    known = [number for _, *numbers in rows for number in numbers if number is not None and math.isfinite(number)]
    if not known:
        return _frame(title, "Nothing to draw.", _nothing())
    left, line = 130, 22
    height = _TOP + line * len(rows) + _BOTTOM
    low, high = bounds(known, include=level)
    across = Scale(low, high, left, _WIDTH - _RIGHT)
    bottom = height - _BOTTOM
    body = _numbers(across, low, high, "", bottom=bottom, grid=_TOP)
    body += f'<line class="level" x1="{across.at(level)}" x2="{across.at(level)}" y1="{_TOP}" y2="{bottom}"/>'
    for place, (label, value, below, above) in enumerate(rows):
        y = _TOP + line * place + line / 2
        body += f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(_short(label))}</text>'
        if below is not None and above is not None:
            body += f'<line class="reach" x1="{across.at(below)}" x2="{across.at(above)}" y1="{y:.1f}" y2="{y:.1f}"/>'
        if value is not None:
            body += f'<circle class="dot" cx="{across.at(value)}" cy="{y:.1f}" r="4"/>'
    return _frame(title, said, body, height=height)


def heatmap(
    title: str,
    across: tuple[str, Sequence[str]],
    down: tuple[str, Sequence[str]],
    values: Sequence[Sequence[float | None]],
    *,
    said: str,
    level: float = 0.0,
) -> str:
    """Values of two settings, one cell each: the stronger a cell, the further from `level`."""
    left, row, head = 84, 24, 24
    columns = max(1, len(across[1]))
    width = (_WIDTH - _RIGHT - left) / columns
    height = head + row * len(down[1]) + 44
    furthest = max((abs(value - level) for line in values for value in line if value is not None), default=0.0) or 1.0
    body = "".join(
        f'<text x="{left + width * (place + 0.5):.1f}" y="{head - 8}" text-anchor="middle">{escape(_short(label, 10))}'
        "</text>"
        for place, label in enumerate(across[1])
        if place % max(1, columns // 10) == 0
    )
    for place, (label, line) in enumerate(zip(down[1], values, strict=True)):
        y = head + row * place
        body += f'<text x="{left - 8}" y="{y + row / 2 + 4:.1f}" text-anchor="end">{escape(_short(label, 12))}</text>'
        for column, value in enumerate(line):
            away = None if value is None else (value - level) / furthest
            body += _cell((left + width * column, y), (width, row), value, away)
    body += (
        f'<text x="{(left + _WIDTH - _RIGHT) / 2:.0f}" y="{height - 8}" text-anchor="middle">'
        f"{escape(across[0])} across, {escape(down[0])} down</text>"
    )
    return _frame(title, said, body, height=height)


def _cell(corner: tuple[float, float], size: tuple[float, float], value: float | None, away: float | None) -> str:
    """One value of a map; `away`: from -1 to 1, how far from the level."""
    (x, y), (width, height) = corner, size
    where = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{max(1.0, width - 2):.1f}" height="{height - 2:.1f}"'
    if value is None or away is None:
        return f'<rect class="none" {where}/>'
    kind = "bar" if away >= 0 else "bar loss"
    text = f"{value:.2f}".replace("-", "\u2212")
    label = (
        f'<text class="in" x="{x + width / 2:.1f}" y="{y + height / 2 + 4:.1f}" text-anchor="middle">{text}</text>'
        if width > 38  # noqa: PLR2004 - narrower than its own text
        else ""
    )
    return (
        f'<rect class="{kind}" fill-opacity="{0.12 + 0.6 * abs(away):.2f}" {where}><title>{text}</title></rect>{label}'
    )


def _frame(title: str, said: str, body: str, *, height: int = _HEIGHT) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(f"{title}. {said}")}">{body}</svg></figure>'
    )


def _nothing() -> str:
    return f'<text x="{_WIDTH / 2:.0f}" y="{_HEIGHT / 2:.0f}" text-anchor="middle">nothing to draw</text>'


def _rules(up: Scale, low: float, high: float, *, whole: bool = False) -> str:
    """Level rules with their numbers at the left."""
    marks = [value for value in ticks(low, high, 5) if not whole or value == int(value)]
    return "".join(
        f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up.at(value)}" y2="{up.at(value)}"/>'
        f'<text x="{_LEFT - 6}" y="{up.at(value) + 4:.1f}" text-anchor="end">{label}</text>'
        for value, label in zip(marks, number_labels(marks), strict=True)
    )


def _dates(across: Scale, first: float, last: float) -> str:
    return "".join(
        f'<text x="{across.at(moment)}" y="{_HEIGHT - 10}" text-anchor="middle">{label}</text>'
        for moment, label in date_ticks(first, last, 5)
    )


def _numbers(
    across: Scale, low: float, high: float, unit: str, *, bottom: int = _HEIGHT - _BOTTOM, grid: int | None = None
) -> str:
    """Numbers below the drawing, with upright rules from `grid` down where it is given."""
    marks = ticks(low, high, 5)
    text = "".join(
        f'<text x="{across.at(value)}" y="{bottom + 20}" text-anchor="middle">{label}{escape(unit)}</text>'
        for value, label in zip(marks, number_labels(marks), strict=True)
    )
    if grid is None:
        return text
    return text + "".join(
        f'<line class="rule" x1="{across.at(value)}" x2="{across.at(value)}" y1="{grid}" y2="{bottom}"/>'
        for value in marks
    )


def _mark(x: float, label: str) -> str:
    anchor = "end" if x > _WIDTH / 2 else "start"
    shift = -6 if anchor == "end" else 6
    return (
        f'<line class="mark" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'<text class="marked" x="{x + shift:.1f}" y="{_TOP + 12}" text-anchor="{anchor}">{escape(label)}</text>'
    )


def _short(label: str, most: int = 20) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}\u2026"
