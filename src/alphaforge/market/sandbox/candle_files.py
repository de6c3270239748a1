"""Candles from files: one file an instrument, `GBP_USD_M5.parquet`, `GBP_USD_M5.csv` or without `_M5`.

Columns as in market/candle_files.py, where a time without an offset is taken as UTC and the volume (number of
prices) must be there. Where bid and ask are missing, they lie around mid by half a spread each: the instrument's
usual spread times a factor of the hour (nights and the edges of breaks are wide, see sessions.py), plus a fiftieth of
the candle's range, in whole points.
"""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidCandle, InvalidInput, InvalidSetting
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import rfc3339
from alphaforge.market.candle_files import FileCandles, read_candles
from alphaforge.market.quality import to_series
from alphaforge.market.sandbox.bars import Bars
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.sessions import DAY, day_shape

_SHARE_OF_RANGE = 0.02
_ENDING = "_M5"
_NAME = re.compile(r"[A-Z0-9]{2,10}_[A-Z]{3}")
"""Without the ending; of `GBP_USD_M15` nobody knows what to think."""


def candle_files(directory: Path) -> list[Path]:
    """The candle files of a folder, by instrument; raises InvalidSetting where there are none or two of one."""
    found = sorted((path for path in directory.glob("*.*") if _is_candle_file(path)), key=instrument_of)
    if not found:
        message = f"There are no candle files in {directory}"
        raise InvalidSetting(message, advice="They are called like GBP_USD_M5.parquet or GBP_USD_M5.csv.")
    for first, second in pairwise(found):
        if instrument_of(first) == instrument_of(second):
            message = f"{first.name} and {second.name} are of the same instrument"
            raise InvalidSetting(message, advice="Remove one of them.")
    return found


def _is_candle_file(path: Path) -> bool:
    named = path.stem.endswith(_ENDING) or _NAME.fullmatch(path.stem) is not None
    return named and path.suffix in {".parquet", ".csv"}


def instrument_of(path: Path) -> str:
    """The instrument that a candle file is named after."""
    return path.stem.removesuffix(_ENDING)


def read_bars(path: Path, listing: Listing) -> Bars:
    """The M5 candles of a file in points; raises InvalidInput naming the file and what is wrong with it."""
    candles = read_candles(path, naive_is_utc=True)
    try:
        return _bars(candles, listing)
    except InvalidCandle as error:
        raise InvalidCandle(f"{path.name}: {error.message}", advice=error.advice) from None


def _bars(candles: FileCandles, listing: Listing) -> Bars:
    if candles.volume is None:
        raise InvalidInput(f"{candles.name} has no column volume", advice="It is the number of prices of each candle.")
    raw = candles.raw(spread=0.0)
    series = to_series(raw, listing.instrument.name)
    points = np.rint(raw.prices * listing.scale)
    if candles.sides is None:
        spread = _spreads(series, listing)
        points[4:8] -= spread // 2
        points[8:12] = points[4:8] + spread
    crossed = (points[4:8] > points[8:12]).any(axis=0)
    if crossed.any():
        at = rfc3339(int(series.time[int(np.argmax(crossed))]))
        raise InvalidCandle(f"{listing.instrument.name} M5 candle {at} has its bid above its ask")
    return Bars(series.time, points.astype(np.int32), series.volume.astype(np.int32))


def _spreads(series: CandleSeries, listing: Listing) -> npt.NDArray[np.float64]:
    """The made-up spread of each candle in points."""
    hours = hours_of(listing.instrument.name)
    days, which = np.unique(series.time // DAY, return_inverse=True)
    shapes = np.array([day_shape(listing, hours, int(day)).spread.reshape(-1, 5).mean(axis=1) for day in days])
    by_hour = listing.spread_points * shapes[which, series.time % DAY // 300]
    by_range = _SHARE_OF_RANGE * listing.scale * (series.mid.high - series.mid.low)
    spread: npt.NDArray[np.float64] = np.maximum(1, np.rint(by_hour + by_range))
    return spread
