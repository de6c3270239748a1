"""What is wrong with the settings of a backtest, by the field it was written in: for forms, before anything is sent."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alphaforge.backtests.grid import sweep_from
from alphaforge.backtests.setting_texts import settings_from
from alphaforge.backtests.walk_forward import folds_from, parse_length
from alphaforge.core.errors import AlphaForgeError, Contradiction, InvalidInput

_LENGTHS: Final = ("train", "test", "step")


@dataclass(frozen=True, slots=True)
class Fault:
    """`loc`: the way to the field, as ("settings", "min_votes"); empty where it is of the whole."""

    loc: tuple[str, ...]
    msg: str
    advice: str

    @classmethod
    def of(cls, error: AlphaForgeError, *loc: str) -> "Fault":
        """The error at a field."""
        return cls(loc, error.message, error.advice)


def faults_of(
    settings: Mapping[str, Any], grid: Mapping[str, Any], walk_forward: Mapping[str, Any] | None
) -> list[Fault]:
    """Everything wrong with single fields; where there is nothing, what contradicts itself between them."""
    folds = walk_forward or {}
    single = [
        *_each("settings", settings, lambda name, value: settings_from({name: value})),
        *_each("grid", grid, lambda name, values: sweep_from({name: values})),
        *_each("walk_forward", folds, _look_at_length),
    ]
    return single or [
        *_whole("settings", lambda: settings_from(settings)),
        *_whole("grid", lambda: sweep_from(grid)),
        *(_whole("walk_forward", lambda: folds_from(dict(folds))) if folds else ()),
    ]


def _each(part: str, fields: Mapping[str, Any], look: Callable[[str, Any], object]) -> Iterator[Fault]:
    for name, value in fields.items():
        try:
            look(name, value)
        except Contradiction:
            continue  # another field may make it possible
        except InvalidInput as error:
            yield Fault.of(error, part, name)


def _whole(part: str, look: Callable[[], object]) -> Iterator[Fault]:
    try:
        look()
    except InvalidInput as error:
        yield Fault.of(error, part)


def _look_at_length(name: str, value: object) -> None:
    if name in _LENGTHS and isinstance(value, str):
        parse_length(value)
