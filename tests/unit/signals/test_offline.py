import numpy as np
import pytest

from alphaforge.core.candles import CandleSeries, empty_series, series_from_columns
from alphaforge.core.granularity import Granularity
from alphaforge.core.market_hours import hours_of
from alphaforge.signals.analysis import analyse_last
from alphaforge.signals.decision import decide
from alphaforge.signals.desk import Book, Settled
from alphaforge.signals.explain import decision_from_dict, decision_to_dict
from alphaforge.signals.model import Decision, Direction, FilterName, Status
from alphaforge.signals.offline import Simulation, replay, simulate
from builders import GBP_USD, USD_JPY, XAU_USD, bars

INSTRUMENTS = (GBP_USD, XAU_USD, USD_JPY)
HOURS = {one.name: hours_of(one.name) for one in INSTRUMENTS}


@pytest.fixture(scope="module")
def start(histories: dict[str, CandleSeries]) -> float:
    """Three days before the earliest end."""
    return min(series.end for series in histories.values()) - 3 * 86_400


@pytest.fixture(scope="module")
def simulation(histories: dict[str, CandleSeries], start: float) -> Simulation:
    return simulate(histories, INSTRUMENTS, HOURS, start=start)


def live(histories: dict[str, CandleSeries], start: float, end: float) -> tuple[list[Decision], Book]:
    """The same days as a live desk sees them: at each close, a window of the newest 13,000 candles."""
    book, decisions, number = Book(), [], 0
    closes = sorted({int(time) + 300 for series in histories.values() for time in series.after(start).until(end).time})
    for close in closes:
        windows = {one.name: histories[one.name].until(close).last(13_000) for one in INSTRUMENTS}
        book.settle(windows, {one.name: one.pip for one in INSTRUMENTS}, close)
        for one in INSTRUMENTS:
            window = windows[one.name]
            if window.end != close:
                continue
            context = book.context_for(one, float(close), market_open=HOURS[one.name].is_open(close))
            decisions.append(decide(analyse_last(window), -1, context))
            if decisions[-1].is_signal:
                number += 1
                book.add(decisions[-1], number)
    return decisions, book


def test_a_replay_decides_bit_for_bit_what_the_live_desk_decided(
    histories: dict[str, CandleSeries],
) -> None:
    start = min(series.end for series in histories.values()) - 8 * 3_600
    end = start + 8 * 3_600
    decisions, book = live(histories, start, end)
    replayed = simulate(histories, INSTRUMENTS, HOURS, start=start, end=end)
    assert len(decisions) > 250
    assert len(replayed.signals) > 2
    assert tuple(decisions) == replayed.decisions
    assert book == replayed.book


def test_a_replay_cut_in_two_is_the_same_replay(
    histories: dict[str, CandleSeries], simulation: Simulation, start: float
) -> None:
    book, middle = Book(), start + 1.5 * 86_400
    steps = list(replay(histories, INSTRUMENTS, HOURS, book, start=start, end=middle))
    steps += replay(histories, INSTRUMENTS, HOURS, book, start=middle)
    assert tuple(one for step in steps for one in step.decisions) == simulation.decisions
    assert [one.outcome for step in steps for one in step.settled] == [one.outcome for one in simulation.settled]
    assert [step.close for step in steps] == sorted({step.close for step in steps})


def test_instruments_are_decided_in_the_order_given(simulation: Simulation) -> None:
    order = [one.name for one in INSTRUMENTS]
    for one, after in zip(simulation.decisions, simulation.decisions[1:], strict=False):
        assert (one.candle_time, order.index(one.instrument)) < (after.candle_time, order.index(after.instrument))


def test_every_signal_ends_or_is_open_at_the_end(simulation: Simulation) -> None:
    assert len(simulation.signals) > 20
    ended = {one.signal.id for one in simulation.settled}
    assert ended.isdisjoint(simulation.book.open)
    assert ended | set(simulation.book.open) == set(range(1, len(simulation.signals) + 1))
    assert {one.outcome.status for one in simulation.settled} >= {Status.WON, Status.LOST}


def test_no_two_signals_on_an_instrument_within_an_hour_and_no_currency_above_its_cap(
    simulation: Simulation,
) -> None:
    last: dict[str, int] = {}
    for signal in simulation.signals:
        assert signal.candle_time - last.get(signal.instrument, 0) >= 3_600
        last[signal.instrument] = signal.candle_time
    reasons = {one.reason for one in simulation.decisions}
    assert {FilterName.COOLDOWN, FilterName.EXPOSURE, FilterName.NO_DIRECTION} <= reasons
    held: dict[str, int] = {}
    ends = {one.signal.id: one.outcome.exit_time for one in simulation.settled}
    for number, signal in enumerate(simulation.signals, 1):
        close = signal.candle_time + 300
        held = {"USD": 0}
        for other, earlier in enumerate(simulation.signals[:number], 1):
            if ends.get(other, 10**12) > close and earlier.direction is not None:
                sign = 1 if earlier.direction == "BUY" else -1
                held["USD"] += sign if earlier.instrument == "USD_JPY" else -sign
        assert abs(held["USD"]) <= 2


def test_results_are_known_only_after_their_end(simulation: Simulation) -> None:
    """Sizing at a close may use the results that had ended by then, and no others."""
    for one in simulation.decisions:
        known = [
            end
            for end in simulation.settled
            if end.signal.instrument == one.instrument and end.outcome.exit_time <= one.candle_time + 300
        ]
        if len(known) < 20:
            assert one.risk_fraction == 0.02


def test_before_the_candles_are_enough_nothing_is_decided(histories: dict[str, CandleSeries]) -> None:
    short = {name: series.rows(0, 3_000) for name, series in histories.items()}
    assert simulate(short, INSTRUMENTS, HOURS).decisions == ()


def test_every_decision_survives_its_dictionary(simulation: Simulation) -> None:
    for one in simulation.decisions[::11]:
        assert decision_from_dict(decision_to_dict(one)) == one


@pytest.fixture(scope="module")
def swing(histories: dict[str, CandleSeries], start: float, simulation: Simulation) -> dict[str, CandleSeries]:
    """Histories in which the first signal's first candle touches both its levels."""
    signal = simulation.signals[0]
    assert signal.levels is not None
    low, high = sorted((signal.levels.stop, signal.levels.target))
    series = histories[signal.instrument]
    columns = [np.array(column) for column in series.columns()]
    at = int(series.time.searchsorted(signal.candle_time)) + 1
    for side in range(3):
        columns[2 + 4 * side][at] = high + 10 * signal.spread
        columns[3 + 4 * side][at] = low - 10 * signal.spread
    return histories | {signal.instrument: series_from_columns(series.instrument, Granularity.M5, columns)}


Asked = list[tuple[Granularity, int, int]]


def first_end(
    swing: dict[str, CandleSeries], signal: Decision, start: float, finer: dict[Granularity, CandleSeries] | None
) -> tuple[Settled, Asked]:
    """How the first signal ended with these finer candles, and which were asked for."""
    asked: Asked = []

    def ask(name: str, granularity: Granularity, first: int, end: int) -> CandleSeries:
        asked.append((granularity, first, end))
        return (finer or {}).get(granularity, empty_series(name, granularity)).after(first).until(end)

    end = signal.candle_time + 900
    found = simulate(swing, INSTRUMENTS, HOURS, start=start, end=end, finer=None if finer is None else ask)
    return next(one for one in found.settled if one.signal.id == 1), asked


def test_a_candle_that_touched_both_levels_is_settled_with_finer_ones_where_there_are_any(
    simulation: Simulation, swing: dict[str, CandleSeries], start: float
) -> None:
    signal = simulation.signals[0]
    levels, opened = signal.levels, signal.candle_time + 300
    assert levels is not None
    low, high = sorted((levels.stop, levels.target))
    wide = [levels.entry, high + 10 * signal.spread, low - 10 * signal.spread, levels.entry]
    edge = wide[1] if levels.direction is Direction.BUY else wide[2]
    to_target = [levels.entry, max(levels.entry, edge), min(levels.entry, edge), edge]

    def closer(granularity: Granularity, *rows: list[float], at: int) -> CandleSeries:
        return bars(rows, instrument=signal.instrument, granularity=granularity, start=at)

    without, _ = first_end(swing, signal, start, None)
    assert (without.outcome.status, without.outcome.ambiguous) == (Status.LOST, True)
    nothing, asked = first_end(swing, signal, start, {})
    assert nothing == without
    assert asked == [(Granularity.M1, opened, opened + 300)]
    minutes = {Granularity.M1: closer(Granularity.M1, to_target, at=opened + 60)}
    told, _ = first_end(swing, signal, start, minutes)
    assert (told.outcome.status, told.outcome.exit_time) == (Status.WON, opened + 120)
    assert not told.outcome.ambiguous
    seconds = {
        Granularity.M1: closer(Granularity.M1, wide, at=opened + 60),
        Granularity.S5: closer(Granularity.S5, to_target, at=opened + 70),
    }
    told, asked = first_end(swing, signal, start, seconds)
    assert (told.outcome.status, told.outcome.exit_time) == (Status.WON, opened + 75)
    assert asked == [(Granularity.M1, opened, opened + 300), (Granularity.S5, opened + 60, opened + 120)]
