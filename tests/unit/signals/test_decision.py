from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from alphaforge.core.candles import CandleSeries, derived, empty_series, series_from_columns
from alphaforge.core.errors import InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS, Instrument
from alphaforge.signals.analysis import Analysis, analyse, analyse_last
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Decision, Direction, FilterName, Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.signals.timeframe import by_bucket_end
from alphaforge.signals.weighing import _weighted
from builders import GBP_USD, MONDAY, XAU_USD, bars, walk


def context(series: CandleSeries, row: int = -1, **changes: Any) -> Context:
    values: dict[str, Any] = {
        "as_of": float(series.time[row] + 300),
        "market_open": True,
        "exposure": {},
        "last_signal_at": None,
        "r_multiples": (),
        "instrument": FALLBACK_INSTRUMENTS[series.instrument],
    }
    return Context(**(values | changes))


def every(analysis: Analysis) -> list[Decision]:
    """The decision of every warm row of the last 1,000."""
    rows = [row for row in range(len(analysis.series) - 1_000, len(analysis.series)) if analysis.warm[row]]
    return [decide(analysis, row, context(analysis.series, row)) for row in rows]


@pytest.fixture(scope="module")
def decisions(analyses: dict[str, Analysis]) -> list[Decision]:
    return every(analyses["XAU_USD"])


def test_votes_are_weighted_by_their_timeframe(decisions: list[Decision]) -> None:
    for one in decisions:
        for side in ("buy", "sell"):
            m5, m15, h1 = (getattr(frame, side) for frame in one.timeframes)
            assert getattr(one, f"{side}_votes") == pytest.approx(0.2 * m5 + 0.3 * m15 + 0.5 * h1, abs=1e-9)


def test_the_direction_is_the_larger_side_if_it_has_two_votes(decisions: list[Decision]) -> None:
    found = set()
    for one in decisions:
        most = max(one.buy_votes, one.sell_votes)
        larger = Direction.BUY if one.buy_votes > one.sell_votes else Direction.SELL
        assert one.direction is (larger if most >= 2.0 and one.buy_votes != one.sell_votes else None)
        assert (FilterName.NO_DIRECTION in {f.name for f in one.filters if not f.passed}) is (one.direction is None)
        found.add(one.direction)
    assert found == {None, Direction.BUY, Direction.SELL}


def test_weighted_votes_are_what_they_are_on_paper() -> None:
    """Two sides that tie on paper tie, and two votes are two votes: 0.2 x 3 + 0.5 x 1 is 1.1 and 0.2 x 3 is 0.6."""
    halves = np.arange(0, 12) / 2
    votes = np.array(list(product(halves, repeat=3))).T
    weights = np.array(tuple(DEFAULT_SETTINGS.weights.values()))[:, np.newaxis]
    on_paper = [float(Fraction(int(4 * m5 + 6 * m15 + 10 * h1), 20)) for m5, m15, h1 in votes.T]
    assert _weighted(weights * votes).tolist() == on_paper
    assert (weights * votes).sum(axis=0).tolist() != on_paper


def test_agreement_is_the_share_of_timeframes_that_lean_the_same_way(decisions: list[Decision]) -> None:
    for one in decisions:
        sign = np.sign(one.buy_votes - one.sell_votes)
        leaning = sum((frame.buy - frame.sell) * sign > 0.5 for frame in one.timeframes)
        assert one.agreement == (leaning / 3 if sign else 0.0)


def test_confidence_is_strength_by_agreement(decisions: list[Decision]) -> None:
    for one in decisions:
        assert one.strength == pytest.approx(max(one.buy_votes, one.sell_votes) / 6 * 100)
        assert one.confidence == one.strength * (0.5 + 0.5 * one.agreement)


def test_levels_are_proposed_wherever_there_is_a_direction(decisions: list[Decision]) -> None:
    for one in decisions:
        assert (one.levels is None) is (one.direction is None)
        if one.levels is not None and one.atr is not None:
            assert one.levels.direction is one.direction
            assert one.levels.risk == pytest.approx(1.5 * one.atr, abs=0.0006)


def test_a_signal_passes_every_filter_and_a_rejection_names_its_first_failure(decisions: list[Decision]) -> None:
    signals = 0
    for one in decisions:
        assert tuple(result.name for result in one.filters) == tuple(FilterName)
        failures = [result.name for result in one.filters if not result.passed]
        assert one.reason == (failures[0] if failures else None)
        assert one.is_signal is not bool(failures)
        signals += one.is_signal
    assert signals


def test_an_h1_candle_is_known_with_the_m5_candle_that_ends_it(decisions: list[Decision]) -> None:
    for one in decisions:
        for frame in one.timeframes:
            ended = frame.candle_time + frame.granularity.seconds
            assert ended <= one.candle_time + 300
            assert ended > one.candle_time + 300 - 3 * 86_400


def test_a_bucket_is_usable_at_its_end_or_with_the_first_later_candle() -> None:
    m5 = np.array([0, 2_700, 3_300, 3_900, 7_200, 14_400])  # 3,300 ends the hour; 3,000 and 3,600 had no price
    hours = np.array([0, 3_600, 7_200, 14_400])
    assert by_bucket_end(m5, hours, Granularity.H1).tolist() == [-1, -1, 0, 0, 1, 2]


def test_the_exposure_before_decides(analyses: dict[str, Analysis], decisions: list[Decision]) -> None:
    analysis = analyses["XAU_USD"]
    signal = next(one for one in decisions if one.is_signal)
    row = int(np.searchsorted(analysis.series.time, signal.candle_time))
    sign = 1 if signal.direction is Direction.BUY else -1
    full = decide(analysis, row, context(analysis.series, row, exposure={"USD": -2 * sign}))
    assert full.reason is FilterName.EXPOSURE
    assert decide(analysis, row, context(analysis.series, row, exposure={"USD": 2 * sign})).is_signal


def test_the_last_signal_and_the_clock_decide(analyses: dict[str, Analysis], decisions: list[Decision]) -> None:
    series = analyses["XAU_USD"].series
    signal = next(one for one in decisions if one.is_signal)
    row, close = int(np.searchsorted(series.time, signal.candle_time)), signal.candle_time + 300

    def reason(**changes: Any) -> FilterName | None:
        return decide(analyses["XAU_USD"], row, context(series, row, **changes)).reason

    assert reason(last_signal_at=close - 3_300) is FilterName.COOLDOWN
    assert reason(last_signal_at=close - 3_600) is None
    assert reason(last_signal_at=close - 3_590, as_of=close + 30.0) is FilterName.COOLDOWN  # by candles, not by clocks
    assert reason(as_of=close + 601.0) is FilterName.STALE_DATA
    assert reason(as_of=close + 601.0, market_open=False) is FilterName.MARKET_CLOSED


def test_risk_follows_results_and_regime(analyses: dict[str, Analysis]) -> None:
    analysis = analyses["GBP_USD"]
    for row in range(len(analysis.series) - 300, len(analysis.series)):
        results = (2.0, -1.0, 2.0) * 10
        one = decide(analysis, row, context(analysis.series, row, r_multiples=results))
        assert decide(analysis, row, context(analysis.series, row)).risk_fraction == 0.02
        assert 0.005 <= one.risk_fraction <= 0.03


def test_too_few_candles_are_warming_up_on_the_timeframe_that_lacks_them(histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    analysis = analyse(series)
    hours = derived(series, Granularity.H1)
    thousandth = int(hours.time[999]) + 3_600
    first_warm = int(np.flatnonzero(series.time + 300 >= thousandth)[0])
    assert np.flatnonzero(analysis.warm)[0] == first_warm
    decide(analysis, first_warm, context(series, first_warm))
    with pytest.raises(NoData, match=r"warming_up: GBP_USD .* needs 1000 closed candles .*, H1 has 999$"):
        decide(analysis, first_warm - 1, context(series, first_warm - 1))
    with pytest.raises(NoData, match="M5 has 10, M15 has 3, H1 has 0"):
        decide(analyse_last(series.rows(0, 10)), -1, context(series, 9))


@pytest.mark.parametrize("count", [0, 1, 2, 30, 600])
def test_short_series_are_analysed_without_values(count: int, histories: dict[str, CandleSeries]) -> None:
    series = histories["USD_JPY"].rows(0, count)
    for analysis in (analyse(series), analyse_last(series), analyse_last(series, rows=50)):
        assert not analysis.warm.any()
        assert len(analysis.buy) == len(series) - analysis.first


def test_rows_that_were_not_analysed_are_refused(histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    tail = analyse_last(series, rows=2)
    decide(tail, -2, context(series, -2))
    for row in (0, len(series) - 3, -3, len(series)):
        with pytest.raises(InvalidInput):
            decide(tail, row, context(series))
    with pytest.raises(InvalidInput):
        decide(analyse_last(empty_series("GBP_USD", Granularity.M5)), -1, context(series))


def test_another_instrument_or_granularity_is_refused(histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    with pytest.raises(InvalidInput, match="XAU_USD"):
        decide(analyse_last(series), -1, context(series, instrument=XAU_USD))
    with pytest.raises(InvalidInput, match="M5"):
        analyse(derived(series, Granularity.M15))


def test_a_signal_without_room_for_its_levels_is_an_error(histories: dict[str, CandleSeries]) -> None:
    columns = histories["GBP_USD"].columns()
    at_one = [column / columns[4][-1] for column in columns[1:13]]
    series = series_from_columns("GBP_USD", Granularity.M5, [columns[0], *at_one, columns[13]])
    analysis = analyse_last(series, rows=2_000)
    row = next(row for row in range(-2_000, 0) if decide(analysis, row, context(series, row)).is_signal)
    without_decimals = Instrument("GBP_USD", -4, 0)  # the price is 1, and one of its levels would be 0
    with pytest.raises(InvalidInput, match="no room"):
        decide(analysis, row, context(series, row, instrument=without_decimals))


def flat(count: int) -> CandleSeries:
    return bars([[1.1, 1.1, 1.1, 1.1]] * count, start=MONDAY, volume=[0] * count)


def test_a_market_that_never_moves_is_refused_without_a_missing_number_in_the_answer() -> None:
    series = flat(12_600)
    one = decide(analyse_last(series), -1, context(series))
    assert one.regime is Regime.UNKNOWN
    assert one.direction is None
    assert one.adx is None
    assert {f.name for f in one.filters if not f.passed} >= {FilterName.REGIME, FilterName.TREND, FilterName.SPREAD}
    for frame in one.timeframes:
        assert (frame.rsi, frame.bollinger, frame.stochastic, frame.volume) == (0, 0, 0, 0)
        assert frame.values["rsi"] is None
        assert frame.values["bollinger_position"] is None
        assert frame.values["stochastic_k"] is None
        assert frame.values["volume_ratio"] is None


def test_other_settings_decide_otherwise_and_say_so(histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    easier = replace(DEFAULT_SETTINGS, minimum_votes=0.1, minimum_adx=0.0, minimum_agreement=0.0)
    ours = decide(analyse_last(series, easier), -1, context(series))
    assert ours.settings_hash == easier.fingerprint() != DEFAULT_SETTINGS.fingerprint()
    strict, eased = analyse_last(series, rows=200), analyse_last(series, easier, rows=200)
    signals = [
        sum(decide(analysis, row, context(series, row)).is_signal for row in range(-200, 0))
        for analysis in (strict, eased)
    ]
    assert signals[0] < signals[1]


def test_the_moment_of_a_decision_is_kept_to_the_microsecond(histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    one = decide(analyse_last(series), -1, context(series, as_of=1_736_121_600.123456789))
    assert one.as_of == 1_736_121_600.123457


def test_deciding_changes_nothing(histories: dict[str, CandleSeries]) -> None:
    series = walk(GBP_USD, 13_000, seed=77)
    before = [column.tobytes() for column in series.columns()]
    analysis = analyse(series)
    first = decide(analysis, -1, context(series))
    assert decide(analysis, -1, context(series)) == first
    assert [column.tobytes() for column in series.columns()] == before
    again = series_from_columns("GBP_USD", Granularity.M5, [column.copy() for column in series.columns()])
    assert decide(analyse_last(again), -1, context(again)) == first
