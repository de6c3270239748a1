"""Settings of the strategy as texts: `min_votes=2.5` for one value, names and values as JSON has them, and back."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final

from alphaforge.core.errors import InvalidSetting
from alphaforge.signals.model import Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings

Value = int | float | tuple[float, ...] | tuple[Regime, ...]

NAMES: Final = tuple(field.name for field in fields(StrategySettings))
ALIASES: Final = {
    "min_candles": "minimum_candles",
    "min_votes": "minimum_votes",
    "min_agreement": "minimum_agreement",
    "min_strength": "minimum_strength",
    "min_adx": "minimum_adx",
    "min_volatility": "minimum_volatility",
    "max_volatility": "maximum_volatility",
    "max_age": "maximum_age",
    "max_spread": "maximum_spread_share",
    "stop": "stop_atr",
    "target": "target_atr",
}
"""Short names that are taken for a setting's own."""

_COUNTS: Final = frozenset(name for name in NAMES if isinstance(getattr(DEFAULT_SETTINGS, name), int))
_REGIMES: Final = "untraded"
_NUMBERS: Final = "multipliers"
_NUMBER: Final = re.compile(r"-?\d{1,15}(/(?P<under>\d{1,15})|(\.\d{1,20})?(e[+-]?\d{1,2})?)", re.ASCII | re.IGNORECASE)
"""Short enough that no exponent fills the memory."""

_LONGEST: Final = 40
"""How much of an unknown text an error repeats."""


def setting_name(text: str) -> str:
    """The field of StrategySettings that a name or an alias means.

    Raises InvalidSetting for any other name; the advice lists those that look like it.
    """
    name = text.strip().lower().replace("-", "_")
    name = ALIASES.get(name, name)
    if name in NAMES:
        return name
    near = get_close_matches(name, (*NAMES, *ALIASES), n=3, cutoff=0.5)
    message = f"{text.strip()[:_LONGEST]!r} is no setting of the strategy"
    raise InvalidSetting(
        message, advice=f"Did you mean {' or '.join(near)}?" if near else "docs/strategy.md lists the settings."
    )


def parse_value(name: str, text: str) -> Value:
    """One value of the setting `name` (a field's own name).

    Whole numbers for counts; decimals or fractions such as 2/3 for the others; several numbers or regimes are joined
    by `+`, and `none` is no regime at all. Raises InvalidSetting for what is none of that.
    """
    if name == _REGIMES:
        return () if text.strip().lower() == "none" else tuple(_regime(part) for part in text.split("+"))
    if name == _NUMBERS:
        return tuple(float(exact(name, part)) for part in text.split("+"))
    number = exact(name, text)
    if name not in _COUNTS:
        return float(number)
    if number.denominator != 1:
        message = f"{name} = {text.strip()[:_LONGEST]} is impossible"
        raise InvalidSetting(message, advice=f"{name} is a whole number.")
    return int(number)


def parse_setting(text: str) -> tuple[str, Value]:
    """The field's name and the value of `name=value`. Raises InvalidSetting where it cannot be read."""
    name, equals, value = text.partition("=")
    if not equals:
        message = f"{text[:_LONGEST]!r} sets nothing"
        raise InvalidSetting(message, advice="Write name=value, as in min_votes=2.5.")
    field = setting_name(name)
    return field, parse_value(field, value)


def with_settings(texts: Iterable[str], base: StrategySettings = DEFAULT_SETTINGS) -> StrategySettings:
    """The base with every `name=value` set; raises InvalidSetting for a name given twice or an impossible value."""
    values: dict[str, Value] = {}
    for text in texts:
        name, value = parse_setting(text)
        if name in values:
            message = f"{name} is set twice"
            raise InvalidSetting(message, advice="Keep one of them; several values of a setting are a grid.")
        values[name] = value
    return settled_with(base, values)


def settled_with(base: StrategySettings, values: Mapping[str, Value]) -> StrategySettings:
    """The base with these fields replaced; raises InvalidSetting where they contradict each other."""
    return replace(base, **values)  # type: ignore[arg-type]  # each value was read for the field it is for


def plain_settings(settings: StrategySettings, base: StrategySettings = DEFAULT_SETTINGS) -> dict[str, Any]:
    """The settings that differ from the base, by name, as JSON has them: regimes by their words, several as lists."""
    return {name: plain_value(value) for name in NAMES if (value := getattr(settings, name)) != getattr(base, name)}


def plain_value(value: Value) -> Any:  # noqa: ANN401 - what JSON has
    """A setting's value as JSON has it."""
    return [str(one) if isinstance(one, Regime) else one for one in value] if isinstance(value, tuple) else value


def settings_from(plain: Mapping[str, Any], base: StrategySettings = DEFAULT_SETTINGS) -> StrategySettings:
    """What `plain_settings` was made of; numbers and texts are taken alike.

    Raises InvalidSetting for unknown names, and for values of another kind.
    """
    values: dict[str, Value] = {}
    for name, value in plain.items():
        field = setting_name(name)
        if field in values:
            message = f"{field} is set twice"
            raise InvalidSetting(message, advice="Keep one of its names.")
        values[field] = _value_from(field, value)
    return settled_with(base, values)


def _value_from(name: str, value: object) -> Value:
    if isinstance(value, str):
        return parse_value(name, value)
    if name in {_REGIMES, _NUMBERS}:
        if isinstance(value, list | tuple):
            parts = [str(part) for part in value]
            return parse_value(name, "+".join(parts)) if parts else ()
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return _number_from(name, value)
    message = f"{name} = {str(value)[:_LONGEST]} is impossible"
    raise InvalidSetting(message, advice="Numbers for numbers; lists for multipliers and untraded regimes.")


def _number_from(name: str, value: float) -> Value:
    if name not in _COUNTS:
        return float(value)
    if value != int(value):
        return parse_value(name, repr(value))
    return int(value)


def exact(name: str, text: str) -> Fraction:
    """A decimal or a fraction as what it says: 0.1 is a tenth. Raises InvalidSetting for anything else."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or (found["under"] and not int(found["under"])):
        message = f"{name} = {text.strip()[:_LONGEST]!r} is no number"
        raise InvalidSetting(message, advice="Write 2.5, 1e-4 or a fraction such as 2/3.")
    return Fraction(found[0])


def _regime(text: str) -> Regime:
    word = text.strip().lower()
    try:
        return Regime(word)
    except ValueError:
        near = get_close_matches(word, list(Regime), n=2, cutoff=0.4) or list(Regime)
        message = f"{text.strip()[:_LONGEST]!r} is no regime"
        raise InvalidSetting(message, advice=f"Did you mean {' or '.join(near)}?") from None
