"""The numbers of many candles at once, read from the bytes of their JSON.

All candles of a page are written alike: without its digits and dots, each is the same text. That is checked for
every one; then the digits are all there is to read, and numpy reads them in one go. A price is the quotient of two
integers that a float64 holds exactly, so it is the same float that Python makes of its text.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Ints

Columns = list[npt.NDArray[Any]]

_NUMBER = b"0123456789."
_NO_DIGITS = bytes(set(range(256)) - set(_NUMBER + b",T"))
_SPACES = bytes.maketrans(b",T", b"  ")  # an RFC 3339 time becomes two numbers: its date and its time of day
_DOT = ord(".")
_PRICE = re.compile(r"\d{1,9}\.\d{1,9}")
_UNIX_TIME = re.compile(r"\d{1,10}\.\d{9}")
_RFC3339_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
_TIME_DECIMALS = 9
_EXACT, _EXACT_DECIMALS = 2**53, 22
_POWERS = 10.0 ** np.arange(_EXACT_DECIMALS + 1)
_COLUMNS = 14
_SIDES = ("mid", "bid", "ask")
_PRICES = ("o", "h", "l", "c")


def columns_in_bulk(text: bytes) -> Columns | None:
    """The 14 columns of the complete candles in `text` (objects with commas between, and maybe after, them).

    None where they are not all written alike, in a way this module knows.
    """
    ends = re.search(rb"\}\s*\}", text)
    if not ends:
        return None
    first = text[: ends.end()]
    order = _order_of(first)
    count = _candles_written_alike(text, first)
    if order is None or count is None:
        return None
    numbers = text.translate(_SPACES, _NO_DIGITS).rstrip() + b" "  # so that the last candle ends like the others
    return _columns(numbers, count, order)


def _order_of(first: bytes) -> list[str] | None:
    """The names of a candle's numbers as they follow each other, or None where they are not as expected."""
    try:
        candle = msgspec.json.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    order: list[str] = []
    for key, value in candle.items():
        if key in _SIDES and isinstance(value, Mapping) and sorted(value) == sorted(_PRICES):
            if not all(isinstance(price, str) and _PRICE.fullmatch(price) for price in value.values()):
                return None
            order += [f"{key}.{name}" for name in value]
        elif key == "time" and isinstance(value, str) and _UNIX_TIME.fullmatch(value):
            order.append("time")
        elif key == "time" and isinstance(value, str) and _RFC3339_TIME.fullmatch(value):
            order += ["date", "time of day"]
        elif key == "volume" and type(value) is int and value >= 0:
            order.append("volume")
        elif key != "complete" or value is not True:
            return None
    return order if "complete" in candle else None


def _candles_written_alike(text: bytes, first: bytes) -> int | None:
    """How many candles there are, if all are the first one with other digits."""
    shape, one = text.translate(None, _NUMBER), first.translate(None, _NUMBER)
    second = shape.find(b"{", len(one))
    between = shape[len(one) : second] if second > 0 else b","
    shape = shape.rstrip().removesuffix(b",")
    count, rest = divmod(len(shape) + len(between), len(one) + len(between))
    if rest or between.strip() != b"," or shape != between.join([one] * count):
        return None
    return count


def _columns(numbers: bytes, count: int, order: list[str]) -> Columns | None:
    if len(order) - order.count("date") != _COLUMNS or len(set(order)) != len(order):
        return None
    decimals = _decimals(numbers, count)
    try:
        digits = np.fromstring(numbers.translate(None, b"."), np.int64, sep=" ")
    except (ValueError, DeprecationWarning):
        return None
    if decimals is None or digits.shape != (count * len(order),):
        return None
    exact = np.ascontiguousarray(digits.reshape(count, len(order)).T)
    table = dict(zip(order, exact, strict=True))
    places = dict(zip((name for name in order if name not in ("volume", "date")), decimals.T, strict=True))
    time = _time(table, places)
    names = [f"{side}.{price}" for side in _SIDES for price in _PRICES]
    if time is None or any(
        table[name].min() < 0 or table[name].max() >= _EXACT or places[name].max() > _EXACT_DECIMALS for name in names
    ):
        return None
    return [time, *(table[name] / _POWERS[places[name]] for name in names), table["volume"]]


def _decimals(numbers: bytes, count: int) -> Ints | None:
    """How many decimals each number with a dot has, shape (count, dotted numbers of a candle).

    None where not every candle has its dots in the same of its numbers, one in each: a dot too many in one number and
    one missing in another must not cancel.
    """
    text = np.frombuffer(numbers, np.uint8)
    marks: Ints = np.flatnonzero(text < ord("0"))
    if len(marks) % count:
        return None
    marks = np.reshape(marks, (count, -1))
    dotted = text[marks] == _DOT
    dots = np.flatnonzero(dotted[0])
    alike = (dotted == dotted[0]).all() and (np.diff(dots) > 1).all()
    return marks[:, dots + 1] - marks[:, dots] - 1 if alike else None


def _time(table: Mapping[str, Ints], places: Mapping[str, Ints]) -> Ints | None:
    """Epoch seconds, of UNIX times or of dates and times of day, both with nine decimals; None for what is no time."""
    name = "time" if "time" in table else "time of day"
    if (places[name] != _TIME_DECIMALS).any():
        return None
    seconds: Ints = table[name] // 10**_TIME_DECIMALS
    if "time" in table:
        return seconds
    date = table["date"]
    month, day = date // 100 % 100, date % 100
    hour, minute, second = seconds // 10_000, seconds // 100 % 100, seconds % 100
    fields = ((month, 1, 12), (day, 1, 31), (hour, 0, 23), (minute, 0, 59), (second, 0, 59))
    if any(field.min() < low or field.max() > high for field, low, high in fields):
        return None
    months = (date // 10_000 - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    time: Ints = days * 86_400 + hour * 3_600 + minute * 60 + second
    return time
