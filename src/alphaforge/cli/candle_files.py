"""Candles in files: CSV and Parquet, bid and ask or mid alone, in the column names that people use.

A time is RFC 3339 with its offset, or epoch seconds or milliseconds; a naive time is taken only where the caller
says that it is UTC. Prices are `bid_open` (`bid_o`) and so on for bid, ask and mid; plain `open` means mid.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.market.quality import RawCandles

Columns = Mapping[str, Sequence[Any] | npt.NDArray[np.generic]]
_TIMES = ("time", "timestamp", "datetime", "date", "__index_level_0__")
_PARTS = ("open", "high", "low", "close")
_MILLISECONDS_FROM = 1e11
"""As seconds, this would be the year 5138."""
_SAY_UTC = "Add --utc where the times of the file are UTC without saying so."
COLUMN_NAMES = ("timestamp", *(f"{side}{part}" for side in ("", "bid_", "ask_") for part in _PARTS), "volume")
"""What is written; the sandbox replays such files too."""


def read_candles(path: Path, *, spread: float | None = None, naive_is_utc: bool = False) -> RawCandles:
    """Everything in a file, unchecked and in its order.

    `spread` in price: what lies between bid and ask where the file has the mid alone. Raises InvalidInput.
    """
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    columns = (
        _read_parquet(path, naive_is_utc=naive_is_utc)
        if path.suffix.lower() in {".parquet", ".pq"}
        else _read_csv(path)
    )
    named = {name.strip().lower().replace(".", "_"): column for name, column in columns.items()}
    time = next((named[name] for name in _TIMES if name in named), None)
    if time is None:
        raise InvalidInput(f"{path.name} has no column of times", advice=f"Call it `time`; found: {', '.join(named)}.")
    sides = {side: _side(named, side) for side in ("mid", "bid", "ask")}
    volume = named.get("volume", np.zeros(len(time)))
    return RawCandles(_times(time, naive_is_utc=naive_is_utc), _prices(path, sides, spread), _whole(path, volume))


def _side(named: Columns, side: str) -> list[Any] | None:
    for spelling in ((f"{side}_{part}" for part in _PARTS), (f"{side}_{part[0]}" for part in _PARTS)):
        names = list(spelling)
        if all(name in named for name in names):
            return [named[name] for name in names]
    if side == "mid" and all(part in named for part in _PARTS):
        return [named[part] for part in _PARTS]
    return None


def _prices(path: Path, sides: Mapping[str, list[Any] | None], spread: float | None) -> Floats:
    numbers = {side: _floats(path, columns) for side, columns in sides.items() if columns is not None}
    if "bid" in numbers and "ask" in numbers:
        mid = numbers.get("mid", (numbers["bid"] + numbers["ask"]) / 2)
        return np.concatenate((mid, numbers["bid"], numbers["ask"]))
    if "mid" not in numbers:
        raise InvalidInput(
            f"{path.name} has neither bid and ask nor mid prices",
            advice="Columns: bid_open, bid_high, bid_low, bid_close, ask_open ..., or open, high, low, close for mid.",
        )
    if spread is None:
        raise InvalidInput(
            f"{path.name} has mid prices alone, and a signal is entered at the ask or the bid",
            advice="Say what to put between them: --spread 1.2 is 1.2 pips, --spread 0 none.",
        )
    mid = numbers["mid"]
    return np.concatenate((mid, mid - spread / 2, mid + spread / 2))


def _floats(path: Path, columns: Iterable[Any]) -> Floats:
    try:
        return np.array([np.asarray(column, np.float64) for column in columns])
    except ValueError as error:
        raise InvalidInput(f"{path.name}: {error}", advice="Prices are plain numbers with a decimal point.") from None


def _whole(path: Path, volume: object) -> Ints:
    numbers = _floats(path, [volume])[0]
    return np.where(np.isfinite(numbers), numbers, 0).astype(np.int64)


def _times(column: Any, *, naive_is_utc: bool) -> Ints:  # noqa: ANN401 - a list of text or an array of datetime64
    values = np.asarray(column)
    if np.issubdtype(values.dtype, np.datetime64):
        return values.astype("datetime64[s]").astype(np.int64)
    try:
        numbers = values.astype(np.float64)
    except ValueError:
        return np.array([_moment(str(text), naive_is_utc=naive_is_utc) for text in values], np.int64)
    return _epochs(numbers)


def _epochs(numbers: Floats) -> Ints:
    if not np.isfinite(numbers).all():
        raise InvalidInput("A time is missing", advice="Each candle needs its start.")
    milliseconds = len(numbers) and float(np.abs(numbers).max()) >= _MILLISECONDS_FROM
    return (numbers / 1000 if milliseconds else numbers).astype(np.int64)


def _moment(text: str, *, naive_is_utc: bool) -> int:
    try:
        return int(parse_rfc3339(text.strip()))
    except InvalidInput as error:
        if naive_is_utc and _is_naive(text):
            return int(parse_rfc3339(f"{text.strip()}+00:00"))
        advice = _SAY_UTC if _is_naive(text) else error.advice
        raise InvalidInput(error.message, advice=advice) from None


def _is_naive(text: str) -> bool:
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is None
    except ValueError:
        return False


def _read_csv(path: Path) -> Columns:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            names = next(rows, [])
            body = [row for row in rows if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path.name} is no CSV in UTF-8: {error}") from None
    ragged = next((number for number, row in enumerate(body, 2) if len(row) != len(names)), None)
    if ragged is not None:
        raise InvalidInput(f"{path.name}: row {ragged} has another number of columns than the heading")
    if not body:
        raise InvalidInput(f"{path.name} holds no candles")
    return dict(zip(names, zip(*body, strict=True), strict=True))


def _parquet() -> Any:  # noqa: ANN401 - pyarrow has no types, and is an extra
    try:
        import pyarrow.parquet  # noqa: PLC0415 - an extra, and half a second
    except ImportError:
        raise InvalidInput(
            "Parquet files need pyarrow", advice="Install it: .venv/bin/uv pip install pyarrow, or take CSV."
        ) from None
    return pyarrow.parquet


def _read_parquet(path: Path, *, naive_is_utc: bool) -> Columns:
    from pyarrow import ArrowException  # noqa: PLC0415 - an extra

    parquet = _parquet()
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise InvalidInput(f"{path.name} cannot be read as Parquet: {error}") from None
    naive = [field.name for field in table.schema if str(field.type).startswith("timestamp") and not field.type.tz]
    if naive and not naive_is_utc:
        raise InvalidInput(f"{path.name}: the times of {naive[0]!r} have no time zone", advice=_SAY_UTC)
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


class CandleWriter(Protocol):
    """Takes one series after the other, in order."""

    def write(self, series: CandleSeries) -> None:
        """Append candles."""
        ...


class CsvCandles:
    """Writes CSV whose numbers read back to the last bit."""

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(COLUMN_NAMES)

    def write(self, series: CandleSeries) -> None:
        """Append candles."""
        times, *numbers = series.columns()
        columns = [[rfc3339(int(start)) for start in times], *(column.tolist() for column in numbers)]
        self._rows.writerows(zip(*columns, strict=True))


class ParquetCandles(AbstractContextManager["ParquetCandles"]):
    """Writes Parquet, one row group a series."""

    def __init__(self, path: Path) -> None:
        self._parquet, self._path = _parquet(), path
        self._writer: Any = None

    def write(self, series: CandleSeries) -> None:
        """Append candles."""
        import pyarrow as pa  # noqa: PLC0415 - an extra

        times, *numbers = series.columns()
        stamps = pa.array(times * 1_000, pa.timestamp("ms", tz="UTC"))
        table = pa.table([stamps, *(pa.array(column) for column in numbers)], names=list(COLUMN_NAMES))
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
