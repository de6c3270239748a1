"""Axes of a plot: where the ticks go, what they say, and where a value lies on the drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from alphaforge.core.times import from_epoch, parse_rfc3339

_DAY: Final = 86_400
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_DAY_STEPS: Final = (1, 2, 7, 14)
_MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight way from values to places on the drawing: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def bounds(values: Sequence[float], *, include: float | None = None) -> tuple[float, float]:
    """The least and largest of the finite values, `include` among them, and room where they are one."""
    known = [value for value in (*values, *(() if include is None else (include,))) if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if high - low > max(1e-12, 1e-9 * max(abs(low), abs(high))):
        return low, high
    room = abs(low) * 0.05 or 1.0
    return low - room, high + room


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two values, at most `most` of them: multiples of 1, 2, 2.5 or 5 of a power of ten."""
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in _STEPS if factor * power >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, 2 - math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(first, last + 1)]


def number_labels(values: Sequence[float]) -> list[str]:
    """The numbers with as many decimals as tell them apart, thousands in groups."""
    gaps = [abs(after - before) for before, after in pairwise(values)]
    smallest = min(gaps, default=abs(values[0]) if values else 1.0) or 1.0
    most = max(0, 2 - math.floor(math.log10(smallest)))
    digits = next((digits for digits in range(most) if abs(round(smallest, digits) - smallest) < smallest * 1e-6), most)
    return [f"{value:,.{digits}f}".replace("-", "\u2212") for value in values]


def date_ticks(first: float, last: float, most: int = 6) -> list[tuple[float, str]]:
    """Days between two moments (epoch seconds) with what they say: days of a month, months, or years; UTC."""
    days = (last - first) / _DAY
    step = next((step for step in _DAY_STEPS if days / step <= most), None)
    if step is not None:
        begin = math.ceil(first / (step * _DAY)) * step * _DAY
        moments = [float(moment) for moment in range(begin, math.floor(last) + 1, step * _DAY)]
        return [(moment, f"{from_epoch(moment).day} {from_epoch(moment):%b}") for moment in moments]
    months = next((step for step in _MONTH_STEPS if days / 30.4 / step <= most), _MONTH_STEPS[-1])
    return [(moment, _month_label(moment, months)) for moment in _month_starts(first, last, months)]


def _month_starts(first: float, last: float, step: int) -> list[float]:
    begin, end = from_epoch(first), from_epoch(last)
    count = range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month)
    starts = [
        parse_rfc3339(f"{number // 12:04d}-{number % 12 + 1:02d}-01T00:00:00Z") for number in count if not number % step
    ]
    return [moment for moment in starts if first <= moment <= last]


def _month_label(moment: float, step: int) -> str:
    day = from_epoch(moment)
    return f"{day:%Y}" if not step % 12 else f"{day:%b %Y}" if day.month == 1 else f"{day:%b}"
