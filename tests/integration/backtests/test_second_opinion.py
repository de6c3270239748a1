"""A second implementation agrees: `backtesting` trades an EMA cross as this engine does; where not, by which rule."""

import os
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from alphaforge.backtests.candidates import Evaluated
from alphaforge.backtests.choices import Entry, Positions
from alphaforge.backtests.engine import trade
from alphaforge.backtests.entries import Entries, entries
from alphaforge.backtests.model import SIGNAL, Market, Options, Reason
from alphaforge.core.candles import CandleSeries, Floats, Ints, Ohlc
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.indicators import ema
from alphaforge.signals.analysis import analyse
from alphaforge.signals.settings import StrategySettings

M5 = 300
FINE = Instrument("GBP_USD", -4, 10)
"""Ten decimals: the other library does not round prices as a broker does."""
WEEK = StrategySettings(
    window=100, minimum_candles=20, volatility_window=20, lifetime=7 * 86_400, cooldown=0.0, exposure_cap=10**6
)
"""Positions end by their levels alone: the other library knows no expiry."""
_NONE = tuple(Reason).index(Reason.NO_DIRECTION)


@dataclass(frozen=True)
class Trade:
    """A trade of either side (+1, -1): the row of its entry, prices, and when it ended (epoch seconds).

    That is the start of a candle whose open ended it, and the end of any other.
    """

    entered: int
    side: int
    entry: float
    closed: int
    exit: float


def test_an_ema_cross_trades_as_in_another_library_and_each_difference_has_its_rule(series: CandleSeries) -> None:
    for at in Entry:
        rows, sides = takeable(series, *crosses(series), at)
        mine = ours(series, rows, sides, at)
        theirs = of_the_library(series, rows, sides, at)
        assert len(mine) > 40
        assert [(one.entered, one.side) for one in mine] == [(one.entered, one.side) for one in theirs]
        rules = Counter(rule(series, a, b) for a, b in zip(mine, theirs, strict=True))
        assert set(rules) <= {"the same", "a gap through the target is filled at the target, not at the better open"}
        assert rules["the same"] > 0.9 * len(mine)


def rule(series: CandleSeries, mine: Trade, theirs: Trade) -> str:
    """Why two trades differ."""
    if mine.closed != theirs.closed or abs(mine.entry - theirs.entry) > 1e-9:
        return f"unexplained: {mine} and {theirs}"
    if abs(mine.exit - theirs.exit) <= 1e-9:
        return "the same"
    opened = float(series.mid.open[np.searchsorted(series.time, mine.closed)])
    if abs(theirs.exit - opened) <= 1e-9 and mine.side * (opened - mine.exit) > 0:
        return "a gap through the target is filled at the target, not at the better open"
    return f"unexplained: {mine} and {theirs}"


@pytest.fixture(params=["walk", "real"])
def series(request: pytest.FixtureRequest) -> CandleSeries:
    """M5 candles without a spread: a seeded walk with gaps, and real ones where they are."""
    return walk(6_000) if request.param == "walk" else real("GBP_USD", 12_000)


def walk(count: int) -> CandleSeries:
    """A random walk that jumps now and then between a close and the next open."""
    dice = np.random.default_rng(5)
    step = dice.normal(0, 3e-4, count)
    jump = np.where(dice.random(count) < 0.02, dice.normal(0, 1.5e-3, count), 0.0)
    close = 1.3 * np.exp(np.cumsum(step + jump))
    opened = close / np.exp(step)
    reach = np.abs(dice.normal(0, 1.5e-4, (2, count))) * close
    mid = Ohlc(opened, np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1], close)
    time = np.arange(count, dtype=np.int64) * M5 + 1_700_006_400
    return CandleSeries("GBP_USD", Granularity.M5, time, mid, mid, mid, np.full(count, 100))


def real(name: str, count: int) -> CandleSeries:
    """The first real candles of an instrument, their mids as bid and ask."""
    folder = Path(os.environ.get("ALPHAFORGE_REAL_CANDLES", Path(__file__).parents[4] / "shared" / "candles"))
    if not folder.is_dir():
        pytest.skip("the real candles are not there; ALPHAFORGE_REAL_CANDLES names their folder")
    from pyarrow.parquet import read_table  # noqa: PLC0415 - only where there is something to read

    table = read_table(folder / f"{name}_M5.parquet").slice(0, count)
    time = table["timestamp"].to_numpy().astype("datetime64[s]").astype(np.int64)
    mid = Ohlc(*(table[column].to_numpy() for column in ("open", "high", "low", "close")))
    return CandleSeries(name, Granularity.M5, time, mid, mid, mid, table["volume"].cast("int64").to_numpy())


def crosses(series: CandleSeries) -> tuple[Ints, Floats]:
    """The rows on which the average of 5 crosses the one of 13, once the ATR is there, and to which side."""
    above = ema(series.mid.close, 5) - ema(series.mid.close, 13)
    with np.errstate(invalid="ignore"):
        side = np.select([(above[1:] > 0) & (above[:-1] <= 0), (above[1:] < 0) & (above[:-1] >= 0)], [1.0, -1.0], 0.0)
    rows = np.flatnonzero(side) + 1
    rows = rows[(rows >= 400) & (rows < len(series) - 1)]
    return rows, side[rows - 1]


def takeable(series: CandleSeries, rows: Ints, sides: Floats, at: Entry) -> tuple[Ints, Floats]:
    """Without the orders that the library refuses: after a gap, their levels do not lie around the last close."""
    made = proposed(series, rows, sides, at)
    fits = sides * (made.target - series.mid.close[rows]) > 0
    fits &= sides * (series.mid.close[rows] - made.stop) > 0
    return rows[fits], sides[fits]


def proposed(series: CandleSeries, rows: Ints, sides: Floats, at: Entry) -> Entries:
    """The orders: 1.5 ATR to the stop, 3 ATR to the target."""
    return entries(series, rows, sides, analyse(series, WEEK).atr[rows], instrument=FINE, settings=WEEK, at=at)


def ours(series: CandleSeries, rows: Ints, sides: Floats, at: Entry) -> list[Trade]:
    """What this engine makes of the crosses, one position at a time."""
    analysis = analyse(series, WEEK)
    reason, side = np.full(len(series), _NONE, np.int8), np.zeros(len(series), np.int8)
    reason[rows], side[rows] = SIGNAL, sides
    market = Market({"GBP_USD": series}, (FINE,), {"GBP_USD": hours_of("GBP_USD")}, "test")
    part = Evaluated(FINE, analysis, 0, reason, side)
    options = Options(entry=at, positions=Positions.ONE, risk=0.01)
    fills = trade([part], market, WEEK, options, start=0, end=float("inf")).fills
    later = at is Entry.NEXT_OPEN
    columns = (fills.row + later, fills.side, fills.entry, fills.closed, fills.exit)
    return [Trade(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def of_the_library(series: CandleSeries, rows: Ints, sides: Floats, at: Entry) -> list[Trade]:
    """What `backtesting` makes of the same orders, one position at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd  # noqa: PLC0415 - half a second that only this test spends
        from backtesting import Backtest, Strategy  # noqa: PLC0415 - the same
    made = proposed(series, rows, sides, at)
    orders = dict(
        zip(
            rows.tolist(),
            zip(sides.tolist(), made.stop.tolist(), made.target.tolist(), strict=True),
            strict=True,
        )
    )

    class Cross(Strategy):  # type: ignore[misc] - the library has no types
        def init(self) -> None:
            pass

        def next(self) -> None:
            order = orders.get(len(self.data) - 1)
            if order is None or self.position:
                return
            side, stop, target = order
            (self.buy if side > 0 else self.sell)(size=1, sl=stop, tp=target)

    mid = series.mid
    frame = pd.DataFrame(
        {"Open": mid.open, "High": mid.high, "Low": mid.low, "Close": mid.close},
        index=pd.to_datetime(series.time, unit="s"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = Backtest(frame, Cross, cash=1e6, trade_on_close=at is Entry.SIGNAL)
        trades = test.run()["_trades"].sort_values("EntryBar")
    opened = mid.open[trades["ExitBar"]] == trades["ExitPrice"]
    closed = series.time[trades["ExitBar"]] + np.where(opened, 0, M5)
    columns = (trades["EntryBar"], np.sign(trades["Size"]), trades["EntryPrice"], closed, trades["ExitPrice"])
    return [Trade(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
