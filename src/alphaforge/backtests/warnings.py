"""What a reader must know before the figures: what of the period they lack, and what they were not held against."""

from collections.abc import Mapping
from typing import Any, Final

from alphaforge.core.times import rfc3339

_LATE: Final = 4 * 86_400
"""Seconds of a late beginning, or an early end, that no weekend with a holiday explains."""

_LACKING: Final = 0.02
"""The share of candles of an open market that may lack without a word: quiet minutes have none."""

_UNSETTLED: Final = 0.02
"""The share of trades that may touch both levels in one candle without a word."""


def warnings_of(segment: Mapping[str, Any]) -> list[str]:
    """The warnings of a run's segment, or of several joined; none where there is nothing to warn of."""
    return [*_period(segment), *_history(segment), *_trades(segment)]


def _period(segment: Mapping[str, Any]) -> list[str]:
    found = []
    first, last = segment["periods"][0][0], segment["periods"][-1][1]
    if first - segment["start"] > _LATE:
        found.append(
            f"The first candle that could be evaluated began on {_moment(first)}: before it there were too few to warm "
            "up with."
        )
    if segment["end"] - last > _LATE:
        found.append(f"The last candle that there is closed on {_moment(last)}.")
    return found


def _history(segment: Mapping[str, Any]) -> list[str]:
    since = f"{rfc3339(segment['start'])[:10]}T00:00:00Z"
    return [
        f"{name}: {history['missing']:,} of {history['expected']:,} candles of the open market are missing. "
        f"`alphaforge candles download {name} --from {since}` fetches them."
        for name, history in segment["history"].items()
        if history["missing"] > _LACKING * history["expected"]
    ]


def _trades(segment: Mapping[str, Any]) -> list[str]:
    found = []
    ambiguous, trades = sum(segment["trades"]["ambiguous"]), len(segment["trades"]["ambiguous"])
    if ambiguous > _UNSETTLED * trades:
        found.append(
            f"{ambiguous:,} of {trades:,} trades touched both levels in one candle and were settled against the trade."
        )
    if segment["controls"] is None:
        found.append("This run was held against no controls.")
    return found


def _moment(seconds: float) -> str:
    return f"{rfc3339(seconds)[:16].replace('T', ' ')} UTC"
