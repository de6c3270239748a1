"""What the stored candles of a period lack: buckets in which the market traded and no candle is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from alphaforge.core.candles import CandleSeries, Ints
from alphaforge.core.market_hours import MarketHours
from alphaforge.core.times import rfc3339

_LISTED: Final = 20
_WORTH_LISTING: Final = 3
"""Empty buckets in a row; one or two are a quiet minute, not a hole in the history."""


@dataclass(frozen=True, slots=True)
class Gap:
    """`missing` candles between two moments (epoch seconds), times when the market is closed not counted."""

    start: int
    end: int
    missing: int


@dataclass(frozen=True, slots=True)
class History:
    """What there is of a period: `candles` of the `expected`, and the gaps of three candles and more, longest first."""

    candles: int
    expected: int
    missing: int
    gaps: tuple[Gap, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: the twenty longest gaps, and how many there are."""
        return {
            "candles": self.candles,
            "expected": self.expected,
            "missing": self.missing,
            "gap_count": len(self.gaps),
            "gaps": [
                {"from": rfc3339(gap.start), "to": rfc3339(gap.end), "missing": gap.missing}
                for gap in self.gaps[:_LISTED]
            ],
        }


def history_of(series: CandleSeries, hours: MarketHours, start: float, end: float) -> History:
    """What the series has of the buckets that close after `start` and by `end` (epoch seconds) in an open market."""
    seconds = series.granularity.seconds
    first, last = int(start // seconds) * seconds, int(end // seconds) * seconds
    buckets = np.arange(first, last, seconds, dtype=np.int64)
    trading = buckets[hours.open_at(buckets)] if len(buckets) else buckets
    kept = series.time[np.searchsorted(series.time, first) : np.searchsorted(series.time, last)]
    lacking = ~np.isin(trading, kept, assume_unique=True)
    return History(
        candles=len(kept),
        expected=len(trading),
        missing=int(np.count_nonzero(lacking)),
        gaps=_gaps(trading, lacking.astype(np.int8), seconds),
    )


def _gaps(trading: Ints, lacking: np.typing.NDArray[np.int8], seconds: int) -> tuple[Gap, ...]:
    """Runs of lacking buckets, the longest first, the older first of equals."""
    edges = np.diff(lacking, prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    gaps = [
        Gap(int(trading[begin]), int(trading[end - 1]) + seconds, int(end - begin))
        for begin, end in zip(begins, ends, strict=True)
        if end - begin >= _WORTH_LISTING
    ]
    return tuple(sorted(gaps, key=lambda gap: (-gap.missing, gap.start)))


def joined_histories(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `History.to_dict` said of periods that follow each other, as one."""
    gaps = sorted((gap for part in parts for gap in part["gaps"]), key=lambda gap: -gap["missing"])
    counts = ("candles", "expected", "missing", "gap_count")
    return {**{name: sum(part[name] for part in parts) for name in counts}, "gaps": gaps[:_LISTED]}
