import numpy as np
import pytest

from alphaforge.core.candles import Floats
from alphaforge.statistics.days import COLUMNS, Days
from alphaforge.statistics.estimates import edges, pace
from alphaforge.statistics.figures import statistics_of
from alphaforge.statistics.resampling import MINIMUM_DAYS, blocks, resampled
from statistics_builders import DAY, MONDAY, trades_of

RUNS = 1_000


def without_edge(draw: np.random.Generator, days: int, *, clustered: bool) -> tuple[Floats, Floats, Floats]:
    """Profit, loss and number of trades a day: a third of them wins twice what the others lose, so that PF is 1.

    Clustered: half of a day's trades share one outcome, as trades of one market do.
    """
    count = 1 + draw.poisson(2, days)
    day = np.repeat(np.arange(days), count)
    luck = draw.random(len(day))
    if clustered:
        luck = np.where(draw.random(len(day)) < 0.5, draw.random(days)[day], luck)
    won = luck < 1 / 3
    return np.bincount(day, 2.0 * won, days), -np.bincount(day, 1.0 * ~won, days), count.astype(np.float64)


def days_of(won: Floats, lost: Floats, count: Floats) -> Days:
    values = np.zeros((len(COLUMNS), len(won)))
    for name, column in (("profit", won), ("shortfall", lost), ("amounts", count), ("r_profit", won), ("rs", count)):
        values[COLUMNS.index(name)] = column
    return Days(np.arange(len(won)), values)


@pytest.mark.parametrize(("days", "clustered"), [(60, False), (250, True), (500, False)])
def test_trades_without_an_edge_are_said_to_have_none_in_95_of_100_runs(days: int, *, clustered: bool) -> None:
    draw = np.random.default_rng(days)
    factors = means = 0
    for _ in range(RUNS):
        edge, _ = edges(days_of(*without_edge(draw, days, clustered=clustered)))
        factors += edge.profit_factor[0] <= 1 <= edge.profit_factor[1]
        means += edge.expectancy[0] <= 0 <= edge.expectancy[1]
    assert factors / RUNS == pytest.approx(0.95, abs=0.02)
    assert means / RUNS == pytest.approx(0.95, abs=0.02)


def test_intervals_are_the_formula_resample_by_resample() -> None:
    draw = np.random.default_rng(8)
    won, lost, count = without_edge(draw, 25, clustered=True)
    returns, flat = draw.normal(0.001, 0.01, 25), draw.integers(0, 3, 25).astype(np.float64)

    def errors(columns: Floats) -> tuple[list[float], list[float]]:
        """Estimates of profit factor (log), mean, mean return and its ratio, and by the delta method their errors."""
        won, lost, count, x, n = columns
        log, mean = np.log(won.sum() / -lost.sum()), (won + lost).sum() / count.sum()
        slope = won / won.sum() - lost / lost.sum()
        rate, square = x.sum() / n.sum(), np.square(x).sum() / n.sum()
        deviation = np.sqrt(square - rate**2)
        by_rate, by_square = 1 / deviation + rate**2 / deviation**3, -rate / (2 * deviation**3)
        moved = by_rate * (x - rate * n) + by_square * (x**2 - square * n)
        parts = (slope, (won + lost - mean * count) / count.sum(), (x - rate * n) / n.sum(), moved / n.sum())
        return [log, mean, rate, rate / deviation], [float(np.sqrt(np.square(part).sum())) for part in parts]

    columns = np.stack((won, lost, count, returns, 1 + flat))
    weights = resampled(np.eye(25)).astype(np.int64)  # how often each day is drawn
    sample, error = errors(columns)
    drawn = [errors(np.repeat(columns, weights[:, one], axis=1)) for one in range(1, weights.shape[1])]
    t = np.sort([(np.array(e) - sample) / s for e, s in drawn], axis=0)
    low, high = sample - t[974] * error, sample - t[24] * error
    edge, speed = edges(days_of(won, lost, count))[0], pace(returns, flat)
    assert edge.profit_factor == pytest.approx(np.exp([low[0], high[0]]))
    assert edge.expectancy == pytest.approx([low[1], high[1]])
    assert speed.mean_return == pytest.approx([low[2], high[2]])
    assert speed.sharpe == pytest.approx(np.sqrt(252) * np.array([low[3], high[3]]))


def test_returns_without_an_edge_have_none_either() -> None:
    draw = np.random.default_rng(3)
    means = ratios = 0
    for _ in range(RUNS):
        found = pace(draw.normal(0, 0.01, 60), draw.integers(0, 2, 60).astype(np.float64))
        means += found.mean_return[0] <= 0 <= found.mean_return[1]
        ratios += found.sharpe[0] <= 0 <= found.sharpe[1]
    assert means / RUNS == pytest.approx(0.95, abs=0.02)
    assert ratios / RUNS == pytest.approx(0.95, abs=0.02)


def test_an_edge_that_is_there_is_found() -> None:
    draw = np.random.default_rng(4)
    won, lost, count = without_edge(draw, 500, clustered=False)
    edge, _ = edges(days_of(won * 1.5, lost, count))
    assert edge.profit_factor[0] > 1.2
    assert edge.expectancy[0] > 0.1


def test_trades_of_one_day_are_one_witness() -> None:
    draw = np.random.default_rng(5)
    won, lost, count = without_edge(draw, 60, clustered=False)
    one, _ = edges(days_of(won, lost, count))
    tenfold, _ = edges(days_of(won * 10, lost * 10, count * 10))  # the same days, each trade ten times
    assert tenfold.profit_factor == pytest.approx(one.profit_factor)
    assert tenfold.expectancy == pytest.approx(one.expectancy)


def test_the_same_days_have_the_same_interval_and_a_unit_changes_nothing() -> None:
    won, lost, count = without_edge(np.random.default_rng(6), 100, clustered=False)
    one, other = edges(days_of(won, lost, count))[0], edges(days_of(won * 1024, lost * 1024, count))[0]
    assert edges(days_of(won, lost, count))[0] == one
    assert other.profit_factor == pytest.approx(one.profit_factor, rel=1e-12)
    assert other.expectancy == pytest.approx([end * 1024 for end in one.expectancy])


def test_blocks_add_up_to_all_days_and_the_first_resample_is_the_sample() -> None:
    for days in (20, 24, 251, 2_600):
        columns = np.random.default_rng(days).integers(0, 100, (3, days)).astype(np.float64)
        parts = blocks(columns)
        assert parts.shape[1] <= 250
        assert parts.sum(axis=1).tolist() == columns.sum(axis=1).tolist()
        totals = resampled(parts)
        assert totals[:, 0].tolist() == columns.sum(axis=1).tolist()
        assert totals.mean(axis=1) == pytest.approx(totals[:, 0], rel=0.02)


def test_there_is_no_interval_where_there_is_too_little_for_one() -> None:
    def figures(amounts: list[float], balance: float = 1000) -> list[tuple[float | None, float | None]]:
        closed = (MONDAY + DAY * np.arange(len(amounts))).tolist()
        found = statistics_of(trades_of(amounts, closed=closed), balance=balance)
        factor, mean, daily = found.money.profit_factor, found.money.expectancy, found.daily.sharpe
        return [(one.low, one.high) for one in (factor, mean, daily)]

    nothing = (None, None)
    assert figures([2.0, -1.0, 3.0] * 6) == [nothing] * 3  # 18 days
    assert nothing not in figures([2.0, -1.0, 3.0] * 7)
    assert figures([1.0] * MINIMUM_DAYS)[0] == nothing  # never lost
    assert figures([-1.0] * MINIMUM_DAYS)[0] == nothing  # never won
    assert figures([2.0, 1.0] * 15 + [-1.0])[0] == nothing  # a third of the resamples lost nothing
    assert figures([0.0] * MINIMUM_DAYS) == [nothing] * 3
