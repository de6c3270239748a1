"""Candles in files: CSV and Parquet, bid and ask or mid alone, in the column names that people use.

A time is RFC 3339 with its offset, or epoch seconds or milliseconds; a naive time is taken only where the caller
says that it is UTC. Prices are `bid_open` (`bid_o`) and so on for bid, ask and mid; plain `open` means mid.
"""

import csv
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
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
_LARGEST_VOLUME = 1e15
_A_VOLUME = "A volume is the number of prices within the candle."
_SAY_UTC = "Add --utc where the times of the file are UTC without saying so."
COLUMN_NAMES = ("timestamp", *(f"{side}{part}" for side in ("", "bid_", "ask_") for part in _PARTS), "volume")
"""What is written; the sandbox replays such files too."""


@dataclass(frozen=True, slots=True)
class FileCandles:
    """What a file says, unchecked and in its order.

    `time` int64 (n,). `mid` float64 (4, n): open, high, low, close, or the middle of bid and ask where they alone are
    given. `sides` float64 (8, n), bid and ask, None where the file has the mid alone. `volume` int64 (n,), None where
    the file tells none.
    """

    name: str
    time: Ints
    mid: Floats
    sides: Floats | None
    volume: Ints | None

    def raw(self, spread: float | None = None) -> RawCandles:
        """The candles with bid and ask; `spread` in price lies between them where the file has the mid alone.

        Raises InvalidInput where it does and there is no `spread`.
        """
        sides = self.sides
        if sides is None and spread is None:
            raise InvalidInput(
                f"{self.name} has mid prices alone, and a signal is entered at the ask or the bid",
                advice="Say what to put between them: --spread 1.2 is 1.2 pips, --spread 0 none.",
            )
        if sides is None:
            half = (spread or 0.0) / 2
            sides = np.concatenate((self.mid - half, self.mid + half))
        volume = np.zeros(len(self.time), np.int64) if self.volume is None else self.volume
        return RawCandles(self.time, np.concatenate((self.mid, sides)), volume)


def read_candles(path: Path, *, naive_is_utc: bool = False) -> FileCandles:
    """Everything in a file. Raises InvalidInput that names the file and, where one is wrong, the row."""
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
    mid, sides = _prices(path, named)
    volume = _volume(path, named["volume"]) if "volume" in named else None
    return FileCandles(path.name, _times(path, time, naive_is_utc=naive_is_utc), mid, sides, volume)


def _prices(path: Path, named: Columns) -> tuple[Floats, Floats | None]:
    """The mid, (4, n), and where the file has them bid and ask, (8, n)."""
    bid, ask = (_side(path, named, f"{side}_") for side in ("bid", "ask"))
    mid = _side(path, named, "mid_")
    if mid is None:
        mid = _side(path, named, "")
    if bid is not None and ask is not None:
        return (bid + ask) / 2 if mid is None else mid, np.concatenate((bid, ask))
    if bid is not None or ask is not None:
        have, lack = ("bid", "ask") if ask is None else ("ask", "bid")
        raise InvalidInput(f"{path.name} has {have} prices and no column {lack}_open", advice=_WHICH)
    if mid is None:
        raise InvalidInput(f"{path.name} has neither bid and ask nor mid prices", advice=_WHICH)
    return mid, None


_WHICH = "Columns: bid_open, bid_high, bid_low, bid_close, ask_open ..., or open, high, low, close for mid."


def _side(path: Path, named: Columns, prefix: str) -> Floats | None:
    """Open, high, low and close of one side, None where the file has none of them."""
    parts = _PARTS if not prefix or any(prefix + part in named for part in _PARTS) else tuple("ohlc")
    names = [prefix + part for part in parts]
    missing = [name for name in names if name not in named]
    if len(missing) == len(names):
        return None
    if missing:
        raise InvalidInput(f"{path.name} has no column {', '.join(missing)}", advice=_WHICH)
    return np.array([_floats(path, name, named[name]) for name in names])


def _floats(path: Path, name: str, column: Any) -> Floats:  # noqa: ANN401 - text of a CSV or an array
    try:
        return np.asarray(column, np.float64)
    except (TypeError, ValueError):
        row, cell = next((row, cell) for row, cell in enumerate(column, 2) if not _is_number(cell))
        raise InvalidInput(
            f"{path.name}, row {row}: {cell!r} is no {name}", advice="Numbers are plain, with a decimal point."
        ) from None


def _is_number(cell: Any) -> bool:  # noqa: ANN401 - whatever a file holds
    try:
        np.asarray(cell, np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _volume(path: Path, column: Any) -> Ints:  # noqa: ANN401 - text of a CSV or an array
    numbers = _floats(path, "volume", column)
    if not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers))) + 2
        raise InvalidInput(f"{path.name}, row {row}: a volume is missing", advice="Leave the column out if unknown.")
    if (np.abs(numbers) > _LARGEST_VOLUME).any():
        row = int(np.argmax(np.abs(numbers))) + 2
        raise InvalidInput(f"{path.name}, row {row}: a volume of {numbers[row - 2]:g} cannot be", advice=_A_VOLUME)
    return numbers.astype(np.int64)


def _times(path: Path, column: Any, *, naive_is_utc: bool) -> Ints:  # noqa: ANN401 - text or an array of datetime64
    values = np.asarray(column)
    if np.issubdtype(values.dtype, np.datetime64):
        if np.isnat(values).any():
            raise _no_time(path, int(np.argmax(np.isnat(values))))
        return values.astype("datetime64[s]").astype(np.int64)
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        texts = [str(text) for text in values]
        return np.array([_moment(path, *one, naive_is_utc=naive_is_utc) for one in enumerate(texts, 2)], np.int64)
    if not np.isfinite(numbers).all():
        raise _no_time(path, int(np.argmin(np.isfinite(numbers))))
    milliseconds = len(numbers) and float(np.abs(numbers).max()) >= _MILLISECONDS_FROM
    return (numbers / 1000 if milliseconds else numbers).astype(np.int64)


def _no_time(path: Path, position: int) -> InvalidInput:
    return InvalidInput(f"{path.name}, row {position + 2}: a time is missing", advice="Each candle needs its start.")


def _moment(path: Path, row: int, text: str, *, naive_is_utc: bool) -> int:
    try:
        return int(parse_rfc3339(text.strip()))
    except InvalidInput as error:
        if naive_is_utc and _is_naive(text):
            return int(parse_rfc3339(f"{text.strip()}+00:00"))
        advice = _SAY_UTC if _is_naive(text) else error.advice
        raise InvalidInput(f"{path.name}, row {row}: {error.message}", advice=advice) from None


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
    parquet = _parquet()
    from pyarrow import ArrowException  # noqa: PLC0415 - an extra

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
