"""What is screened of a whole history at once is what `decide` says of each of its candles."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.signals.analysis import Analysis, analyse
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Decision, Direction, FilterName, Regime
from alphaforge.signals.screening import NONE, Screened, screen
from alphaforge.signals.settings import StrategySettings
from builders import GBP_USD, walk

SIDES = {None: 0, Direction.BUY: 1, Direction.SELL: -1}
QUICK = {"minimum_candles": 60, "volatility_window": 50}
"""Settings by which a short history is warm, so that a property may look at many."""

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "minimum_votes": st.floats(0, 4),
        "minimum_agreement": st.sampled_from((0.0, 1 / 3, 0.5, 2 / 3, 1.0)),
        "minimum_strength": st.floats(0, 60),
        "minimum_adx": st.floats(0, 50),
        "minimum_volatility": st.floats(0, 5e-4),
        "maximum_volatility": st.floats(6e-4, 2e-3),
        "maximum_spread_share": st.floats(0, 1),
        "stop_atr": st.floats(0.5, 3),
        "maximum_age": st.floats(0, 600),
        "untraded": st.lists(st.sampled_from(tuple(Regime)), unique=True).map(tuple),
        "leaning": st.sampled_from((0.0, 0.5, 1.0)),
    },
)


def decided(analysis: Analysis, row: int, *, market_open: bool) -> Decision:
    series = analysis.series
    as_of = float(series.time[row] + 300)
    return decide(analysis, row, Context(as_of, market_open, {}, None, (), FALLBACK_INSTRUMENTS[series.instrument]))


def differing(analysis: Analysis, screened: Screened, market_open: Any, rows: list[int]) -> list[int]:
    """The rows of which `decide` says anything else."""
    found = []
    for row in rows:
        one, at = decided(analysis, row, market_open=bool(market_open[row - analysis.first])), row - analysis.first
        reason = None if screened.reason[at] == NONE else tuple(FilterName)[screened.reason[at]]
        if (one.reason, SIDES[one.direction]) != (reason, screened.direction[at]):
            found.append(row)
    return found


def uneven(seed: int, count: int = 2_000) -> CandleSeries:
    """A walk whose spreads and moves vary widely, and which stands still for a while."""
    dice = np.random.default_rng(seed)
    columns = [column.copy() for column in walk(GBP_USD, count, seed=seed).columns()]
    half = dice.choice([0.0, 0.5e-5, 6e-5, 2e-4], count) * dice.uniform(0.9, 1.1, count)
    start = int(dice.integers(count - 200))
    for mid in columns[1:5]:
        mid[start : start + 200] = columns[4][start]
    columns[5:13] = [mid + sign * half for sign in (-1, 1) for mid in columns[1:5]]
    return series_from_columns("GBP_USD", Granularity.M5, columns)


@given(seed=st.integers(0, 10_000), changes=SETTINGS)
def test_each_candle_is_screened_as_it_is_decided(seed: int, changes: dict[str, Any]) -> None:
    analysis = analyse(uneven(seed), StrategySettings(**QUICK, **changes))
    market_open = np.random.default_rng(seed).random(2_000) < 0.9
    rows = np.flatnonzero(analysis.warm)
    assert len(rows) > 1_000
    some = np.random.default_rng(seed).choice(rows, 60, replace=False).tolist()
    assert differing(analysis, screen(analysis, market_open), market_open, some) == []


def test_the_candles_that_are_screened_here_fail_by_every_filter_but_an_old_candle() -> None:
    found: set[int] = set()
    for changes in ({}, {"minimum_votes": 0.3, "minimum_agreement": 0.3}, {"minimum_strength": 40.0}):
        analysis = analyse(uneven(1), StrategySettings(**QUICK, **changes))
        market_open = np.random.default_rng(1).random(2_000) < 0.9
        found.update(screen(analysis, market_open).reason[analysis.warm].tolist())
    assert found == {NONE, *range(1, 9)}


@pytest.mark.parametrize("name", ["GBP_USD", "USD_JPY", "XAU_USD"])
def test_every_candle_of_a_history_is_screened_as_it_is_decided(name: str, analyses: dict[str, Analysis]) -> None:
    analysis = analyses[name]
    market_open = np.ones(len(analysis.series), bool)
    screened = screen(analysis, market_open)
    rows = np.flatnonzero(analysis.warm)[::4].tolist()
    assert differing(analysis, screened, market_open, rows) == []
    assert screened.candidates[analysis.warm].any()


@pytest.mark.parametrize("name", ["GBP_USD", "USD_JPY", "XAU_USD"])
def test_recorded_candles_are_screened_as_they_are_decided(name: str, real: dict[str, CandleSeries]) -> None:
    analysis = analyse(real[name])
    market_open = np.ones(len(analysis.series), bool)
    rows = np.flatnonzero(analysis.warm)[::20].tolist()
    assert differing(analysis, screen(analysis, market_open), market_open, rows) == []


def test_market_hours_of_other_rows_are_refused(analyses: dict[str, Analysis]) -> None:
    with pytest.raises(InvalidInput, match="Market hours"):
        screen(analyses["GBP_USD"], np.ones(3, bool))
