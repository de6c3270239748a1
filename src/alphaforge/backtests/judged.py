"""What the controls say of a run: how many random entries did as well, what the spread cost, what holding brought."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alphaforge.backtests.controls import Controls, Held
from alphaforge.core.candles import Floats
from alphaforge.statistics.figures import plain, statistics_of

_BINS = 30


def judged(controls: Controls, r: Floats) -> dict[str, Any]:
    """The controls beside the run's own trades, `r`: their R-multiples before financing."""
    return {
        "random": _random(controls, r),
        "without_spread": _without_spread(controls),
        "held": _holding(controls.held),
    }


def _random(controls: Controls, r: Floats) -> dict[str, Any]:
    random = controls.random
    lost = -float(np.minimum(r, 0).sum())
    factor = float(np.maximum(r, 0).sum()) / lost if lost else None
    return {
        "seeds": len(random.trades),
        "trades": float(random.trades.mean()) if len(random.trades) else 0.0,
        "expectancy_r": _beside(random.expectancy, float(r.mean()) if len(r) else None),
        "profit_factor": _beside(random.profit_factor, factor),
    }


def _beside(drawn: Floats, own: float | None) -> dict[str, Any]:
    """Where a figure lies among those of the random entries, and how these are spread.

    `as_well`: the share of seeds that did at least as well; `p`: (1 + their number) / (1 + all), the p-value of a test
    with random draws: B. Phipson and G. Smyth, Permutation P-values Should Never Be Zero, 2010.
    """
    known = drawn[np.isfinite(drawn)]
    if not len(known) or own is None:
        return dict.fromkeys(("own", "mean", "low", "median", "high", "as_well", "p", "edges", "counts"), None) | {
            "own": own
        }
    as_well = int(np.count_nonzero(known >= own))
    counts, edges = np.histogram(known, bins=_BINS)
    low, median, high = np.quantile(known, (0.025, 0.5, 0.975)).tolist()
    return {
        "own": own,
        "mean": float(known.mean()),
        "low": low,
        "median": median,
        "high": high,
        "as_well": as_well / len(known),
        "p": (1 + as_well) / (1 + len(known)),
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def _without_spread(controls: Controls) -> dict[str, Any]:
    found = plain(statistics_of(controls.without_spread))
    return {
        "trades": found["counts"]["trades"],
        "net_r": found["r"]["total"],
        "expectancy_r": found["r"]["expectancy"],
        "profit_factor": found["r"]["profit_factor"],
    }


def _holding(held: Mapping[str, Held]) -> dict[str, Any]:
    """Return and deepest fall of each instrument, and of equal parts of the money in each, from day to day."""
    known = {name: one for name, one in held.items() if one.bought is not None}
    return {
        "instruments": {name: _held(one) for name, one in known.items()},
        "together": _together(list(known.values())) if len(known) > 1 else None,
    }


def _held(one: Held) -> dict[str, float]:
    peak, deepest = 0.0, 0.0
    for low, high, fall in zip(one.low, one.high, one.fall, strict=True):
        deepest = max(deepest, fall, (peak - low) / peak if peak else 0.0)
        peak = max(peak, high)
    return {"return": one.close[-1] / (one.bought or 1.0) - 1, "max_drawdown": -deepest}


def _together(parts: list[Held]) -> dict[str, float]:
    days = sorted({day for one in parts for day in one.day})
    worth = np.zeros(len(days))
    for one in parts:
        place = np.searchsorted(one.day, days, side="right") - 1
        path = np.concatenate(([1.0], np.array(one.close) / (one.bought or 1.0)))
        worth += path[place + 1] / len(parts)
    path = np.concatenate(([1.0], worth))
    peak = np.maximum.accumulate(path)
    return {"return": float(path[-1]) - 1, "max_drawdown": float(((path - peak) / peak).min())}
