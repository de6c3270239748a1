"""Values that tests of every room build from: candles, signals, decisions. Seeded, so each run sees the same ones."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS, Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.signals.model import (
    Decision,
    Direction,
    FilterName,
    FilterResult,
    Levels,
    Regime,
    TimeframeVotes,
)
from alphaforge.signals.outcome import OpenSignal

MONDAY = 1_736_121_600
"""2025-01-06T00:00:00Z, the beginning of a week without holidays."""

GBP_USD = FALLBACK_INSTRUMENTS["GBP_USD"]
USD_JPY = FALLBACK_INSTRUMENTS["USD_JPY"]
XAU_USD = FALLBACK_INSTRUMENTS["XAU_USD"]

_PRICES = {"GBP_USD": (1.25, 0.00012), "USD_JPY": (150.0, 0.014), "XAU_USD": (2_700.0, 0.35)}
_REAL = Path(os.environ.get("ALPHAFORGE_REAL_CANDLES", Path(__file__).parents[2] / "shared" / "candles"))


def bars(
    rows: Sequence[Sequence[float]],
    *,
    instrument: str = "GBP_USD",
    granularity: Granularity = Granularity.M5,
    start: int = MONDAY,
    spread: float = 0.0,
    times: Sequence[int] | None = None,
    volume: Sequence[int] | None = None,
) -> CandleSeries:
    """Candles written by hand: each row is open, high, low, close of the bid; the ask is `spread` above it."""
    bid = np.array(rows, np.float64).reshape(-1, 4).T
    time = np.array(start + granularity.seconds * np.arange(len(rows)) if times is None else times, np.int64)
    count = np.full(len(rows), 100) if volume is None else np.array(volume)
    return series_from_columns(
        instrument, granularity, [time, *(bid + spread / 2), *bid.copy(), *(bid + spread), count]
    )


def walk(instrument: Instrument, count: int, *, seed: int, start: int = MONDAY, gaps: float = 0.01) -> CandleSeries:
    """M5 candles of a market that drifts, calms down and wakes up through the day, and rests at the weekend.

    A share `gaps` of the candles had no price and is absent. Bid and ask are `display_precision` prices, the spread
    widens at random.
    """
    random = np.random.default_rng(seed)
    price, spread = _PRICES.get(instrument.name, (1.0, 0.0001))
    time = _trading_times(instrument, count, start, gaps, random)
    hour = time % 86_400 / 3_600
    activity = 0.5 + np.exp(-(((hour - 8) / 2) ** 2)) + np.exp(-(((hour - 14) / 3) ** 2))
    step = price * 0.0004 * activity
    drift = np.repeat(random.normal(0, 0.35, count // 60 + 1), 60)[:count]
    move = step * (drift + random.normal(0, 1, count))
    close = price * np.exp(np.cumsum(move / price))
    opening = np.concatenate(([price], close[:-1])) + step * random.normal(0, 0.05, count)
    high = np.maximum(opening, close) + step * np.abs(random.normal(0, 0.4, count))
    low = np.minimum(opening, close) - step * np.abs(random.normal(0, 0.4, count))
    tick = 10.0**-instrument.display_precision
    width = np.round(spread * (1 + random.exponential(0.2, count)) / tick)
    bid = [np.round(column / tick) for column in (opening, high, low, close)]
    ask = [column + width for column in bid]
    mid = [(b + a) / 2 for b, a in zip(bid, ask, strict=True)]
    volume = random.poisson(200 * activity)
    digits = instrument.display_precision
    prices = [np.round(column * tick, digits + 1) for column in (*mid, *bid, *ask)]
    return series_from_columns(instrument.name, Granularity.M5, [time, *prices, volume])


def _trading_times(
    instrument: Instrument, count: int, start: int, gaps: float, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """The first `count` M5 starts from `start` on in which the market trades, without those that the gaps take."""
    times = start + 300 * np.arange(2 * count + 2_000, dtype=np.int64)
    trading = hours_of(instrument.name).open_at(times) & (random.random(len(times)) >= gaps)
    return times[trading][:count]


@cache
def real_candles() -> dict[str, CandleSeries]:
    """Recorded M5 candles by instrument with a usual spread around them; empty where they are not at hand."""
    if not _REAL.is_dir():
        return {}
    from pyarrow import parquet  # noqa: PLC0415 - an extra of the project: only who has the files needs it

    found = {}
    for name, (_, spread) in _PRICES.items():
        path = _REAL / f"{name}_M5.parquet"
        if path.is_file():
            columns = parquet.read_table(path)
            time = columns["timestamp"].to_numpy().astype("datetime64[s]").astype(np.int64)
            mid = [columns[key].to_numpy() for key in ("open", "high", "low", "close")]
            bid, ask = [one - spread / 2 for one in mid], [one + spread / 2 for one in mid]
            volume = columns["volume"].to_numpy()
            found[name] = series_from_columns(name, Granularity.M5, [time, *mid, *bid, *ask, volume])
    return found


def open_signal(direction: Direction = Direction.BUY, **changes: Any) -> OpenSignal:
    """A signal at 1.25 with its stop 15 pips and its target 30 pips away, open for 4 h from Monday 00:05."""
    sign = 1 if direction is Direction.BUY else -1
    values: dict[str, Any] = {
        "id": 1,
        "instrument": "GBP_USD",
        "direction": direction,
        "entry": 1.25,
        "stop": round(1.25 - sign * 0.0015, 5),
        "target": round(1.25 + sign * 0.003, 5),
        "opened_at": MONDAY + 300,
        "expires_at": MONDAY + 300 + 14_400,
        "spread": 0.0001,
    }
    return OpenSignal(**(values | changes))


def decision(**changes: Any) -> Decision:
    """A BUY signal on GBP_USD; any field may be changed, and a `reason` is its own filter's, which failed."""
    start, reason = changes.get("candle_time", MONDAY), changes.get("reason")
    votes = [
        TimeframeVotes(
            granularity=granularity,
            candle_time=start,
            ema_ribbon=1,
            rsi=0,
            macd=1,
            bollinger=0,
            stochastic=0,
            volume=0.5,
            buy=2.5,
            sell=0.0,
            values={"rsi": 55.25, "stochastic_k": None},
        )
        for granularity in (Granularity.M5, Granularity.M15, Granularity.H1)
    ]
    signal = Decision(
        strategy="voting-v3",
        instrument="GBP_USD",
        candle_time=MONDAY,
        as_of=float(start + 300),
        direction=Direction.BUY,
        reason=None,
        regime=Regime.TRENDING_UP_LOW,
        buy_votes=2.5,
        sell_votes=0.0,
        strength=41.666666666666664,
        agreement=1.0,
        confidence=41.666666666666664,
        close=1.24995,
        atr=0.001,
        adx=31.5,
        spread=0.0001,
        levels=Levels(Direction.BUY, 1.25, 1.2485, 1.253),
        risk_fraction=0.02,
        timeframes=tuple(votes),
        filters=tuple(
            FilterResult(name, name is not reason, 18.25, 25.0, "" if name is not reason else "6.75 more")
            for name in FilterName
        ),
        candle_hash="13000:00112233445566778899aabbccddeeff",
        settings_hash="0123456789abcdef",
    )
    return replace(signal, **changes)
