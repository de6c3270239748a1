"""The numbers of many candles at once, read from the bytes of their JSON.

All candles of a page are written alike: without its digits and dots, each is the same text. That is checked for
every one; then the digits are all there is to read, and numpy reads them side by side. A price is the quotient of two
integers that a float64 holds exactly, so it is the same float that Python makes of its text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats, Ints

Columns = list[npt.NDArray[Any]]

_NUMBER = b"0123456789."
_NO_DIGITS = bytes(set(range(256)) - set(_NUMBER + b",T"))
_SPACES = bytes.maketrans(b",T", b"  ")  # an RFC 3339 time becomes two numbers: its date and its time of day
_DOT = ord(".")
_PRICE = re.compile(r"\d{1,9}\.\d{1,9}")
_UNIX_TIME = re.compile(r"\d{1,10}\.\d{1,9}")
_RFC3339_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z")
_EXACT_DIGITS = 15
_POWERS = 10 ** np.arange(_EXACT_DIGITS + 1)
_WORD = 8
_NEIGHBOURS = tuple(
    (np.uint64(bits), np.uint64(10 ** (bits // 8)), np.uint64(lanes))
    for bits, lanes in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0x00000000FFFFFFFF))
)
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
    digits = text.translate(_SPACES, _NO_DIGITS).rstrip()
    numbers = b" " * _WORD + digits + b" "  # room before the first one, and an end of the last one like all others
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
    stretches = _stretches(numbers, count)
    places = stretches and _places(stretches, order)
    if not stretches or not places or len(order) - order.count("date") != _COLUMNS or len(places) != len(order):
        return None
    time = _time(stretches, places)
    prices = [stretches.decimal(places[f"{side}.{price}"]) for side in _SIDES for price in _PRICES]
    if time is None or any(price is None for price in prices):
        return None
    return [time, *(price for price in prices if price is not None), stretches.integer(places["volume"])]


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Stretches of digits, the same ones in each candle: int64 (stretches, candles), where they start and end.

    `words`: the eight bytes from each position on, as one integer. `dotted`: which are followed by a dot.
    """

    words: npt.NDArray[np.uint64]
    starts: Ints
    ends: Ints
    dotted: npt.NDArray[np.bool_]

    def integer(self, place: int) -> Ints:
        """What the digits of a stretch say in each candle."""
        return _integers(self.words, self.starts[place], self.ends[place])

    def decimal(self, place: int) -> Floats | None:
        """The numbers whose dots follow this stretch; None where a float may not hold all their digits."""
        decimals = self.ends[place + 1] - self.starts[place + 1]
        digits = self.ends[place] - self.starts[place] + decimals
        if digits.max() > _EXACT_DIGITS:
            return None
        scale = _POWERS[decimals]
        exact: Ints = self.integer(place) * scale + self.integer(place + 1)
        price: Floats = exact / scale
        return price


def _stretches(numbers: bytes, count: int) -> _Stretches | None:
    """The stretches of digits in `numbers`; None where not every candle has the same ones, followed by the same marks.

    A dot too many in one number and one missing in the next must not cancel.
    """
    text = np.frombuffer(numbers, np.uint8)[_WORD:]
    marks = np.flatnonzero(text < ord("0"))
    if len(marks) % count:
        return None
    ends = np.reshape(marks, (count, -1)).T.copy()  # number by number: what is read together lies together
    starts = np.append(0, marks[:-1] + 1).reshape(count, -1).T.copy()
    dotted, filled = text[ends] == _DOT, ends > starts
    if (dotted != dotted[:, :1]).any() or (filled != filled[:, :1]).any():
        return None
    there = filled[:, 0]
    words: npt.NDArray[np.uint64] = np.ndarray((len(numbers) - _WORD + 1,), "<u8", numbers, strides=(1,))
    return _Stretches(words, starts[there] + _WORD, ends[there] + _WORD, dotted[there, 0])


def _places(stretches: _Stretches, order: list[str]) -> dict[str, int] | None:
    """The stretch in which each name's number begins; None where a number has not the dot that it should, or two."""
    places: dict[str, int] = {}
    place, dotted = 0, stretches.dotted.tolist()
    for name in order:
        marks = [False] if name in ("volume", "date") else [True, False]
        if dotted[place : place + len(marks)] != marks:
            return None
        places[name] = place
        place += len(marks)
    return places if place == len(dotted) else None


def _integers(words: npt.NDArray[np.uint64], starts: Ints, ends: Ints) -> Ints:
    """The numbers that digits spell, up to sixteen each: eight at a time, by adding neighbours up.

    Of the eight bytes before an end, those before the start are set to zero, and each digit to its value. Then every
    second byte becomes ten times its digit plus the next one, every fourth a hundred times its pair plus the next
    pair, and so on. The technique is known as SWAR, SIMD within a register.
    """
    lengths = ends - starts
    if lengths.max() > _WORD:
        middle: Ints = np.maximum(starts, ends - _WORD)
        whole: Ints = _integers(words, starts, middle) * 10**_WORD + _integers(words, middle, ends)
        return whole
    foreign = (8 * (_WORD - lengths)).astype(np.uint64)  # all 64 where a stretch is empty, which leaves nothing
    value = words[ends - _WORD] & np.uint64(0x0F0F0F0F0F0F0F0F)
    value = value >> foreign << foreign
    for bits, factor, lanes in _NEIGHBOURS:
        value = (value * factor + (value >> bits)) & lanes
    return value.astype(np.int64)


def _time(stretches: _Stretches, places: Mapping[str, int]) -> Ints | None:
    """Epoch seconds, of UNIX times or of dates and times of day; None for what is no time."""
    place = places["time"] if "time" in places else places["time of day"]
    seconds = stretches.integer(place)
    if "time" in places:
        return seconds
    date = stretches.integer(places["date"])
    month, day = date // 100 % 100, date % 100
    hour, minute, second = seconds // 10_000, seconds // 100 % 100, seconds % 100
    fields = ((month, 1, 12), (day, 1, 31), (hour, 0, 23), (minute, 0, 59), (second, 0, 59))
    if any(field.min() < low or field.max() > high for field, low, high in fields):
        return None
    months = (date // 10_000 - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    time: Ints = days * 86_400 + hour * 3_600 + minute * 60 + second
    return time
