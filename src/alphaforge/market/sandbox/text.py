"""Candles as OANDA writes them, thousands at a time.

Every row of a page has the same shape, so a page is a matrix of bytes: fixed text, columns of digits, and zero bytes
where a number is shorter than the longest, which are dropped at the end.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from alphaforge.core.times import from_epoch
from alphaforge.market.sandbox.bars import Bars, Ints

Bytes = npt.NDArray[np.uint8]

_PIECE = 1_000
_FEW = 10
"""Candles up to which writing one after another is quicker than a matrix."""
_NAMES = {"M": "mid", "B": "bid", "A": "ask"}
_FIRST_ROW = {"M": 0, "B": 4, "A": 8}
_TEN, _ZERO = np.uint32(10), np.uint32(ord("0"))


def candle_text(
    bars: Bars, complete: npt.NDArray[np.bool_], prices: str, precision: int, *, unix: bool
) -> Iterator[bytes]:
    """The JSON list of candles in pieces. `complete`: (n,). `prices`: out of `MBA`. `precision`: decimals."""
    yield b"["
    if len(bars) <= _FEW:
        yield ",".join(_written(bars, complete, prices, precision, unix=unix)).encode()
        yield b"]"
        return
    for at in range(0, len(bars), _PIECE):
        rows = _rows(bars.rows(at, at + _PIECE), complete[at : at + _PIECE], prices, precision, unix=unix)
        yield rows if at else rows[1:]
    yield b"]"


def price_text(points: int, precision: int) -> str:
    """A price in points with its decimals."""
    whole, part = divmod(int(points), 10**precision)
    return f"{whole}.{part:0{precision}d}" if precision else str(whole)


def time_text(moment: float, *, unix: bool) -> str:
    """A moment with nine decimals, as seconds since 1970 or in RFC 3339."""
    micros = round(moment * 1e6)
    if unix:
        return f"{micros // 1_000_000}.{micros % 1_000_000 * 1_000:09d}"
    return f"{from_epoch(micros // 1_000_000):%Y-%m-%dT%H:%M:%S}.{micros % 1_000_000 * 1_000:09d}Z"


def _written(bars: Bars, complete: npt.NDArray[np.bool_], prices: str, precision: int, *, unix: bool) -> Iterator[str]:
    """Each candle, to the letter as `_rows` has it."""
    sides = [side for side in "BMA" if side in prices]
    rows = zip(bars.time.tolist(), bars.volume.tolist(), complete.tolist(), bars.prices.T.tolist(), strict=True)
    for time, volume, closed, points in rows:
        text = [price_text(price, precision) for price in points]
        ohlc = "".join(
            f',"{_NAMES[side]}":{{"o":"{text[at]}","h":"{text[at + 1]}","l":"{text[at + 2]}","c":"{text[at + 3]}"}}'
            for side in sides
            for at in (_FIRST_ROW[side],)
        )
        moment = time_text(time, unix=unix)
        yield f'{{"complete":{"true" if closed else "false"},"volume":{volume},"time":"{moment}"{ohlc}}}'


def _rows(bars: Bars, complete: npt.NDArray[np.bool_], prices: str, precision: int, *, unix: bool) -> bytes:
    """Each candle with a comma before it."""
    columns: list[bytes | Bytes] = [b',{"complete":', _truths(complete), b',"volume":', _digits(bars.volume, 0)]
    columns += [b',"time":"', _digits(bars.time, 0) if unix else _dates(bars.time)]
    columns.append(b'.000000000"' if unix else b'.000000000Z"')
    digits = _digits(bars.prices, precision)
    for side in (side for side in "BMA" if side in prices):
        columns.append(f',"{_NAMES[side]}":{{"o":"'.encode())
        for corner, after in enumerate((b'","h":"', b'","l":"', b'","c":"', b'"}')):
            columns += [digits[_FIRST_ROW[side] + corner], after]
    columns.append(b"}")
    template = b"".join(column if isinstance(column, bytes) else bytes(column.shape[1]) for column in columns)
    matrix = np.empty((len(bars), len(template)), np.uint8)
    matrix[:] = np.frombuffer(template, np.uint8)
    at = 0
    for column in columns:
        if isinstance(column, bytes):
            at += len(column)
        else:
            matrix[:, at : at + column.shape[1]] = column
            at += column.shape[1]
    return matrix.tobytes().translate(None, b"\0")


def _digits(numbers: npt.NDArray[np.int32] | Ints, precision: int) -> Bytes:
    """Decimal digits of whole numbers, (..., width), with a point before the last `precision`; 0 bytes in front."""
    width = max(len(str(int(numbers.max()))), precision + 1)
    point = 1 if precision else 0
    text = np.empty((*numbers.shape, width + point), np.uint8)
    rest = numbers.astype(np.uint32)  # prices, counts and the seconds of this century all fit
    place = width + point - 1
    for position in range(width):
        if position == precision and point:
            text[..., place] = ord(".")
            place -= 1
        above = rest // _TEN  # numpy divides by a constant many times faster than it takes a remainder
        text[..., place] = rest - above * _TEN + _ZERO
        if position > precision:
            text[..., place] *= rest != 0  # nothing but zeros from here on
        rest = above
        place -= 1
    return text


def _dates(times: Ints) -> Bytes:
    """`2025-07-07T06:00:00` of each time, (n, 19). Candles share their days, so only days are formatted one by one."""
    days, which = np.unique(times // 86_400, return_inverse=True)
    letters = np.datetime_as_string(days.astype("datetime64[D]")).view(np.uint32).reshape(len(days), -1)
    text = np.empty((len(times), 19), np.uint8)
    text[:, :10] = letters[:, :10].astype(np.uint8)[which]
    text[:, 10:] = np.frombuffer(b"T00:00:00", np.uint8)
    second = (times % 86_400).astype(np.uint32)
    for place, part in ((11, second // 3_600), (14, second // 60 % 60), (17, second % 60)):
        tens = part // 10
        text[:, place] += tens.astype(np.uint8)
        text[:, place + 1] += (part - tens * 10).astype(np.uint8)
    return text


def _truths(values: npt.NDArray[np.bool_]) -> Bytes:
    """`true` or `false` of each value, (n, 5)."""
    words = np.array([list(b"false"), list(b"true\0")], np.uint8)
    return words[values.astype(np.int8)]
