"""Histories that several tests look at; they are values, so they are made once."""

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.signals.analysis import Analysis, analyse
from builders import GBP_USD, USD_JPY, XAU_USD, real_candles, walk


@pytest.fixture(scope="session")
def histories() -> dict[str, CandleSeries]:
    """Seeded M5 candles of three instruments, enough to be warm for some 3,500 of them."""
    return {one.name: walk(one, 15_500, seed=seed) for seed, one in enumerate((GBP_USD, USD_JPY, XAU_USD), 40)}


@pytest.fixture(scope="session")
def analyses(histories: dict[str, CandleSeries]) -> dict[str, Analysis]:
    return {name: analyse(series) for name, series in histories.items()}


@pytest.fixture(scope="session")
def real() -> dict[str, CandleSeries]:
    candles = real_candles()
    if not candles:
        pytest.skip("No recorded candles here: set ALPHAFORGE_REAL_CANDLES to a folder with GBP_USD_M5.parquet")
    return candles
