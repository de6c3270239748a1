"""Candles from files: one file an instrument, `GBP_USD_M5.parquet` or `GBP_USD_M5.csv`.

Columns: timestamp (start, UTC; a time without an offset is taken as UTC), open, high, low, close (mid prices) and
volume (number of prices); optionally bid_open ... bid_close and ask_open ... ask_close, all eight. Where they are
missing, bid and ask lie around mid by half a spread each: the instrument's usual spread times a factor of the
hour (nights and the edges of breaks are wide, see sessions.py), plus a fiftieth of the candle's range, in whole points.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.errors import InvalidCandle, InvalidInput, InvalidSetting
from alphaforge.core.granularity import Granularity
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import rfc3339
from alphaforge.market.sandbox.bars import Bars
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.sessions import DAY, day_shape

Columns = Mapping[str, npt.NDArray[np.generic]]

_CORNERS = ("open", "high", "low", "close")
_REQUIRED = ("timestamp", *_CORNERS, "volume")
_SIDES = tuple(f"{side}_{corner}" for side in ("bid", "ask") for corner in _CORNERS)
_SHARE_OF_RANGE = 0.02
_ENDING = "_M5"


def candle_files(directory: Path) -> list[Path]:
    """The candle files of a folder, by instrument; raises InvalidSetting where there are none or two of one."""
    found = sorted(path for path in directory.glob(f"*{_ENDING}.*") if path.suffix in {".parquet", ".csv"})
    if not found:
        message = f"There are no candle files in {directory}"
        raise InvalidSetting(message, advice="They are called like GBP_USD_M5.parquet or GBP_USD_M5.csv.")
    for first, second in pairwise(found):
        if first.stem == second.stem:
            message = f"{first.name} and {second.name} are of the same instrument"
            raise InvalidSetting(message, advice="Remove one of them.")
    return found


def instrument_of(path: Path) -> str:
    """The instrument that a candle file is named after."""
    return path.stem.removesuffix(_ENDING)


def read_candles(path: Path, listing: Listing) -> Bars:
    """The M5 candles of a file in points; raises InvalidInput naming the file and what is wrong with it."""
    columns = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    try:
        return _bars(columns, listing)
    except InvalidCandle as error:
        raise InvalidCandle(f"{path.name}: {error.message}", advice=error.advice) from None


def _bars(columns: Columns, listing: Listing) -> Bars:
    mid = [columns[corner] for corner in _CORNERS]
    sides = [columns[name] for name in _SIDES] if _SIDES[0] in columns else [*mid, *mid]
    volume = columns["volume"].astype(np.float64)
    if not np.isfinite(volume).all():
        raise InvalidCandle(f"{listing.instrument.name}: a volume is missing")
    series = series_from_columns(listing.instrument.name, Granularity.M5, [columns["timestamp"], *mid, *sides, volume])
    points = np.array([np.rint(column.astype(np.float64) * listing.scale) for column in series.columns()[1:13]])
    if _SIDES[0] not in columns:
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


def _parquet(path: Path) -> Columns:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an optional extra, loaded where it is used
    except ImportError:
        message = f"{path.name} is a Parquet file, and pyarrow is not installed"
        raise InvalidSetting(message, advice="Install alphaforge[parquet], or give CSV files.") from None
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise InvalidInput(f"{path.name} cannot be read: {error}") from None
    _refuse_missing(path, table.column_names)
    columns = {name: table.column(name).to_numpy() for name in (*_REQUIRED, *_SIDES) if name in table.column_names}
    if columns["timestamp"].dtype.kind != "M":
        raise InvalidInput(f"{path.name}: the column timestamp holds no times")
    columns["timestamp"] = columns["timestamp"].astype("datetime64[s]").astype(np.int64)
    return columns


def _csv(path: Path) -> Columns:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        names = next(reader, [])
        _refuse_missing(path, names)
        rows = list(reader)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for name in (*_REQUIRED, *_SIDES):
        if name in names:
            columns[name] = _column(path, name, [_cell(row, names.index(name)) for row in rows])
    return columns


def _column(path: Path, name: str, cells: Sequence[str]) -> npt.NDArray[np.generic]:
    """The numbers of a column; times as epoch seconds."""
    numbers: list[float] = []
    for line, cell in enumerate(cells, start=2):
        try:
            numbers.append(_epoch(cell) if name == "timestamp" else float(cell))
        except ValueError:
            raise InvalidInput(f"{path.name}, line {line}: {cell!r} is no {name}") from None
    return np.array(numbers, np.int64 if name == "timestamp" else np.float64)


def _cell(row: Sequence[str], position: int) -> str:
    return row[position] if position < len(row) else ""


def _epoch(cell: str) -> float:
    moment = datetime.fromisoformat(cell)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _refuse_missing(path: Path, names: Sequence[str]) -> None:
    wanted = [*_REQUIRED, *(_SIDES if any(name in names for name in _SIDES) else ())]
    missing = [name for name in wanted if name not in names]
    if missing:
        message = f"{path.name} has no column {', '.join(missing)}"
        raise InvalidInput(message, advice=f"Needed: {', '.join(_REQUIRED)}; bid_ and ask_ columns all or none.")
