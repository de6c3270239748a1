"""Candle requests: what OANDA accepts, and what it says of the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.buckets import SECONDS, WEEKDAYS, Buckets
from alphaforge.market.sandbox.refusal import Refusal

MOST_CANDLES = 5_000
USUAL_CANDLES = 500
_EPOCH = re.compile(r"\d{1,11}(\.\d{1,9})?")
_HOURS = 24
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class CandleQuery:
    """What is asked: prices out of `MBA`, buckets, and either both `start` and `end` or a `count` beside one or none.

    `start`, `end`: epoch seconds on bucket borders; a candle that begins at `end` is not meant.
    """

    prices: str
    buckets: Buckets
    start: int | None
    end: int | None
    count: int


def candle_query(parameters: Mapping[str, str], now: float) -> CandleQuery:
    """The query of a request's parameters; raises Refusal with OANDA's words. `now`: the market's time."""
    buckets = _buckets(parameters)
    start, end = (_moment(parameters, name, now) for name in ("from", "to"))
    count = _count(parameters)
    include_first = _truth(parameters, "includeFirst", usual=True)
    _truth(parameters, "smooth", usual=False)
    if start is not None and end is not None:
        if count is not None:
            raise Refusal("'count' cannot be specified when 'to' and 'from' are set")
        if start > end:
            raise Refusal("Invalid value specified for 'to'. 'to' must not be before 'from'")
        if (end - start) / buckets.seconds > MOST_CANDLES:
            raise Refusal("Maximum value for 'count' exceeded")
    first = None if start is None else buckets.floor(start)
    if first is not None and not include_first:
        first = buckets.after(first)
    last = None if end is None else buckets.ceil(end)
    return CandleQuery(_prices(parameters), buckets, first, last, count or USUAL_CANDLES)


def moment_of(text: str) -> float:
    """Epoch seconds of an RFC 3339 time or of seconds since 1970; raises InvalidInput for anything else."""
    return float(text) if _EPOCH.fullmatch(text) else parse_rfc3339(text)


def _buckets(parameters: Mapping[str, str]) -> Buckets:
    granularity = parameters.get("granularity", "S5")
    if granularity not in SECONDS:
        raise Refusal("Invalid value specified for 'granularity'")
    hour, zone = parameters.get("dailyAlignment", "17"), parameters.get("alignmentTimezone", "America/New_York")
    if not re.fullmatch(r"\d{1,2}", hour) or int(hour) >= _HOURS:
        raise Refusal("Invalid value specified for 'dailyAlignment'")
    try:
        alignment = ZoneInfo(zone)
    except (ValueError, OSError):  # an unknown zone is a KeyError, a path or a folder one of these
        raise Refusal("Invalid value specified for 'alignmentTimezone'") from None
    except KeyError:
        raise Refusal("Invalid value specified for 'alignmentTimezone'") from None
    weekday = parameters.get("weeklyAlignment", "Friday")
    if weekday not in WEEKDAYS:
        raise Refusal("Invalid value specified for 'weeklyAlignment'")
    return Buckets(granularity, int(hour), alignment, WEEKDAYS.index(weekday))


def _prices(parameters: Mapping[str, str]) -> str:
    prices = parameters.get("price", "M")
    if not prices or set(prices) - set("MBA") or len(set(prices)) < len(prices):
        raise Refusal("Invalid value specified for 'price'")
    return prices


def _count(parameters: Mapping[str, str]) -> int | None:
    text = parameters.get("count")
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise Refusal("Invalid value specified for 'count'")
    if int(text) > MOST_CANDLES:
        raise Refusal("Maximum value for 'count' exceeded")
    return int(text)


def _moment(parameters: Mapping[str, str], name: str, now: float) -> float | None:
    text = parameters.get(name)
    if text is None:
        return None
    try:
        moment = moment_of(text)
    except InvalidInput:
        raise Refusal(f"Invalid value specified for '{name}'") from None
    if moment > now:
        raise Refusal(f"Invalid value specified for '{name}'. Time is in the future")
    if moment < 0:
        raise Refusal(f"Invalid value specified for '{name}'")
    return moment


def _truth(parameters: Mapping[str, str], name: str, *, usual: bool) -> bool:
    text = parameters.get(name)
    if text is None:
        return usual
    if text.lower() not in _TRUTHS:
        raise Refusal(f"Invalid value specified for '{name}'")
    return _TRUTHS[text.lower()]
