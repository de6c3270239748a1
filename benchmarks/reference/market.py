"""Signals from a market that is asked timeframe by timeframe, candle lists in plain Python."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import pairwise
from json import loads
from urllib.parse import urlencode, urlsplit

from benchmarks.reference.models import Signal

TIMEFRAMES = ("M5", "M15", "H1")
CANDLES = 1_000


@dataclass(frozen=True)
class Candle:
    """One candle's mid prices."""

    time: str
    high: float
    low: float
    close: float


def timeframes(market: str, instrument: str) -> dict[str, list[Candle]]:
    """The newest candles of each timeframe, one request after another."""
    return {granularity: _candles(market, instrument, granularity) for granularity in TIMEFRAMES}


def _candles(market: str, instrument: str, granularity: str) -> list[Candle]:
    query = urlencode({"granularity": granularity, "count": CANDLES, "price": "MBA"})
    connection = HTTPConnection(urlsplit(market).netloc, timeout=30)
    connection.request("GET", f"/v3/instruments/{instrument}/candles?{query}", headers={"Authorization": "Bearer x"})
    response = connection.getresponse()
    answer = loads(response.read())
    connection.close()
    if response.status != 200:
        message = f"The market answered {response.status}: {answer}"
        raise RuntimeError(message)
    mids = [(candle["time"], candle["mid"]) for candle in answer["candles"] if candle["complete"]]
    return [Candle(time, float(mid["h"]), float(mid["l"]), float(mid["c"])) for time, mid in mids]


def signal(market: str, instrument: str) -> Signal:
    """Vote on each timeframe with averages and RSI; always a signal, whatever the votes, since its cost is measured."""
    frames = timeframes(market, instrument)
    votes = sum(_vote([candle.close for candle in candles]) for candles in frames.values())
    newest = frames["M5"]
    reach = sum(candle.high - candle.low for candle in newest[-14:]) / 14
    entry, sign, now = newest[-1].close, 1 if votes >= 0 else -1, datetime.now(UTC).replace(tzinfo=None)
    return Signal(
        timestamp=now,
        symbol=instrument,
        direction="BUY" if sign > 0 else "SELL",
        entry=entry,
        stop_loss=entry - sign * 1.5 * reach,
        tp1=entry + sign * 3 * reach,
        rr_ratio="1:2.0",
        confidence_score=50.0 + 10 * abs(votes),
        status="PENDING",
        created_at=now,
        updated_at=now,
    )


def _vote(closes: list[float]) -> int:
    fast, slow = _average(closes, 12)[-1], _average(closes, 26)[-1]
    strength = _relative_strength(closes, 14)
    return (1 if fast > slow else -1) + (1 if strength < 30 else -1 if strength > 70 else 0)


def _average(values: list[float], length: int) -> list[float]:
    """Exponential."""
    weight, average, averages = 2 / (length + 1), values[0], []
    for value in values:
        average += weight * (value - average)
        averages.append(average)
    return averages


def _relative_strength(closes: list[float], length: int) -> float:
    moves = [later - earlier for earlier, later in pairwise(closes)]
    up = _average([max(move, 0.0) for move in moves], length)[-1]
    down = _average([max(-move, 0.0) for move in moves], length)[-1]
    return 100 - 100 / (1 + up / down) if down else 100.0
