"""Many positions at once end to the bit as each does alone."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.backtests.choices import Entry
from alphaforge.backtests.entries import Entries, entries
from alphaforge.backtests.fills import ACTIVE, NEVER, STATUSES, Ends, settle_all
from alphaforge.core.candles import CandleSeries, empty_series
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Direction, Outcome
from alphaforge.signals.offline import FinerCandles, closer_look
from alphaforge.signals.outcome import OpenSignal, ambiguous_candle, settle
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from builders import MONDAY, USD_JPY, bars, open_signal, walk

HISTORY = walk(USD_JPY, 1_500, seed=9, gaps=0.1)
"""From Monday into the weekend and out of it, a tenth of the candles absent."""


def table(signals: Sequence[OpenSignal]) -> Entries:
    return Entries(
        sign=np.array([float(one.sign) for one in signals]),
        entry=np.array([one.entry for one in signals], np.float64),
        stop=np.array([one.stop for one in signals], np.float64),
        target=np.array([one.target for one in signals], np.float64),
        spread=np.array([one.spread for one in signals], np.float64),
        opened=np.array([one.opened_at for one in signals], np.int64),
        expires=np.array([one.expires_at for one in signals], np.int64),
    )


def outcome(ends: Ends, at: int, spread: float) -> Outcome | None:
    """One end as the live desk would say it."""
    if ends.status[at] == ACTIVE:
        return None
    return Outcome(
        status=STATUSES[ends.status[at]],
        exit_time=int(ends.time[at]),
        exit_price=float(ends.price[at]),
        pips=float(ends.pips[at]),
        r_multiple=float(ends.r[at]),
        mae=float(ends.mae[at]),
        mfe=float(ends.mfe[at]),
        spread_paid=spread,
        ambiguous=bool(ends.ambiguous[at]),
    )


def alone(signal: OpenSignal, candles: CandleSeries, pip: float, through: float, finer: FinerCandles | None) -> object:
    known = candles.until(through)
    start = ambiguous_candle(signal, known)
    closer = None if start is None or finer is None else closer_look(finer, signal, start)
    return settle(signal, known, pip, finer=closer, through=through)


@st.composite
def positions(draw: st.DrawFn) -> OpenSignal:
    """A position at any time of the history, between candles too, with levels near and far."""
    row = draw(st.integers(0, len(HISTORY) - 1))
    sign = draw(st.sampled_from([1, -1]))
    side = HISTORY.ask if sign > 0 else HISTORY.bid
    entry = float(draw(st.sampled_from([side.open, side.close]))[row])
    opened = int(HISTORY.time[row]) + draw(st.sampled_from([0, 300, 300, 1, -400, 7_000]))
    return OpenSignal(
        id=1,
        instrument="USD_JPY",
        direction=Direction.BUY if sign > 0 else Direction.SELL,
        entry=entry,
        stop=round(entry - sign * draw(st.integers(1, 400)) / 1_000, 3),
        target=round(entry + sign * draw(st.integers(1, 600)) / 1_000, 3),
        opened_at=opened,
        expires_at=opened + draw(st.sampled_from([0, 299, 300, 3_600, 14_400, 14_400, 200_000])),
        spread=draw(st.sampled_from([0.0, 0.014])),
    )


def minutes(name: str, granularity: Granularity, start: int, end: int) -> CandleSeries:
    """Finer candles that anybody asking for the same time gets the same of; for some times there are none."""
    count = (end - start) // granularity.seconds
    if start % 7 == 0:
        return empty_series(name, granularity)
    middle = float(HISTORY.bid.open[np.searchsorted(HISTORY.time, start, side="right") - 1])
    steps = np.random.default_rng(start).normal(0, 0.05, (count, 4)) + middle
    rows = np.stack([steps[:, 0], steps.max(axis=1), steps.min(axis=1), steps[:, 1]], axis=1).round(3)
    return bars(rows.tolist(), instrument=name, granularity=granularity, start=start, spread=0.014)


@settings(max_examples=60, deadline=None)
@given(
    signals=st.lists(positions(), min_size=1, max_size=12),
    through=st.one_of(st.just(float("inf")), st.integers(MONDAY, HISTORY.end + 10_000)),
    finer=st.sampled_from([None, minutes]),
)
def test_many_positions_end_to_the_bit_as_each_alone(
    signals: list[OpenSignal], through: float, finer: FinerCandles | None
) -> None:
    ends = settle_all(table(signals), HISTORY, USD_JPY.pip, through=through, finer=finer)
    found = [outcome(ends, at, one.spread) for at, one in enumerate(signals)]
    assert repr(found) == repr([alone(one, HISTORY, USD_JPY.pip, through, finer) for one in signals])


@settings(max_examples=40, deadline=None)
@given(signals=st.lists(positions(), min_size=1, max_size=5))
def test_an_end_is_known_from_its_moment_on_and_not_before(signals: list[OpenSignal]) -> None:
    """What the desk holds at a close depends on it."""
    ends = settle_all(table(signals), HISTORY, USD_JPY.pip, through=HISTORY.end)
    for at, one in enumerate(signals):
        if ends.status[at] == ACTIVE:
            assert (ends.known[at], ends.time[at]) == (NEVER, NEVER)
            continue
        known = int(ends.known[at])
        assert alone(one, HISTORY, USD_JPY.pip, known, None) is not None
        assert alone(one, HISTORY, USD_JPY.pip, known - 1, None) is None


def test_a_thousand_positions_that_fill_several_chunks_end_as_each_alone() -> None:
    random = np.random.default_rng(5)
    rows = random.integers(0, len(HISTORY) - 1, 1_000)
    sign = random.choice([1.0, -1.0], 1_000)
    many = entries(HISTORY, rows, sign, random.uniform(0.02, 0.2, 1_000), instrument=USD_JPY, settings=DEFAULT_SETTINGS)
    ends = settle_all(many, HISTORY, USD_JPY.pip, through=HISTORY.end)
    for at in range(0, 1_000, 10):
        signal = OpenSignal(
            id=at,
            instrument="USD_JPY",
            direction=Direction.BUY if sign[at] > 0 else Direction.SELL,
            entry=float(many.entry[at]),
            stop=float(many.stop[at]),
            target=float(many.target[at]),
            opened_at=int(many.opened[at]),
            expires_at=int(many.expires[at]),
            spread=float(many.spread[at]),
        )
        assert repr(outcome(ends, at, signal.spread)) == repr(settle(signal, HISTORY, USD_JPY.pip, through=HISTORY.end))


def test_without_candles_only_time_ends_a_position() -> None:
    signals = [open_signal(), open_signal(Direction.SELL)]
    nothing = empty_series("GBP_USD", Granularity.M5)
    through = signals[0].expires_at
    ends = settle_all(table(signals), nothing, 0.0001, through=through)
    assert [outcome(ends, at, 0.0001) for at in (0, 1)] == [
        settle(one, nothing, 0.0001, through=through) for one in signals
    ]
    assert (settle_all(table(signals), nothing, 0.0001, through=through - 1).status == ACTIVE).all()


def test_no_positions_have_no_ends() -> None:
    assert len(settle_all(table([]), HISTORY, USD_JPY.pip, through=HISTORY.end).status) == 0


@pytest.mark.parametrize("changes", [{"stop": 1.2501}, {"target": 1.25}, {"stop": -1.0}, {"target": np.inf}])
def test_levels_on_the_wrong_side_are_refused(changes: dict[str, float]) -> None:
    wrong = table([open_signal(), open_signal()])
    for name, price in changes.items():
        getattr(wrong, name)[1] = price
    with pytest.raises(InvalidInput, match=r"BUY at 1.25 cannot have its stop at"):
        settle_all(wrong, bars([[1.25] * 4]), 0.0001, through=np.inf)


def test_positions_that_cannot_be_made_have_no_end() -> None:
    candles = bars([[1.25, 1.26, 1.24, 1.25]] * 3, spread=0.0001)
    rows, atr = np.array([0, 1, 2]), np.array([0.001, np.nan, 0.001])
    short = StrategySettings(lifetime=300)
    many = entries(candles, rows, np.ones(3), atr, instrument=USD_JPY, settings=short, at=Entry.NEXT_OPEN)
    assert np.isnan(many.entry).tolist() == np.isnan(many.spread).tolist() == [False, True, True]
    ends = settle_all(many, candles, 0.0001, through=candles.end + 86_400)
    assert (ends.status == ACTIVE).tolist() == [False, True, True]
    assert np.isnan(ends.r).tolist() == [False, True, True]


@settings(deadline=None)
@given(row=st.integers(0, len(HISTORY) - 2), sign=st.sampled_from([1.0, -1.0]), atr=st.floats(0.01, 0.3))
def test_the_next_open_is_a_quote_like_any_other(row: int, sign: float, atr: float) -> None:
    """Entered at the next open, a position is what a signal at that quote and that moment would be."""
    one = entries(
        HISTORY,
        np.array([row]),
        np.array([sign]),
        np.array([atr]),
        instrument=USD_JPY,
        settings=DEFAULT_SETTINGS,
        at=Entry.NEXT_OPEN,
    )
    side = HISTORY.ask if sign > 0 else HISTORY.bid
    assert one.opened[0] == HISTORY.time[row + 1]
    assert one.expires[0] == HISTORY.time[row + 1] + 14_400
    assert one.entry[0] == side.open[row + 1]
    assert one.spread[0] == round(HISTORY.ask.open[row + 1] - HISTORY.bid.open[row + 1], 10)
    assert sign * (one.entry[0] - one.stop[0]) == pytest.approx(1.5 * atr, abs=0.0006)
    assert sign * (one.target[0] - one.entry[0]) == pytest.approx(3.0 * atr, abs=0.0006)
