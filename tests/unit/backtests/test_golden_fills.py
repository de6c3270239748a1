"""Fills by hand, through a whole backtest.

Candles of 10 pips each that climb (or fall) faster and faster end in a signal with an ATR of 10 pips. The spread is
1 pip. Rows are open, high, low, close of the bid; a SELL leaves on the ask, 1 pip above. In GBP_USD:

    BUY   entered at 1.2500   stop 1.2485   target 1.2530
    SELL  entered at 1.2500   stop 1.2515   target 1.2470

Every number below was worked out on paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from alphaforge.backtests.choices import Entry
from alphaforge.backtests.engine import run
from alphaforge.backtests.model import Market, Options, Reason, Run
from alphaforge.core.candles import CandleSeries, empty_series, joined
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import parse_rfc3339
from alphaforge.signals.model import Status
from alphaforge.signals.offline import FinerCandles
from alphaforge.signals.settings import StrategySettings
from builders import GBP_USD, USD_JPY, XAU_USD, bars

BUY, SELL = 1, -1
CLOSE = int(parse_rfc3339("2025-01-08T12:00:00Z"))
"""The signal's close, a Wednesday."""
NEXT_OPEN = Options(entry=Entry.NEXT_OPEN)
EASY = StrategySettings(
    minimum_candles=40,
    volatility_window=40,
    untraded=(),
    minimum_votes=0.0,
    minimum_agreement=0.0,
    minimum_strength=0.0,
    minimum_adx=0.0,
    minimum_volatility=0.0,
    rsi_low=0.0,
    rsi_high=101.0,
    cooldown=1e9,
)
"""Everything is a signal, but there is only one; how long a climb lasts already is no vote against it."""

CLIMB = 540

QUIET = {BUY: [1.2499, 1.2505, 1.2495, 1.2500], SELL: [1.2500, 1.2504, 1.2494, 1.2499]}
"""Best and worst 5 pips from the entry, for each side on its own price."""
BOTH = {BUY: [1.2500, 1.2540, 1.2480, 1.2500], SELL: [1.2499, 1.2519, 1.2459, 1.2499]}
TO_TARGET = {BUY: [1.2500, 1.2535, 1.2499, 1.2533], SELL: [1.2499, 1.2500, 1.2464, 1.2466]}
TO_STOP = {BUY: [1.2500, 1.2501, 1.2480, 1.2482], SELL: [1.2499, 1.2519, 1.2498, 1.2516]}


def before(side: int, instrument: Instrument, close: int, end: float) -> CandleSeries:
    """The climb or fall whose last candle closes at `close`, for a BUY with its ask at `end`, for a SELL its bid."""
    tenth, digits = instrument.pip / 10, instrument.display_precision
    way = np.arange(CLIMB + 1) ** 2 * 8 // 100  # in tenths of a pip: at last 8.6 pips a candle
    price = np.round((end / tenth - (10 if side == BUY else 0)) + side * (way - way[-1]))
    opening, last = price[:-1], price[1:]
    high = np.maximum(opening, last) + 5
    rows = (np.stack([opening, high, high - 100, last], axis=1) * tenth).round(digits)
    return bars(rows.tolist(), instrument=instrument.name, start=close - CLIMB * 300, spread=instrument.pip)


def backtest(
    side: int,
    rows: Sequence[Sequence[float]],
    options: Options = Options(),  # noqa: B008 - frozen
    *,
    instrument: Instrument = GBP_USD,
    entry: float = 1.25,
    close: int = CLOSE,
    times: Sequence[int] | None = None,
    settings: StrategySettings = EASY,
    finer: FinerCandles | None = None,
    end: float = float("inf"),
) -> Run:
    """The one trade of a climb or fall that is followed by `rows`, in five minutes each or at `times`."""
    history = before(side, instrument, close, entry)
    after = bars(rows, instrument=instrument.name, start=close, times=times, spread=instrument.pip)
    market = Market(
        series={instrument.name: joined(history, after) if len(rows) else history},
        instruments=(instrument,),
        hours={instrument.name: hours_of(instrument.name)},
        source="by hand",
        finer=finer,
    )
    return run(market, settings, options, start=close - 1, end=end)


@dataclass(frozen=True, slots=True)
class Filled:
    """The one trade, its times in seconds after the signal's close."""

    status: Status
    entry: float
    opened: int
    exit: float
    closed: int
    pips: float
    r: float
    mae: float
    mfe: float
    ambiguous: bool = False


def filled(found: Run, close: int = CLOSE) -> Filled:
    fills = found.fills
    assert (len(fills), found.still_open) == (1, 0)
    return Filled(
        status=tuple(Status)[fills.status[0]],
        entry=fills.entry[0],
        opened=fills.opened[0] - close,
        exit=fills.exit[0],
        closed=fills.closed[0] - close,
        pips=fills.pips[0],
        r=fills.r[0],
        mae=fills.mae[0],
        mfe=fills.mfe[0],
        ambiguous=bool(fills.ambiguous[0]),
    )


@pytest.mark.parametrize(("side", "stop", "target"), [(BUY, 1.2485, 1.2530), (SELL, 1.2515, 1.2470)])
def test_the_climb_ends_in_the_signal_of_the_heading(side: int, stop: float, target: float) -> None:
    fills = backtest(side, [QUIET[side], TO_STOP[side]]).fills
    assert (fills.side[0], fills.row[0], fills.candle_time[0]) == (side, CLIMB - 1, CLOSE - 300)
    assert (fills.entry[0], fills.stop[0], fills.target[0], fills.spread[0]) == (1.25, stop, target, 0.0001)


@pytest.mark.parametrize(
    ("side", "gap", "leaves"),
    [(BUY, [1.2470, 1.2475, 1.2460, 1.2465], 1.2470), (SELL, [1.2529, 1.2539, 1.2524, 1.2534], 1.2530)],
)
def test_a_gap_through_the_stop_is_lost_at_the_open(side: int, gap: list[float], leaves: float) -> None:
    found = filled(backtest(side, [QUIET[side], gap]))
    assert found == Filled(Status.LOST, 1.25, 0, leaves, 300, -30.0, -2.0, mae=30.0, mfe=5.0)


@pytest.mark.parametrize(
    ("side", "gap", "leaves"),
    [(BUY, [1.2550, 1.2560, 1.2545, 1.2550], 1.2530), (SELL, [1.2449, 1.2454, 1.2439, 1.2449], 1.2470)],
)
def test_a_gap_through_the_target_is_won_at_the_target(side: int, gap: list[float], leaves: float) -> None:
    found = filled(backtest(side, [QUIET[side], gap]))
    assert found == Filled(Status.WON, 1.25, 0, leaves, 300, 30.0, 2.0, mae=5.0, mfe=30.0)


@pytest.mark.parametrize(
    ("side", "opening", "expected"),
    [
        (BUY, 1.2485, Filled(Status.LOST, 1.25, 0, 1.2485, 300, -15.0, -1.0, mae=15.0, mfe=5.0)),
        (BUY, 1.2530, Filled(Status.WON, 1.25, 0, 1.2530, 300, 30.0, 2.0, mae=5.0, mfe=30.0)),
        (SELL, 1.2514, Filled(Status.LOST, 1.25, 0, 1.2515, 300, -15.0, -1.0, mae=15.0, mfe=5.0)),
        (SELL, 1.2469, Filled(Status.WON, 1.25, 0, 1.2470, 300, 30.0, 2.0, mae=5.0, mfe=30.0)),
    ],
)
def test_an_open_on_a_level_leaves_at_once(side: int, opening: float, expected: Filled) -> None:
    both_ways = [opening, 1.2560, 1.2440, 1.2500]
    assert filled(backtest(side, [QUIET[side], both_ways])) == expected


@pytest.mark.parametrize(("side", "leaves"), [(BUY, 1.2485), (SELL, 1.2515)])
def test_a_candle_that_touches_both_is_lost_and_marked(side: int, leaves: float) -> None:
    found = filled(backtest(side, [QUIET[side], BOTH[side]]))
    assert found == Filled(Status.LOST, 1.25, 0, leaves, 600, -15.0, -1.0, mae=15.0, mfe=5.0, ambiguous=True)


def telling(candles: Mapping[Granularity, Sequence[Sequence[float]]]) -> FinerCandles:
    """Finer candles that begin with the five minutes after the first."""

    def ask(name: str, granularity: Granularity, start: int, end: int) -> CandleSeries:
        if granularity not in candles:
            return empty_series(name, granularity)
        found = bars(candles[granularity], granularity=granularity, start=CLOSE + 300, spread=GBP_USD.pip)
        return found.after(start).until(end)

    return ask


@pytest.mark.parametrize("side", [BUY, SELL])
def test_minutes_tell_which_level_came_first(side: int) -> None:
    rows = [QUIET[side], BOTH[side]]
    target, stop = (1.2530, 1.2485) if side == BUY else (1.2470, 1.2515)
    won = backtest(side, rows, finer=telling({Granularity.M1: [QUIET[side], TO_TARGET[side], TO_STOP[side]]}))
    # The minute's low for a BUY is 1.2499, the first candle's 1.2495.
    assert filled(won) == Filled(Status.WON, 1.25, 0, target, 300 + 120, 30.0, 2.0, mae=5.0, mfe=30.0)
    lost = backtest(side, rows, finer=telling({Granularity.M1: [TO_STOP[side], TO_TARGET[side]]}))
    assert filled(lost) == Filled(Status.LOST, 1.25, 0, stop, 300 + 60, -15.0, -1.0, mae=15.0, mfe=5.0)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_where_a_minute_touches_both_seconds_tell(side: int) -> None:
    seconds = [QUIET[side]] * 14 + [TO_TARGET[side], TO_STOP[side]]  # the third of the second minute
    finer = telling({Granularity.M1: [QUIET[side], BOTH[side]], Granularity.S5: seconds})
    found = filled(backtest(side, [QUIET[side], BOTH[side]], finer=finer))
    target = 1.2530 if side == BUY else 1.2470
    assert found == Filled(Status.WON, 1.25, 0, target, 300 + 60 + 15, 30.0, 2.0, mae=5.0, mfe=30.0)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_where_nothing_finer_tells_or_is_to_be_asked_the_trade_is_lost(side: int) -> None:
    rows, stop = [QUIET[side], BOTH[side]], 1.2485 if side == BUY else 1.2515
    against = Filled(Status.LOST, 1.25, 0, stop, 600, -15.0, -1.0, mae=15.0, mfe=5.0, ambiguous=True)
    assert filled(backtest(side, rows, finer=telling({}))) == against
    assert filled(backtest(side, rows, finer=telling({Granularity.M1: [BOTH[side]]}))) == against
    minutes = telling({Granularity.M1: [TO_TARGET[side]]})
    assert filled(backtest(side, rows, Options(finer=False), finer=minutes)) == against


@pytest.mark.parametrize(
    ("side", "rows", "expected"),
    [
        # Bid 1.2503, ask 1.2504 at the open: stop 1.2489, target 1.2534.
        (
            BUY,
            [[1.2503, 1.2506, 1.2488, 1.2490]],
            Filled(Status.LOST, 1.2504, 0, 1.2489, 300, -15.0, -1.0, mae=15.0, mfe=0.0),
        ),
        (
            BUY,
            [[1.2503, 1.2534, 1.2500, 1.2530]],
            Filled(Status.WON, 1.2504, 0, 1.2534, 300, 30.0, 2.0, mae=4.0, mfe=30.0),
        ),
        # Bid 1.2497 at the open: stop 1.2512, target 1.2467; the ask's high is 1.2512, its low 1.2467.
        (
            SELL,
            [[1.2497, 1.2511, 1.2490, 1.2500]],
            Filled(Status.LOST, 1.2497, 0, 1.2512, 300, -15.0, -1.0, mae=15.0, mfe=0.0),
        ),
        (
            SELL,
            [[1.2497, 1.2500, 1.2466, 1.2470]],
            Filled(Status.WON, 1.2497, 0, 1.2467, 300, 30.0, 2.0, mae=4.0, mfe=30.0),
        ),
    ],
)
def test_entered_at_the_next_open_a_trade_may_end_in_that_very_candle(
    side: int, rows: list[list[float]], expected: Filled
) -> None:
    assert filled(backtest(side, rows, NEXT_OPEN)) == expected


FRIDAY = int(parse_rfc3339("2025-01-10T21:50:00Z"))
"""The close of the signal's candle, 8 minutes before the weekend."""
SUNDAY = int(parse_rfc3339("2025-01-12T22:05:00Z"))
WEEKEND = {
    BUY: ([FRIDAY, SUNDAY, SUNDAY + 300], [QUIET[BUY], [1.2399, 1.2404, 1.2394, 1.2399], [1.24, 1.24, 1.2384, 1.2384]]),
    SELL: (
        [FRIDAY, SUNDAY, SUNDAY + 300],
        [QUIET[SELL], [1.2600, 1.2605, 1.2595, 1.2600], [1.26, 1.2614, 1.26, 1.2614]],
    ),
}


@pytest.mark.parametrize(("side", "leaves"), [(BUY, 1.2399), (SELL, 1.2601)])
def test_a_weekends_gap_through_the_stop_is_filled_at_sundays_open(side: int, leaves: float) -> None:
    times, rows = WEEKEND[side]
    long_lived = replace(EASY, lifetime=4 * 86_400)
    found = filled(backtest(side, rows, close=FRIDAY, times=times, settings=long_lived), FRIDAY)
    assert found == Filled(Status.LOST, 1.25, 0, leaves, SUNDAY - FRIDAY, -101.0, -6.733333, mae=101.0, mfe=5.0)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_life_that_ends_in_the_weekend_ends_at_fridays_last_price(side: int) -> None:
    times, rows = WEEKEND[side]
    found = filled(backtest(side, rows, close=FRIDAY, times=times), FRIDAY)
    # The last close is 1.2500, on the bid for a BUY and on the ask for a SELL.
    assert found == Filled(Status.EXPIRED, 1.25, 0, 1.25, 14_400, 0.0, 0.0, mae=5.0, mfe=5.0)


@pytest.mark.parametrize(
    ("side", "entry", "leaves"),
    # Bid 1.2399, ask 1.2400 on Sunday: the stop is 1.2385. Bid 1.2600: the stop is 1.2615.
    [(BUY, 1.2400, 1.2385), (SELL, 1.2600, 1.2615)],
)
def test_the_next_open_after_a_friday_is_sundays(side: int, entry: float, leaves: float) -> None:
    times, rows = WEEKEND[side]
    found = filled(backtest(side, rows[1:], NEXT_OPEN, close=FRIDAY, times=times[1:]), FRIDAY)
    opened = SUNDAY - FRIDAY
    # BUY: bids of 1.2394 and 1.2404 are 6 against and 4 for it. SELL: asks of 1.2606 and 1.2596.
    assert found == Filled(Status.LOST, entry, opened, leaves, opened + 600, -15.0, -1.0, mae=15.0, mfe=4.0)


@pytest.mark.parametrize("options", [Options(), NEXT_OPEN])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_what_the_end_of_the_data_leaves_open_is_in_no_figure(side: int, options: Options) -> None:
    found = backtest(side, [QUIET[side]] * 3, options)
    assert (len(found.fills), found.still_open) == (0, 1)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_without_a_next_candle_there_is_no_next_open(side: int) -> None:
    found = backtest(side, [], NEXT_OPEN)
    assert (len(found.fills), found.still_open) == (0, 0)
    assert found.rows["GBP_USD"].reason.tolist() == [tuple(Reason).index(Reason.NO_NEXT_CANDLE)]
    assert backtest(side, []).still_open == 1


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_next_candle_after_the_end_is_none(side: int) -> None:
    found = backtest(side, [TO_STOP[side]], NEXT_OPEN, end=CLOSE)
    assert found.rows["GBP_USD"].reason.tolist() == [tuple(Reason).index(Reason.NO_NEXT_CANDLE)]
    assert backtest(side, [TO_STOP[side]], end=CLOSE).still_open == 1


@pytest.mark.parametrize(
    ("side", "last", "leaves"),
    [(BUY, [1.2500, 1.2512, 1.2491, 1.2507], 1.2507), (SELL, [1.2499, 1.2508, 1.2487, 1.2492], 1.2493)],
)
def test_after_four_hours_a_trade_leaves_at_the_last_close(side: int, last: list[float], leaves: float) -> None:
    rows = [QUIET[side]] * 47 + [last, TO_TARGET[side]]
    found = filled(backtest(side, rows))
    assert found == Filled(Status.EXPIRED, 1.25, 0, leaves, 14_400, 7.0, 0.466667, mae=9.0, mfe=12.0)


def test_four_hours_from_the_next_open_end_later_when_that_comes_later() -> None:
    # Entered at ask 1.2500 an hour after the signal, it meets 48 more candles and leaves at the last's 1.2500.
    times = [CLOSE + 3_600 + 300 * number for number in range(49)]
    found = filled(backtest(BUY, [QUIET[BUY]] * 48 + [TO_STOP[BUY]], NEXT_OPEN, times=times))
    assert found == Filled(Status.EXPIRED, 1.25, 3_600, 1.25, 3_600 + 14_400, 0.0, 0.0, mae=5.0, mfe=5.0)


@pytest.mark.parametrize(
    ("side", "touches", "misses", "status"),
    [
        (BUY, [1.25, 1.2505, 1.2485, 1.25], [1.25, 1.2505, 1.24851, 1.25], Status.LOST),
        (BUY, [1.25, 1.2530, 1.2495, 1.25], [1.25, 1.25299, 1.2495, 1.25], Status.WON),
        (SELL, [1.2499, 1.2514, 1.2494, 1.25], [1.2499, 1.25139, 1.2494, 1.25], Status.LOST),
        (SELL, [1.2499, 1.2504, 1.2469, 1.25], [1.2499, 1.2504, 1.24691, 1.25], Status.WON),
    ],
)
def test_a_level_is_touched_by_its_own_price_and_not_by_the_next(
    side: int, touches: list[float], misses: list[float], status: Status
) -> None:
    assert filled(backtest(side, [touches])).status is status
    assert backtest(side, [misses]).still_open == 1


@pytest.mark.parametrize(
    ("instrument", "side", "entry", "rows", "expected"),
    [
        # A pip of a yen is 0.01: stop 15 pips from 150.00 at 149.85, target at 150.30.
        (
            USD_JPY,
            BUY,
            150.0,
            [[149.99, 150.05, 149.85, 149.9]],
            Filled(Status.LOST, 150.0, 0, 149.85, 300, -15.0, -1.0, mae=15.0, mfe=0.0),
        ),
        (
            USD_JPY,
            SELL,
            150.0,
            [[150.0, 150.03, 149.69, 149.8]],  # asks of 150.04 and 149.70
            Filled(Status.WON, 150.0, 0, 149.7, 300, 30.0, 2.0, mae=4.0, mfe=30.0),
        ),
        # A pip of gold is 0.01 too.
        (
            XAU_USD,
            BUY,
            2_700.0,
            [[2_699.99, 2_700.3, 2_699.95, 2_700.2]],
            Filled(Status.WON, 2_700.0, 0, 2_700.3, 300, 30.0, 2.0, mae=5.0, mfe=30.0),
        ),
        (
            XAU_USD,
            SELL,
            2_700.0,
            [[2_700.24, 2_700.4, 2_700.2, 2_700.3]],  # opens at an ask of 2,700.25, 10 pips beyond the stop
            Filled(Status.LOST, 2_700.0, 0, 2_700.25, 0, -25.0, -1.666667, mae=25.0, mfe=0.0),
        ),
    ],
)
def test_pips_are_the_instruments_own(
    instrument: Instrument, side: int, entry: float, rows: list[list[float]], expected: Filled
) -> None:
    assert filled(backtest(side, rows, instrument=instrument, entry=entry)) == expected
