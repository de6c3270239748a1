"""How values of one kind are spread: counted in buckets so narrow that every quantile is right within 1.1 %."""

import math
from dataclasses import dataclass, field
from math import ceil, log2
from typing import Self

STEPS = 32
"""Buckets between a value and its double; the upper edge of bucket `i` is 2 ** (i / STEPS), and belongs to it."""

_SMALLEST, _LARGEST = -30 * STEPS, 40 * STEPS
"""A nanosecond where seconds are counted, a tebibyte where bytes are: so there are never more than 2,241 buckets."""


@dataclass(slots=True)
class Distribution:
    """`count` values that are `total` together, the `largest` of them, and how many lie in each bucket.

    Values are of any unit; what is not above 0, as where a clock jumped, counts as 0 and lies in the lowest bucket.
    """

    count: int = 0
    total: float = 0.0
    largest: float = 0.0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, value: float, times: int = 1) -> None:
        """Count a value, or several equal ones."""
        if value > 0:
            edge = log2(value) * STEPS
            bucket = ceil(edge) if _SMALLEST < edge < _LARGEST else _SMALLEST if edge < 0 else _LARGEST
            self.total += value * times
            if value > self.largest:  # noqa: PLR1730 - every answer and statement passes here, and `max` costs a call
                self.largest = value
        else:
            bucket = _SMALLEST
        self.count += times
        buckets = self.buckets
        if bucket in buckets:
            buckets[bucket] += times
        else:
            buckets[bucket] = times

    def merge(self, other: "Distribution") -> None:
        """Count what another has counted, too."""
        self.count += other.count
        self.total += other.total
        self.largest = max(self.largest, other.largest)
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def since(self, earlier: "Distribution") -> Self:
        """What was counted after an earlier copy of this was made; its `largest` is that of all."""
        gone = earlier.buckets
        buckets = {bucket: count - gone.get(bucket, 0) for bucket, count in self.buckets.items()}
        kept = {bucket: count for bucket, count in buckets.items() if count > 0}
        return type(self)(self.count - earlier.count, self.total - earlier.total, self.largest, kept)

    def copy(self) -> Self:
        """One of its own, that counts no further."""
        return type(self)(self.count, self.total, self.largest, dict(self.buckets))

    @property
    def mean(self) -> float | None:
        """None where nothing was counted."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """The value that this share (0 to 1) of all values does not exceed, by nearest rank; None without values."""
        if not self.count:
            return None
        rank, seen = max(1, math.ceil(share * self.count)), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(math.exp2((bucket - 0.5) / STEPS), self.largest)
        return self.largest

    def up_to(self, power: int) -> int:
        """How many values are not above 2 ** `power`."""
        return sum(count for bucket, count in self.buckets.items() if bucket <= power * STEPS)
