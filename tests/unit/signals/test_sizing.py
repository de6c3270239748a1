import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.signals.model import Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.signals.sizing import kelly_fraction, kelly_statistics
from alphaforge.statistics.intervals import wilson_lower_bound

PLAIN = Regime.TRENDING_UP_LOW  # multiplier 1.2
REGIMES = st.sampled_from(list(Regime))
RESULTS = st.lists(st.floats(-3, 5), max_size=80)


def test_wilsons_bound_by_hand() -> None:
    # 30 of 50 at 90 %: (0.6 + z2/100 - z sqrt(0.24/50 + z2/10000)) / (1 + z2/50) with z = 1.6449, z2 = 2.7055
    assert wilson_lower_bound(30, 50, 0.90) == pytest.approx(0.483753, abs=1e-6)
    assert wilson_lower_bound(0, 50, 0.90) == 0.0
    assert wilson_lower_bound(0, 0, 0.90) == 0.0
    assert wilson_lower_bound(50, 50, 0.90) == pytest.approx(0.948667, abs=1e-6)


def test_kelly_by_hand() -> None:
    results = [2.0, 2.0, 2.0, -1.0, -1.0] * 10  # 30 of 50 won, b = 2
    bound = wilson_lower_bound(30, 50, 0.90)
    full = bound - (1 - bound) / 2
    assert full == pytest.approx(0.225629, abs=1e-6)
    assert kelly_fraction(results, Regime.RANGING_HIGH) == pytest.approx(full / 4 * 0.5)
    assert kelly_fraction(results, Regime.TRANSITIONAL) == 0.03  # 0.0338, above the ceiling


@pytest.mark.parametrize("count", [0, 1, 19])
def test_before_twenty_results_the_risk_is_two_percent(count: int) -> None:
    for regime in Regime:
        assert kelly_fraction([-1.0] * count, regime) == 0.02


def test_twenty_results_are_enough() -> None:
    assert kelly_fraction([-1.0] * 20, PLAIN) == 0.005


def test_without_an_edge_the_risk_is_the_floor() -> None:
    assert kelly_fraction([2.0, -1.0, -1.0] * 16, PLAIN) == 0.005


def test_without_a_loss_the_share_alone_counts() -> None:
    tiny = DEFAULT_SETTINGS.kelly_share * DEFAULT_SETTINGS.multiplier(PLAIN)
    assert tiny * wilson_lower_bound(50, 50, 0.9) > 0.03
    assert kelly_fraction([1.0] * 50, PLAIN) == 0.03


def test_only_the_newest_fifty_results_count() -> None:
    assert kelly_fraction([5.0] * 100 + [-1.0] * 50, PLAIN) == 0.005
    assert kelly_fraction([-1.0] * 100 + [2.0] * 40 + [-1.0] * 10, PLAIN) == 0.03


def test_a_result_of_zero_is_neither_won_nor_lost_but_counts() -> None:
    figures = kelly_statistics([2.0, 0.0, -1.0, 0.0])
    assert (figures.win_rate, figures.avg_win, figures.avg_loss, figures.trade_count) == (0.25, 2.0, 1.0, 4)


def test_statistics_by_hand() -> None:
    figures = kelly_statistics([2.0, 1.0, -1.0, -0.5])
    assert (figures.win_rate, figures.avg_win, figures.avg_loss) == (0.5, 1.5, 0.75)
    assert (figures.win_loss_ratio, figures.recommended_risk, figures.trade_count) == (2.0, 0.02, 4)


def test_statistics_of_nothing_are_zero_and_the_default() -> None:
    figures = kelly_statistics([])
    assert (figures.win_rate, figures.avg_win, figures.avg_loss, figures.win_loss_ratio) == (0.0, 0.0, 0.0, 0.0)
    assert (figures.recommended_risk, figures.trade_count) == (0.02, 0)


def test_a_ratio_without_losses_is_not_invented() -> None:
    assert kelly_statistics([1.0, 2.0]).win_loss_ratio is None


@given(RESULTS, REGIMES)
def test_the_risk_stays_between_floor_and_ceiling(results: list[float], regime: Regime) -> None:
    assert 0.005 <= kelly_fraction(results, regime) <= 0.03


@given(st.lists(st.floats(-3, 5), min_size=20, max_size=50), REGIMES)
def test_a_loss_in_place_of_a_win_never_raises_the_risk(results: list[float], regime: Regime) -> None:
    worse = [-max(abs(r), 1e-3) if r == max(results) else r for r in results]
    average_loss = [-r for r in results if r < 0]
    if average_loss and max(results) > 0 and abs(max(results)) >= sum(average_loss) / len(average_loss):
        assert kelly_fraction(worse, regime) <= kelly_fraction(results, regime)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_bound_lies_below_the_share(wins: int, others: int) -> None:
    count = wins + others
    bound = wilson_lower_bound(wins, count, 0.90)
    assert 0.0 <= bound <= (wins / count if count else 0.0)
