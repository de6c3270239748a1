"""Many settings at once: which are tried, what that costs, and what the best of them is worth for having been tried."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from alphaforge.backtests.setting_texts import (
    Value,
    exact,
    parse_value,
    plain_value,
    setting_name,
    settled_with,
)
from alphaforge.core.errors import InvalidInput, InvalidSetting
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings

MOST_POINTS: Final = 2_000
"""How many points a grid may have, if nobody says otherwise."""

_MOST_VALUES = 20_000
"""More values of one setting than this are not even counted out."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting and the values it takes, in the order they were given."""

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            message = f"{self.name} has no values"
            raise InvalidSetting(message, advice="Write name=v1,v2,... or name=from:to:step.")
        if len(set(self.values)) < len(self.values):
            message = f"{self.name} has a value twice"
            raise InvalidSetting(message, advice="Each value of a grid is tried once.")


@dataclass(frozen=True, slots=True)
class Point:
    """One combination that can be meant: its place in the product of the axes, and the settings it makes."""

    number: int
    settings: StrategySettings


@dataclass(frozen=True, slots=True)
class Impossible:
    """Combinations that contradict themselves in the same way: why, how many, and the first of them."""

    why: str
    count: int
    example: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every combination of the values of some settings; without axes, the base alone.

    Raises InvalidSetting where a setting is swept twice.
    """

    axes: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            message = f"{twice} is swept twice"
            raise InvalidSetting(message, advice="Give all its values at once.")

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def points(self, base: StrategySettings = DEFAULT_SETTINGS) -> tuple[tuple[Point, ...], tuple[Impossible, ...]]:
        """The combinations that can be meant in the order of the product, and those that cannot, by why."""
        points: list[Point] = []
        impossible: dict[str, Impossible] = {}
        for number, values in enumerate(self.combinations()):
            try:
                points.append(Point(number, settled_with(base, values)))
            except InvalidSetting as error:
                known = impossible.get(error.message)
                impossible[error.message] = Impossible(
                    error.message, 1 + (known.count if known else 0), known.example if known else values
                )
        return tuple(points), tuple(impossible.values())

    def combinations(self) -> Iterable[dict[str, Value]]:
        """Name and value of every combination, the last axis turning fastest."""
        names = [axis.name for axis in self.axes]
        return (dict(zip(names, values, strict=True)) for values in product(*(axis.values for axis in self.axes)))

    def to_dict(self) -> dict[str, list[Any]]:
        """Name to values, as JSON has them."""
        return {axis.name: [plain_value(value) for value in axis.values] for axis in self.axes}


def parse_sweep(texts: Iterable[str]) -> Sweep:
    """A sweep of `name=v1,v2,...` or `name=from:to:step` (both ends included) for each setting.

    Raises InvalidSetting where a text cannot be read.
    """
    return Sweep(tuple(_axis(text) for text in texts))


def sweep_from(plain: Mapping[str, Sequence[Any]]) -> Sweep:
    """What `Sweep.to_dict` was made of; a text of `from:to:step` is taken for the values it stands for."""
    axes = []
    for name, values in plain.items():
        field = setting_name(name)
        texts = values if isinstance(values, str) else ",".join(_text(value) for value in values)
        axes.append(Axis(field, _values(field, texts)))
    return Sweep(tuple(axes))


def estimated_seconds(points: int, candles: int, *, rate: float, cores: int = 1) -> float:
    """How long `points` settings over `candles` M5 candles take at `rate` evaluated candles a second and core."""
    return points * candles / (rate * cores)


def refuse_above(sweep: Sweep, seconds: float, *, limit: int = MOST_POINTS) -> None:
    """Raises InvalidInput for a sweep of more points than `limit`, saying how long it would have taken."""
    if len(sweep) > limit:
        axes = " x ".join(f"{len(axis.values):,} {axis.name}" for axis in sweep.axes)
        message = (
            f"A grid of {len(sweep):,} points ({axes}) is more than the {limit:,} allowed: "
            f"it would take about {_duration(seconds)}"
        )
        raise InvalidInput(message, advice="Take fewer values of each setting, or raise the limit.")


def _axis(text: str) -> Axis:
    name, equals, values = text.partition("=")
    if not equals:
        message = f"{text[:40]!r} sweeps nothing"
        raise InvalidSetting(message, advice="Write name=v1,v2,... or name=from:to:step.")
    field = setting_name(name)
    return Axis(field, _values(field, values))


def _values(name: str, text: str) -> tuple[Value, ...]:
    """The values of a list or a range; ranges are counted exactly, so that 0.1:0.3:0.1 has three."""
    if ":" not in text:
        return tuple(parse_value(name, part) for part in text.split(","))
    parts = text.split(":")
    if len(parts) != 3:  # noqa: PLR2004 - from, to, step
        message = f"{name} = {text[:40]} is no range"
        raise InvalidSetting(message, advice="Write from:to:step, as in 1.5:3:0.5.")
    first, last, step = (exact(name, part) for part in parts)
    if step <= 0 or last < first:
        message = f"{name} = {text[:40]} goes nowhere"
        raise InvalidSetting(message, advice="A range goes up: from:to:step with to not below from and a step above 0.")
    count = int((last - first) / step) + 1
    if count > _MOST_VALUES:
        message = f"{name} = {text[:40]} has {count:,} values"
        raise InvalidSetting(message, advice="Take a wider step.")
    return tuple(parse_value(name, str(first + number * step)) for number in range(count))


def _text(value: object) -> str:
    return "+".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)


def _duration(seconds: float) -> str:
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(1, round(seconds))} seconds"
