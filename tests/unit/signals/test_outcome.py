"""Outcomes by hand. A BUY at 1.2500 has its stop at 1.2485 and its target at 1.2530, and leaves on the bid."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Direction, Outcome, Status
from alphaforge.signals.outcome import OpenSignal, ambiguous_candle, settle
from builders import MONDAY, USD_JPY, bars, open_signal, walk

OPENED = MONDAY + 300
PIP = 0.0001
QUIET = [1.2499, 1.2505, 1.2495, 1.2500]
STOPPED = [1.2495, 1.2496, 1.2480, 1.2482]
TAKEN = [1.2510, 1.2535, 1.2505, 1.2533]
BOTH = [1.2500, 1.2540, 1.2480, 1.2500]


def after(*rows: list[float], **kwargs: Any) -> CandleSeries:
    """Candles from the signal's close on."""
    return bars(rows, start=kwargs.pop("start", OPENED), **kwargs)


def ended(signal: OpenSignal, candles: CandleSeries, **kwargs: Any) -> Outcome:
    outcome = settle(signal, candles, PIP, **kwargs)
    assert outcome is not None
    return outcome


def test_a_touched_stop_is_lost_at_the_stop() -> None:
    outcome = ended(open_signal(), after(QUIET, STOPPED))
    assert outcome == Outcome(Status.LOST, OPENED + 600, 1.2485, -15.0, -1.0, 15.0, 5.0, 0.0001, ambiguous=False)


def test_a_touched_target_is_won_at_the_target() -> None:
    outcome = ended(open_signal(), after(QUIET, TAKEN))
    assert outcome == Outcome(Status.WON, OPENED + 600, 1.253, 30.0, 2.0, 5.0, 30.0, 0.0001, ambiguous=False)


@pytest.mark.parametrize(("low", "status"), [(1.2485, Status.LOST), (1.24851, None)])
def test_a_stop_is_touched_by_its_own_price_and_not_by_the_next(low: float, status: Status | None) -> None:
    outcome = settle(open_signal(), after([1.25, 1.2505, low, 1.25]), PIP)
    assert (outcome.status if outcome else None) == status


@pytest.mark.parametrize(("high", "status"), [(1.2530, Status.WON), (1.25299, None)])
def test_a_target_is_touched_by_its_own_price_and_not_by_the_one_before(high: float, status: Status | None) -> None:
    outcome = settle(open_signal(), after([1.25, high, 1.2495, 1.25]), PIP)
    assert (outcome.status if outcome else None) == status


def test_a_gap_through_the_stop_leaves_at_the_open() -> None:
    outcome = ended(open_signal(), after(QUIET, [1.2470, 1.2475, 1.2460, 1.2465]))
    assert (outcome.status, outcome.exit_price, outcome.exit_time) == (Status.LOST, 1.247, OPENED + 300)
    assert (outcome.pips, outcome.r_multiple, outcome.mae) == (-30.0, -2.0, 30.0)


def test_a_gap_through_the_target_is_won_at_the_target() -> None:
    outcome = ended(open_signal(), after(QUIET, [1.2550, 1.2560, 1.2545, 1.2550]))
    assert (outcome.status, outcome.exit_price, outcome.exit_time) == (Status.WON, 1.253, OPENED + 300)
    assert (outcome.r_multiple, outcome.mfe) == (2.0, 30.0)


def test_an_open_beyond_a_level_settles_a_candle_that_touches_both() -> None:
    lost = ended(open_signal(), after([1.2480, 1.2540, 1.2475, 1.2530]))
    assert (lost.status, lost.exit_price, lost.ambiguous) == (Status.LOST, 1.248, False)
    won = ended(open_signal(), after([1.2535, 1.2540, 1.2475, 1.2480]))
    assert (won.status, won.exit_price, won.ambiguous) == (Status.WON, 1.253, False)
    assert won.mae == 0.0


def test_both_in_one_candle_are_lost_and_marked_ambiguous() -> None:
    candles = after(QUIET, BOTH)
    outcome = ended(open_signal(), candles)
    assert (outcome.status, outcome.exit_price, outcome.ambiguous) == (Status.LOST, 1.2485, True)
    assert outcome.mfe == 5.0
    assert ambiguous_candle(open_signal(), candles) == OPENED + 300


@pytest.mark.parametrize("rows", [[QUIET], [QUIET, STOPPED, BOTH], [TAKEN, BOTH]])
def test_no_candle_is_ambiguous_when_none_is_or_another_came_first(rows: list[list[float]]) -> None:
    assert ambiguous_candle(open_signal(), after(*rows)) is None


MINUTES = {
    "target first": ([QUIET, TAKEN, STOPPED], Status.WON, 1.253, OPENED + 300 + 120, False),
    "stop first": ([QUIET, STOPPED, TAKEN], Status.LOST, 1.2485, OPENED + 300 + 120, False),
    "gap between minutes": ([QUIET, [1.2475, 1.248, 1.247, 1.248]], Status.LOST, 1.2475, OPENED + 300 + 60, False),
    "still both in one": ([QUIET, BOTH], Status.LOST, 1.2485, OPENED + 600, True),
    "none at all": ([], Status.LOST, 1.2485, OPENED + 600, True),
    "none that touches": ([QUIET, QUIET], Status.LOST, 1.2485, OPENED + 600, True),
}


@pytest.mark.parametrize("case", MINUTES)
def test_finer_candles_tell_which_came_first(case: str) -> None:
    rows, status, price, time, ambiguous = MINUTES[case]
    finer = bars(rows, granularity=Granularity.M1, start=OPENED + 300)
    outcome = ended(open_signal(), after(QUIET, BOTH), finer=finer)
    assert (outcome.status, outcome.exit_price, outcome.exit_time, outcome.ambiguous) == (
        status,
        price,
        time,
        ambiguous,
    )


def test_finer_candles_of_other_times_are_not_looked_at() -> None:
    finer = bars([TAKEN] * 5 + [QUIET, STOPPED] + [TAKEN] * 9, granularity=Granularity.M1, start=OPENED)
    outcome = ended(open_signal(), after(QUIET, BOTH), finer=finer)
    assert (outcome.status, outcome.exit_time) == (Status.LOST, OPENED + 300 + 120)


def test_finer_candles_after_the_ambiguous_one_do_not_settle_it() -> None:
    finer = bars([QUIET] * 5 + [TAKEN], granularity=Granularity.M1, start=OPENED + 300)
    outcome = ended(open_signal(), after(QUIET, BOTH), finer=finer)
    assert (outcome.status, outcome.ambiguous) == (Status.LOST, True)


def test_what_a_signal_lived_through_before_finer_candles_counts() -> None:
    candles = after([1.25, 1.2520, 1.2488, 1.25], BOTH)
    finer = bars([QUIET, STOPPED], granularity=Granularity.M1, start=OPENED + 300)
    lost = ended(open_signal(), candles, finer=finer)
    assert (lost.mae, lost.mfe) == (15.0, 20.0)
    won = ended(open_signal(), candles, finer=bars([QUIET, TAKEN], granularity=Granularity.M1, start=OPENED + 300))
    assert (won.mae, won.mfe) == (12.0, 30.0)


def test_five_seconds_tell_what_minutes_do_not() -> None:
    finer = bars([QUIET] * 12 + [TAKEN, STOPPED], granularity=Granularity.S5, start=OPENED + 300)
    outcome = ended(open_signal(), after(QUIET, BOTH), finer=finer)
    assert (outcome.status, outcome.exit_time, outcome.ambiguous) == (Status.WON, OPENED + 300 + 65, False)


def test_a_buy_leaves_on_the_bid_and_a_sell_on_the_ask() -> None:
    # The bid falls to 1.2486; the ask, 3 pips above, rises to 1.2513 and falls to 1.2489.
    candles = bars([[1.2500, 1.2510, 1.2486, 1.2490]], start=OPENED, spread=0.0003)
    assert settle(open_signal(Direction.BUY, stop=1.2487), candles, PIP) is not None
    assert settle(open_signal(Direction.SELL, target=1.2488), candles, PIP) is None
    assert settle(open_signal(Direction.SELL, target=1.2489), candles, PIP) is not None
    assert settle(open_signal(Direction.SELL, stop=1.2512), candles, PIP) is not None
    assert settle(open_signal(Direction.BUY, target=1.2512), candles, PIP) is None


def test_a_sell_mirrors_a_buy() -> None:
    stopped = bars([[1.2505, 1.2516, 1.2504, 1.2510]], start=OPENED)
    outcome = ended(open_signal(Direction.SELL), stopped)
    assert (outcome.status, outcome.exit_price, outcome.pips, outcome.r_multiple) == (Status.LOST, 1.2515, -15.0, -1.0)
    taken = bars([[1.2495, 1.2496, 1.2465, 1.2470]], start=OPENED)
    outcome = ended(open_signal(Direction.SELL), taken)
    assert (outcome.status, outcome.exit_price, outcome.pips, outcome.r_multiple) == (Status.WON, 1.247, 30.0, 2.0)
    gapped = bars([[1.2530, 1.2535, 1.2525, 1.2530]], start=OPENED)
    assert ended(open_signal(Direction.SELL), gapped).exit_price == 1.253


def test_the_signals_own_candle_does_not_count() -> None:
    candles = bars([BOTH, QUIET], start=MONDAY)
    assert settle(open_signal(), candles, PIP) is None
    assert ambiguous_candle(open_signal(), candles) is None


def test_nothing_touched_in_four_hours_expires_at_the_last_close() -> None:
    rows = [QUIET] * 47 + [[1.25, 1.2512, 1.2491, 1.2507]]
    outcome = ended(open_signal(), after(*rows))
    assert (outcome.status, outcome.exit_time, outcome.exit_price) == (Status.EXPIRED, OPENED + 14_400, 1.2507)
    assert (outcome.pips, outcome.mae, outcome.mfe) == (7.0, 9.0, 12.0)
    assert outcome.r_multiple == pytest.approx(7 / 15, abs=1e-6)


def test_a_touch_after_the_expiry_is_too_late() -> None:
    outcome = ended(open_signal(), after(*([QUIET] * 48), TAKEN))
    assert outcome.status is Status.EXPIRED


def test_a_touch_in_the_last_candle_is_in_time() -> None:
    assert ended(open_signal(), after(*([QUIET] * 47), TAKEN)).status is Status.WON


def test_the_end_by_time_is_not_known_before_its_last_candle() -> None:
    candles = after(*([QUIET] * 47))
    assert settle(open_signal(), candles, PIP) is None
    assert settle(open_signal(), candles, PIP, through=OPENED + 14_399.9) is None
    assert ended(open_signal(), candles, through=OPENED + 14_400).status is Status.EXPIRED


def test_a_later_candle_says_that_the_last_one_is_missing() -> None:
    times = [OPENED, OPENED + 300, OPENED + 86_400]
    outcome = ended(open_signal(), bars([QUIET, [1.25, 1.2505, 1.2495, 1.2503], TAKEN], times=times))
    assert (outcome.status, outcome.exit_price, outcome.exit_time) == (Status.EXPIRED, 1.2503, OPENED + 14_400)


def test_over_a_weekend_a_signal_expires_at_fridays_last_price() -> None:
    friday = MONDAY + 4 * 86_400 + 21 * 3_600
    signal = open_signal(opened_at=friday, expires_at=friday + 14_400)
    sunday = friday + 49 * 3_600 + 300
    times = [friday, friday + 300, sunday]
    candles = bars([QUIET, [1.25, 1.2506, 1.2494, 1.2504], [1.2400, 1.2410, 1.2390, 1.2400]], times=times)
    outcome = ended(signal, candles)
    assert (outcome.status, outcome.exit_price) == (Status.EXPIRED, 1.2504)


def test_without_any_candle_a_signal_expires_where_it_could_have_left_at_once() -> None:
    nothing = bars([QUIET], start=MONDAY)
    outcome = ended(open_signal(), nothing, through=OPENED + 14_400)
    assert (outcome.status, outcome.exit_price, outcome.pips) == (Status.EXPIRED, 1.2499, -1.0)
    sell = ended(open_signal(Direction.SELL), nothing, through=OPENED + 14_400)
    assert (sell.exit_price, sell.pips, sell.mae, sell.mfe) == (1.2501, -1.0, 1.0, 0.0)


def test_pips_follow_the_instrument() -> None:
    signal = open_signal(instrument="USD_JPY", entry=150.0, stop=149.7, target=150.6)
    candles = bars([[150.0, 150.7, 149.9, 150.5]], instrument="USD_JPY", start=OPENED)
    outcome = settle(signal, candles, USD_JPY.pip)
    assert outcome is not None
    assert (outcome.pips, outcome.r_multiple, outcome.mae) == (60.0, 2.0, 10.0)


def test_candles_of_another_instrument_are_refused() -> None:
    with pytest.raises(InvalidInput):
        settle(open_signal(instrument="EUR_USD"), after(QUIET), PIP)


@pytest.mark.parametrize(
    "changes",
    [{"stop": 1.2501}, {"target": 1.2499}, {"stop": 1.25}, {"target": float("nan")}, {"stop": 0.0}, {"entry": 1.26}],
)
def test_levels_on_the_wrong_side_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        open_signal(**changes)


HISTORY = walk(USD_JPY, 3_000, seed=9)


@given(
    row=st.integers(0, 2_900),
    direction=st.sampled_from(list(Direction)),
    risk=st.integers(20, 600),
    reward=st.integers(20, 900),
)
def test_candles_one_by_one_end_a_signal_as_all_at_once(row: int, direction: Direction, risk: int, reward: int) -> None:
    """The first answer that candles arriving one by one allow is the one that the whole history gives."""
    sign = 1 if direction is Direction.BUY else -1
    side = HISTORY.ask if direction is Direction.BUY else HISTORY.bid
    entry = float(side.close[row])
    opened = int(HISTORY.time[row]) + 300
    signal = OpenSignal(
        1,
        "USD_JPY",
        direction,
        entry,
        round(entry - sign * risk / 1_000, 3),
        round(entry + sign * reward / 1_000, 3),
        opened,
        opened + 14_400,
        0.014,
    )
    at_once = settle(signal, HISTORY, USD_JPY.pip)
    for count in range(row, min(row + 60, len(HISTORY)) + 1):
        step_by_step = settle(signal, HISTORY.rows(0, count), USD_JPY.pip)
        if step_by_step is not None:
            break
    assert step_by_step == at_once
    if at_once is not None:
        assert at_once.mae >= 0
        assert at_once.mfe >= 0
        assert at_once.mfe * 0.01 <= reward / 1_000 + 1e-9
        assert opened <= at_once.exit_time <= signal.expires_at
        assert {Status.WON: at_once.pips > 0, Status.LOST: at_once.r_multiple <= -1}.get(at_once.status, True)
