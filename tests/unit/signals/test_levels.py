import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.instruments import Instrument
from alphaforge.signals.levels import levels, levels_of_many
from alphaforge.signals.model import Direction, Levels
from alphaforge.signals.settings import DEFAULT_SETTINGS
from builders import GBP_USD, USD_JPY, XAU_USD


@pytest.mark.parametrize(
    ("instrument", "direction", "quote", "atr", "prices"),
    [
        (GBP_USD, Direction.BUY, (1.24990, 1.25000), 0.001, (1.25, 1.2485, 1.253)),
        (GBP_USD, Direction.SELL, (1.25000, 1.25010), 0.001, (1.25, 1.2515, 1.247)),
        (GBP_USD, Direction.BUY, (1.24990, 1.25000), 0.000333333, (1.25, 1.2495, 1.251)),
        (USD_JPY, Direction.BUY, (149.986, 150.000), 0.0777, (150.0, 149.883, 150.233)),
        (USD_JPY, Direction.SELL, (149.986, 150.000), 0.0777, (149.986, 150.103, 149.753)),
        (XAU_USD, Direction.BUY, (2_699.655, 2_700.005), 1.23456, (2_700.005, 2_698.153, 2_703.709)),
        (XAU_USD, Direction.SELL, (2_699.655, 2_700.005), 1.23456, (2_699.655, 2_701.507, 2_695.951)),
        # A quote with more decimals than the instrument shows is entered as shown.
        (USD_JPY, Direction.BUY, (149.98613, 150.00013), 0.1, (150.0, 149.85, 150.3)),
    ],
)
def test_levels_by_hand(
    instrument: Instrument,
    direction: Direction,
    quote: tuple[float, float],
    atr: float,
    prices: tuple[float, float, float],
) -> None:
    assert levels(direction, quote, atr, instrument, DEFAULT_SETTINGS) == Levels(direction, *prices)


@pytest.mark.parametrize("atr", [0.0, float("nan"), -1.0, float("inf")])
def test_where_nothing_moves_there_are_no_levels(atr: float) -> None:
    assert levels(Direction.BUY, (1.0, 1.1), atr, GBP_USD, DEFAULT_SETTINGS) is None


def test_a_target_below_zero_is_no_level() -> None:
    assert levels(Direction.SELL, (1.0, 1.1), 0.4, GBP_USD, DEFAULT_SETTINGS) is None


@given(
    instrument=st.sampled_from([GBP_USD, USD_JPY, XAU_USD, Instrument("EUR_HUF", -2, 0)]),
    direction=st.sampled_from(list(Direction)),
    bid=st.floats(1.0, 5_000.0),
    spread=st.floats(0.0, 1.0),
    share=st.floats(1e-9, 0.01),
)
def test_rounding_never_moves_a_level_to_the_wrong_side(
    instrument: Instrument, direction: Direction, bid: float, spread: float, share: float
) -> None:
    found = levels(direction, (bid, bid + spread), bid * share, instrument, DEFAULT_SETTINGS)
    if found is None:
        assert bid < 2  # an instrument without decimals at a price of 1: its stop would be 0
        return
    below, above = (found.stop, found.target) if direction is Direction.BUY else (found.target, found.stop)
    assert 0 < below < found.entry < above
    step = 10.0**-instrument.display_precision
    for level in (found.entry, found.stop, found.target):
        assert level == round(level, instrument.display_precision)
    assert abs(found.risk - max(1.5 * bid * share, step)) <= 0.51 * step + 1e-9


@given(
    instrument=st.sampled_from([GBP_USD, USD_JPY, XAU_USD, Instrument("EUR_HUF", -2, 0)]),
    proposals=st.lists(
        st.tuples(
            st.sampled_from([1.0, -1.0]),
            st.floats(1e-6, 5_000.0),
            st.floats(0.0, 1.0),
            st.one_of(st.floats(1e-9, 2_000.0), st.sampled_from([0.0, -1.0, float("nan"), float("inf")])),
        )
    ),
)
def test_many_proposals_get_to_the_bit_the_levels_that_each_gets_alone(
    instrument: Instrument, proposals: list[tuple[float, float, float, float]]
) -> None:
    sign, bid, spread, atr = np.array(proposals, np.float64).reshape(-1, 4).T
    found = np.stack(levels_of_many(sign, (bid, bid + spread), atr, instrument, DEFAULT_SETTINGS), axis=1).tolist()
    for (side, low, width, moves), prices in zip(proposals, found, strict=True):
        direction = Direction.BUY if side > 0 else Direction.SELL
        alone = levels(direction, (low, low + width), moves, instrument, DEFAULT_SETTINGS)
        assert repr(prices) == repr([float("nan")] * 3 if alone is None else [alone.entry, alone.stop, alone.target])
