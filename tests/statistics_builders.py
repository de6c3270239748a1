"""Trades for tests of figures: seeded ones, and by hand."""

from collections.abc import Sequence

import numpy as np

from alphaforge.statistics.trades import ResultClass, Trades

DAY = 86_400.0
MONDAY = 1_751_889_600.0  # 2025-07-07T12:00:00Z, 08:00 in New York


def trades_of(
    amounts: Sequence[float], *, closed: Sequence[float] | None = None, classes: Sequence[int] | None = None
) -> Trades:
    """Trades with these amounts, one an hour from Monday on; everything else that can be is derived from them."""
    amount = np.array(amounts, np.float64)
    times = np.array(closed, np.float64) if closed is not None else MONDAY + 3600.0 * np.arange(len(amount))
    unknown = np.full(len(amount), np.nan)
    kinds = np.where(np.isnan(amount), ResultClass.UNKNOWN, np.sign(amount)) if classes is None else np.array(classes)
    r = amount / 100
    return Trades(times - 600, times, amount, unknown, r, unknown, unknown, unknown, kinds.astype(np.int8))


def seeded(count: int, days: int, seed: int = 1) -> Trades:
    """Random trades over some days, a twentieth of each column unknown."""
    draw = np.random.default_rng(seed)
    closed = np.sort(MONDAY + draw.uniform(0, days * DAY, count))

    def holed(values: np.ndarray) -> np.ndarray:
        return np.where(draw.random(count) < 0.05, np.nan, values)

    r = np.where(draw.random(count) < 0.36, 2.0, -1.0) + draw.normal(0, 0.1, count)
    kinds = np.where(r > 0, int(ResultClass.WIN), int(ResultClass.LOSS))
    kinds = np.where(draw.random(count) < 0.1, draw.choice([0, 2, 3], count), kinds)
    return Trades(
        closed - draw.uniform(60, 14_400, count),
        closed,
        holed(r * 100),
        holed(np.abs(draw.normal(2, 0.5, count))),
        holed(r),
        holed(r * 15),
        holed(np.abs(draw.normal(10, 3, count))),
        holed(np.abs(draw.normal(12, 5, count))),
        kinds.astype(np.int8),
    )
