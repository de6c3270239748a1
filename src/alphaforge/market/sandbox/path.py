"""One simulated day of one instrument in candles of five seconds, computed from nothing but its key and its date.

The price is a sum of curves that each can be computed at any moment: a level that wanders over days to years, and
within the day a walk whose volatility follows the sessions, clusters on scales of minutes to weeks and jumps with
news, mixed by a slow regime with drift (trends) or with a pull back (ranges). The walk is bent to meet the level at
midnight, so that a day needs no other day.
"""

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from alphaforge.core.market_hours import MarketHours
from alphaforge.market.sandbox.bars import NO_BARS, Bars, gathered
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.noise import Floats, fractions, key_of, normals, slow
from alphaforge.market.sandbox.sessions import DAY, MINUTES, DayShape, day_shape

SLOTS = DAY // 5
_STEPS = SLOTS // MINUTES
_OPEN, _HIGH, _LOW, _CLOSE = range(4)
_OCTAVES = 2.0 ** np.arange(10)  # days of trading
_TRADING_DAYS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.08)  # when each weekday begins, counted in days of trading
_TRADING_WEEK = 5.16
_PRICES_A_SLOT = 11.0
_CURVES = MappingProxyType(
    {
        "minutes": 600,
        "hour": 3_600,
        "session": 21_600,
        "days": 4 * DAY,
        "month": 25 * DAY,
        "regime": 18_000,
        "drift": 10_800,
    }
)  # the slow curves and their periods in seconds
_CLUSTERS = MappingProxyType({"minutes": 0.16, "hour": 0.24, "session": 0.28, "days": 0.24, "month": 0.20})
_PULL_MINUTES = 15.0
_DRIFT = 0.06  # of a step's deviation, enough to show within an hour
_NEWS_CHANCE = 0.3
_NEWS_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Strip:
    """The five-second candles of a day that have a price, in little memory.

    `day`: days since 1970. `slot`: int16 (n,), which fifth second. `mid`: int32 (4, n), open, high, low, close in
    points. `spread`: int32 (n,) in points. `volume`: int16 (n,).
    """

    day: int
    slot: npt.NDArray[np.int16]
    mid: npt.NDArray[np.int32]
    spread: npt.NDArray[np.int32]
    volume: npt.NDArray[np.int16]

    def bars(self, start: float = 0, end: float = float("inf")) -> Bars:
        """The candles that start in [start, end), with bid and ask around mid."""
        midnight = self.day * DAY
        low, high = (min(max((moment - midnight) / 5, 0), SLOTS) for moment in (start, end))
        first, last = np.searchsorted(self.slot, (np.int16(np.ceil(low)), np.int16(np.ceil(high))))
        if first == last:
            return NO_BARS
        mid, spread = self.mid[:, first:last], self.spread[first:last]
        bid = mid - spread // 2
        return Bars(
            midnight + 5 * self.slot[first:last].astype(np.int64),
            np.concatenate((mid, bid, bid + spread)),
            self.volume[first:last].astype(np.int32),
        )

    def added_up(self) -> Bars:
        """The day's candles of five minutes."""
        return gathered(self.bars(), self.day * DAY + 300 * (self.slot // 60).astype(np.int64))


def simulated_day(seed: int, listing: Listing, hours: MarketHours, day: int) -> Strip:
    """The day number `day` since 1970 of an instrument in the world of `seed`."""
    shape = day_shape(listing, hours, day)
    name = listing.instrument.name
    if not shape.open.any():
        return _EMPTY
    part = shape.trading  # nights and weekends cost nothing
    mood = _mood(seed, name, shape).rows(part)
    shape = shape.rows(part)
    slots = np.arange(part.start * _STEPS, part.stop * _STEPS, dtype=np.int64) + day * SLOTS
    chance = normals(key_of(seed, name, "walk"), slots)
    deviation = np.where(shape.open, listing.volatility / np.sqrt(SLOTS) * shape.activity * mood.volatility, 0.0)
    begin, end = (listing.volatility * level(seed, name, _trading_day(midnight)) for midnight in (day, day + 1))
    steps = _steps(deviation, mood, chance, end - begin)
    path = listing.anchor * listing.scale * np.exp(begin + np.cumsum(steps))
    first, second, third, fourth = fractions(key_of(seed, name, "prices"), slots)
    density = np.where(shape.open, _PRICES_A_SLOT * shape.density * mood.volatility, 0.0)
    volume = np.floor(np.repeat(density, _STEPS) * (0.4 + 0.75 * np.abs(chance)) + first).astype(np.int16)
    spread = np.repeat(listing.spread_points * shape.spread * mood.unrest, _STEPS) * (0.85 + 0.3 * second)
    wick = path * np.repeat(1.2 * deviation, _STEPS)
    mid = _candles(path, listing.anchor * listing.scale * np.exp(begin), volume, wick * third**2, wick * fourth**2)
    kept = np.flatnonzero(volume)
    return Strip(
        day,
        (part.start * _STEPS + kept).astype(np.int16),
        np.take(mid, kept, axis=1),
        np.maximum(1, np.rint(spread[kept])).astype(np.int32),
        volume[kept],
    )


_EMPTY = Strip(0, np.zeros(0, np.int16), np.zeros((4, 0), np.int32), np.zeros(0, np.int32), np.zeros(0, np.int16))


@lru_cache(maxsize=64)
def level(seed: int, name: str, trading_day: float) -> float:
    """How far the price has wandered from its anchor, in deviations of a day.

    A fractal sum: curves of period 1, 2, 4 ... days, each as strong as its period asks for in a random walk.
    It stays within about 16 deviations, so no price runs away over the years.
    """
    keys = np.array([key_of(seed, name, "level", float(period)) for period in _OCTAVES])
    knots = np.floor(trading_day / _OCTAVES)
    heights = normals(np.tile(keys, 2), np.concatenate((knots, knots + 1)).astype(np.int64))
    left, right = heights[: len(knots)], heights[len(knots) :]
    return float(np.dot(_OCTAVES**0.5 / 2, left + (right - left) * (trading_day / _OCTAVES - knots)))


@dataclass(frozen=True, slots=True)
class _Mood:
    """The minutes of a day, five arrays (1440,).

    `volatility`: relative, beside that of the sessions. `unrest`: multiple of the spread. `drift`: of each step in
    deviations, with the pull back of ranges. `ranging`: 0 in a trend, 1 in a range. `jump`: in deviations.
    """

    volatility: Floats
    unrest: Floats
    drift: Floats
    ranging: Floats
    jump: Floats

    def rows(self, part: slice) -> "_Mood":
        """Some of the minutes."""
        return _Mood(self.volatility[part], self.unrest[part], self.drift[part], self.ranging[part], self.jump[part])


def _mood(seed: int, name: str, shape: DayShape) -> _Mood:
    """The slow curves of a day, in steps of five minutes, and its news."""
    keys = [key_of(seed, name, curve) for curve in _CURVES]
    heights = slow(keys, tuple(_CURVES.values()), shape.minutes[::5])
    curves = dict(zip(_CURVES, heights, strict=True))
    cluster = sum((weight * curves[curve] for curve, weight in _CLUSTERS.items()), start=np.full(MINUTES // 5, -0.1))
    ranging = 1 / (1 + np.exp(-2.5 * curves["regime"]))
    pull = normals(key_of(seed, name, "pull"), shape.minutes // 60)
    decay = np.exp(np.arange(MINUTES) / _PULL_MINUTES)
    swing = np.cumsum(np.repeat(ranging, 5) * pull * decay) / decay
    drift = np.repeat(_DRIFT * (1 - ranging) * curves["drift"], 5) + np.diff(swing, prepend=0.0) / _STEPS**0.5
    shock, unrest, jump = _news(seed, name, shape)
    return _Mood(np.repeat(np.exp(cluster), 5) * shock, unrest, drift, np.repeat(ranging, 5), jump)


def _news(seed: int, name: str, shape: DayShape) -> tuple[Floats, Floats, Floats]:
    """What the day's news do to volatility, to the spread, and to the price at once (in deviations)."""
    shock, unrest, jump = np.ones(MINUTES), np.ones(MINUTES), np.zeros(MINUTES)
    day = int(shape.minutes[0]) // DAY
    happens, when, strength, side = fractions(
        key_of(seed, name, "news"), day * _NEWS_SLOTS + np.arange(_NEWS_SLOTS, dtype=np.int64)
    )
    for slot in np.flatnonzero(happens < _NEWS_CHANCE):
        minute = 6 * 60 + 30 * int(when[slot] * 30)  # on full and half hours from 06:00 to 20:30 UTC
        force = 1 + 4 * float(strength[slot]) ** 3
        since = np.arange(MINUTES - minute)
        shock[minute:] += force * np.exp(-since / 12)
        unrest[minute:] += force / 2 * np.exp(-since / 4)
        jump[minute] += (4 * force) * (1 if side[slot] < 0.5 else -1)  # noqa: PLR2004 - even odds
    return shock, unrest, jump


def _steps(deviation: Floats, mood: _Mood, chance: Floats, change: float) -> Floats:
    """The changes of the logarithmic price in each slot, (17280,): walk, drift and jumps, adding up to `change`."""
    steps = np.repeat(deviation * (1 - 0.5 * mood.ranging), _STEPS) * chance
    steps[::_STEPS] += deviation * mood.jump
    drift, variance = deviation * mood.drift, deviation**2
    missing = change - steps.sum() - _STEPS * drift.sum()
    steps += np.repeat(drift + missing / (_STEPS * variance.sum()) * variance, _STEPS)
    return steps


def _candles(
    path: Floats, before: float, volume: npt.NDArray[np.int16], up: Floats, down: Floats
) -> npt.NDArray[np.int32]:
    """Open, high, low and close in points, (4, n), of a path sampled at the end of each slot."""
    mid = np.empty((4, len(path)), np.int32)
    start = np.concatenate(([before], path[:-1]))
    roomy = volume >= 4  # noqa: PLR2004 - open, both extremes, close
    mid[_OPEN] = np.rint(start + (path - start) / np.maximum(volume, 1))
    mid[_CLOSE] = np.rint(path)
    mid[_HIGH] = np.maximum(mid[_OPEN], mid[_CLOSE]) + np.rint(up) * roomy
    mid[_LOW] = np.minimum(mid[_OPEN], mid[_CLOSE]) - np.rint(down) * roomy
    return mid


def _trading_day(day: int) -> float:
    """The start of the UTC day number `day`, counted in days of trading: weekends are short."""
    week, weekday = divmod(day + 3, 7)  # 1970-01-01 was a Thursday
    return week * _TRADING_WEEK + _TRADING_DAYS[weekday]
