"""The fast backtest against the slow definition, which decides and settles one by one as the desk does."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.backtests.choices import Entry, Positions
from alphaforge.backtests.engine import run
from alphaforge.backtests.model import SIGNAL, Market, Options, Reason, Run
from alphaforge.core.candles import CandleSeries, empty_series, series_from_columns
from alphaforge.core.errors import AlphaForgeError, InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.signals.analysis import analyse
from alphaforge.signals.model import Decision, Outcome, Regime, Status
from alphaforge.signals.offline import FinerCandles, Simulation, simulate
from alphaforge.signals.regime import REGIMES
from alphaforge.signals.settings import StrategySettings
from builders import GBP_USD, MONDAY, USD_JPY, XAU_USD, bars, real_candles, walk

INSTRUMENTS = (GBP_USD, XAU_USD, USD_JPY)
HOURS = {one.name: hours_of(one.name) for one in INSTRUMENTS}
WARM = MONDAY + 40 * 3_600
QUICK = StrategySettings(minimum_candles=40, volatility_window=40, minimum_adx=0.0, minimum_strength=5.0)
"""Warm within two days, and with more signals than the desk can take."""


def walks(seed: int, count: int = 900, gaps: float = 0.02) -> dict[str, CandleSeries]:
    """Some three and a half days of each instrument."""
    return {one.name: walk(one, count, seed=seed + place, gaps=gaps) for place, one in enumerate(INSTRUMENTS)}


def market(
    series: Mapping[str, CandleSeries],
    instruments: tuple[Instrument, ...] = INSTRUMENTS,
    finer: FinerCandles | None = None,
) -> Market:
    return Market(series, instruments, HOURS, source="a random walk", finer=finer)


def minutes(name: str, granularity: Granularity, start: int, end: int) -> CandleSeries:
    """Finer candles far from any level for a part of the times, none for the others."""
    random = np.random.default_rng(start)
    if random.random() < 0.3:
        return empty_series(name, granularity)
    middle = {"GBP_USD": 1.25, "XAU_USD": 2_700.0, "USD_JPY": 150.0}[name] * random.uniform(0.97, 1.03)
    rows = [[middle, middle * 1.002, middle * 0.998, middle]] * ((end - start) // granularity.seconds)
    return bars(rows, instrument=name, granularity=granularity, start=start)


def decided(found: Simulation) -> dict[str, list[Reason | None]]:
    """By instrument, why each evaluated candle is no signal."""
    return {
        one.name: [
            None if each.reason is None else Reason(each.reason.value)
            for each in found.decisions
            if each.instrument == one.name
        ]
        for one in INSTRUMENTS
    }


def reasons(found: Run) -> dict[str, list[Reason | None]]:
    return {
        name: [None if code == SIGNAL else tuple(Reason)[code] for code in rows.reason.tolist()]
        for name, rows in found.rows.items()
    }


def traded(found: Simulation) -> list[tuple[object, ...]]:
    """Each signal that ended, and how, as the slow definition has it."""
    ends: dict[int, Outcome] = {one.signal.id: one.outcome for one in found.settled}
    return [
        (*_signal(signal), ends[number], signal.spread)
        for number, signal in enumerate(found.signals, 1)
        if number in ends
    ]


def _signal(one: Decision) -> tuple[object, ...]:
    levels = one.levels
    assert levels is not None
    return (
        *(one.instrument, one.candle_time, levels.direction, levels.entry, levels.stop, levels.target),
        *(one.regime, one.strength, one.agreement, one.confidence, one.risk_fraction),
    )


def filled(found: Run) -> list[tuple[object, ...]]:
    """The same of the fast backtest."""
    fills = found.fills
    return [
        (
            INSTRUMENTS[fills.instrument[at]].name,
            int(fills.candle_time[at]),
            "BUY" if fills.side[at] > 0 else "SELL",
            *(float(column[at]) for column in (fills.entry, fills.stop, fills.target)),
            REGIMES[fills.regime[at]],
            *(float(column[at]) for column in (fills.strength, fills.agreement, fills.confidence, fills.risk_fraction)),
            Outcome(
                tuple(Status)[fills.status[at]],
                int(fills.closed[at]),
                *(
                    float(column[at])
                    for column in (fills.exit, fills.pips, fills.r, fills.mae, fills.mfe, fills.spread)
                ),
                ambiguous=bool(fills.ambiguous[at]),
            ),
            float(fills.spread[at]),
        )
        for at in range(len(fills))
    ]


def assert_same(found: Run, slow: Simulation) -> None:
    assert reasons(found) == decided(slow)
    assert repr(filled(found)) == repr([(*one[:2], str(one[2]), *one[3:]) for one in traded(slow)])
    assert found.still_open == len(slow.book.open)


strategies = st.builds(
    StrategySettings,
    minimum_candles=st.just(40),
    volatility_window=st.just(40),
    minimum_votes=st.sampled_from([0.0, 1.5]),
    minimum_strength=st.just(0.0),
    minimum_agreement=st.sampled_from([0.0, 2 / 3]),
    minimum_adx=st.sampled_from([0.0, 15.0]),
    untraded=st.sampled_from([(), (Regime.UNKNOWN,)]),
    exposure_cap=st.integers(1, 4),
    cooldown=st.sampled_from([0.0, 900.0, 3_600.0]),
    stop_atr=st.sampled_from([0.3, 1.5]),
    target_atr=st.sampled_from([0.3, 1.0, 3.0]),
    lifetime=st.sampled_from([600, 3_600, 14_400, 90_000]),
    kelly_results=st.integers(4, 10),
    kelly_minimum_results=st.integers(1, 4),
)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    gaps=st.sampled_from([0.0, 0.02, 0.3]),
    strategy=strategies,
    hours=st.tuples(st.integers(0, 30), st.integers(1, 40)),
    order=st.permutations(INSTRUMENTS),
    finer=st.sampled_from([None, minutes]),
)
def test_every_decision_fill_and_outcome_is_to_the_bit_that_of_the_desk(
    *,
    seed: int,
    gaps: float,
    strategy: StrategySettings,
    hours: tuple[int, int],
    order: list[Instrument],
    finer: FinerCandles | None,
) -> None:
    series, start = walks(seed, gaps=gaps), WARM + hours[0] * 3_600
    end = start + hours[1] * 3_600 / 2
    slow = simulate(series, order, HOURS, strategy, start=start, end=end, finer=finer)
    if not slow.decisions:
        with pytest.raises(NoData):
            run(market(series, tuple(order), finer), strategy, Options(), start=start, end=end)
        return
    found = run(market(series, tuple(order), finer), strategy, Options(), start=start, end=end)
    assert_same(replace(found, fills=_in_house_order(found, order)), slow)


def _in_house_order(found: Run, order: list[Instrument]) -> Any:
    """The fills with instruments numbered as in INSTRUMENTS."""
    numbers = np.array([INSTRUMENTS.index(one) for one in order], np.int8)
    return replace(found.fills, instrument=numbers[found.fills.instrument])


def test_instruments_whose_candles_end_early_or_begin_late_change_nothing() -> None:
    series = walks(7)
    series["GBP_USD"] = series["GBP_USD"].rows(0, 700)
    series["USD_JPY"] = series["USD_JPY"].rows(200)
    slow = simulate(series, INSTRUMENTS, HOURS, QUICK)
    assert_same(run(market(series), QUICK, Options()), slow)
    assert len(slow.signals) > 5


def test_a_desk_of_one_instrument_decides_as_the_slow_definition() -> None:
    series = {"XAU_USD": walks(5)["XAU_USD"]}
    slow = simulate(series, (XAU_USD,), HOURS, QUICK)
    found = run(market(series, (XAU_USD,)), QUICK, Options())
    assert found.rows["XAU_USD"].first == int(series["XAU_USD"].time.searchsorted(slow.decisions[0].candle_time))
    assert reasons(found)["XAU_USD"] == decided(slow)["XAU_USD"]


def test_recorded_days_are_decided_and_settled_as_the_slow_definition_does() -> None:
    series = real_candles()
    if not series:
        pytest.skip("No recorded candles here: set ALPHAFORGE_REAL_CANDLES to a folder with GBP_USD_M5.parquet")
    cut = {name: one.rows(20_000, 33_500) for name, one in series.items()}
    start = min(one.end for one in cut.values()) - 86_400
    slow = simulate(cut, INSTRUMENTS, HOURS, start=start)
    assert_same(run(market(cut), StrategySettings(), Options(), start=start), slow)
    assert len(slow.signals) > 3


def test_what_comes_after_the_end_is_not_looked_at() -> None:
    series, end = walks(11), WARM + 30 * 3_600
    cut = {name: one.until(end) for name, one in series.items()}
    for options in (Options(), Options(entry=Entry.NEXT_OPEN), Options(positions=Positions.ONE)):
        whole, short = run(market(series), QUICK, options, end=end), run(market(cut), QUICK, options)
        assert reasons(whole) == reasons(short)
        assert repr(whole.fills) == repr(short.fills)
        assert whole.still_open == short.still_open


def test_analyses_at_hand_are_as_good_as_new_ones() -> None:
    series = walks(13)
    analyses = {name: analyse(one, QUICK) for name, one in series.items()}
    with_them, without = (run(market(series), QUICK, Options(), analyses=each) for each in (analyses, None))
    assert repr(with_them.fills) == repr(without.fills)


def test_a_backtest_leaves_what_it_was_given_as_it_was() -> None:
    series = walks(13)
    analyses = {name: analyse(one, QUICK) for name, one in series.items()}
    first, second = (run(market(series), QUICK, Options(), analyses=analyses) for _ in range(2))
    assert reasons(first) == reasons(second)
    assert repr(first.fills) == repr(second.fills)


@pytest.mark.parametrize("entry", list(Entry))
def test_with_one_position_each_an_instrument_waits_until_it_is_closed(entry: Entry) -> None:
    many_at_once = replace(QUICK, cooldown=0.0, exposure_cap=4, lifetime=7_200)
    series = walks(17)
    found = run(market(series), many_at_once, Options(entry=entry, positions=Positions.ONE))
    fills, all_reasons = found.fills, reasons(found)
    assert len(fills) > 30
    for place, one in enumerate(INSTRUMENTS):
        mine = fills.instrument == place
        signalled, closed = fills.candle_time[mine] + 300, fills.closed[mine]
        assert (signalled[1:] >= closed[:-1]).all()
        assert Reason.POSITION_OPEN in all_reasons[one.name]


def test_the_live_filters_speak_before_the_open_position() -> None:
    found = run(market(walks(17)), QUICK, Options(positions=Positions.ONE))
    seen = 0
    for place, one in enumerate(INSTRUMENTS):
        mine = found.fills.instrument == place
        for row in (found.fills.row[mine] - found.rows[one.name].first).tolist():
            cooling = reasons(found)[one.name][row + 1 : row + 9]
            assert Reason.POSITION_OPEN not in cooling
            seen += Reason.COOLDOWN in cooling
    assert seen > 5


def test_entered_at_the_next_open_the_desk_still_counts_from_the_signal() -> None:
    series = walks(19, gaps=0.3)
    found = run(market(series), replace(QUICK, exposure_cap=10), Options(entry=Entry.NEXT_OPEN))
    fills = found.fills
    for place, one in enumerate(INSTRUMENTS):
        mine = fills.instrument == place
        signalled = fills.candle_time[mine] + 300
        assert (np.diff(signalled) >= 3_600).all()
        following = series[one.name].time[fills.row[mine] + 1]
        assert (fills.opened[mine] == following).all()
        assert (following > signalled).any()


def test_a_price_without_room_for_levels_stops_the_backtest_as_it_stops_the_desk() -> None:
    """In whole forints there is nothing between 1.25 and zero for a stop or a target."""
    forint = Instrument("EUR_HUF", -2, 0)
    series = {"EUR_HUF": series_from_columns("EUR_HUF", Granularity.M5, walks(29)["GBP_USD"].columns())}
    hours = {"EUR_HUF": hours_of("EUR_HUF")}
    with pytest.raises(InvalidInput, match="no room for a stop and a target"):
        simulate(series, (forint,), hours, QUICK)
    with pytest.raises(InvalidInput, match="no room for a stop and a target"):
        run(Market(series, (forint,), hours, source="a random walk"), QUICK, Options())


SERIES = walks(23, 200)


def asked(
    changes: Mapping[str, Any] | None = None, series: Mapping[str, CandleSeries] = SERIES, **question: Any
) -> Callable[[], Run]:
    """A backtest of a market with these changes."""
    return lambda: run(replace(market(series), **(changes or {})), QUICK, Options(), **question)


MANY = tuple(Instrument(f"A{number}_USD") for number in range(100, 228))

REFUSED: dict[str, tuple[Callable[[], Run], type[AlphaForgeError], str]] = {
    "no time": (asked(start=WARM, end=WARM), InvalidInput, "no time in it"),
    "time unknown": (asked(start=float("nan")), InvalidInput, "no time in it"),
    "nothing": (asked({"instruments": ()}), InvalidInput, "A backtest of nothing"),
    "too many series": (asked({"instruments": INSTRUMENTS[:2]}), InvalidInput, "candles of GBP_USD, XAU_USD, USD_JPY"),
    "twice": (asked({"instruments": (*INSTRUMENTS, GBP_USD)}), InvalidInput, "each instrument once"),
    "too many": (
        asked({"instruments": MANY}, {one.name: SERIES["GBP_USD"] for one in MANY}),
        InvalidInput,
        "A backtest of 128 instruments is too large",
    ),
    "mixed up": (
        asked(series=SERIES | {"GBP_USD": SERIES["USD_JPY"]}),
        InvalidInput,
        "candles given for GBP_USD are of USD_JPY",
    ),
    "no hours": (asked({"hours": {}}), InvalidInput, "GBP_USD has no trading hours"),
    "no candles": (
        asked(series=SERIES | {"XAU_USD": empty_series("XAU_USD", Granularity.M5)}),
        NoData,
        "XAU_USD: there are no candles",
    ),
    "nothing warm": (asked(), NoData, "needs 40 closed candles before it"),
    "other settings": (asked(analyses={"GBP_USD": analyse(SERIES["GBP_USD"])}), InvalidInput, "by other settings"),
    "other candles": (
        asked(analyses={"GBP_USD": analyse(SERIES["GBP_USD"].rows(0), QUICK)}),
        InvalidInput,
        "of other candles",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused(case: str) -> None:
    question, error, says = REFUSED[case]
    with pytest.raises(error) as caught:
        question()
    assert says in f"{caught.value.message} {caught.value.advice}"
