"""What the evaluations of a stretch of time came to, counted anew only where the count may be another."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.tables import rejections, signals

_NOUNS = ("trading_signals", "rejections")


@dataclass(frozen=True, slots=True)
class EvaluationCounts:
    """How many evaluations became signals, how many each filter refused, and how many were made in each regime."""

    signals: int
    reasons: Mapping[str, int]
    regimes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Counted:
    """Counts from `since` on, of these generations of the tables; from behind `oldest` on they would be others."""

    counts: EvaluationCounts
    generations: tuple[int, ...]
    since: float
    oldest: float


@dataclass(slots=True)
class EvaluationTally:
    """Counts evaluations, and remembers the last count for as long as it is exact."""

    database: Database
    _last: _Counted | None = None

    async def since(self, moment: float) -> EvaluationCounts:
        """The counts of what was decided at or after a moment (epoch seconds)."""
        freshness = self.database.freshness
        is_known = freshness.is_certain() or await freshness.ascertain()
        generations = tuple(self.database.commits.generation(noun) for noun in _NOUNS)
        last = self._last
        if is_known and last is not None and last.generations == generations and last.since <= moment <= last.oldest:
            return last.counts
        async with self.database.read() as connection:
            counts, oldest = await _count(connection, moment)
        self._last = _Counted(counts, generations, moment, oldest)
        return counts


async def _count(connection: AsyncConnection, since: float) -> tuple[EvaluationCounts, float]:
    """The counts, and the moment of the oldest evaluation among them."""
    made: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    regimes: Counter[str] = Counter()
    oldest = math.inf
    of_signals = (
        select(signals.c.regime, func.count(), func.min(signals.c.timestamp))
        .where(signals.c.origin == "strategy", signals.c.timestamp >= since)
        .group_by(signals.c.regime)
    )
    for regime, count, first in (await connection.execute(of_signals)).all():
        made[regime] += count
        oldest = min(oldest, first)
    of_rejections = (
        select(rejections.c.reason, rejections.c.regime, func.count(), func.min(rejections.c.decided_at))
        .where(rejections.c.decided_at >= since)
        .group_by(rejections.c.reason, rejections.c.regime)
    )
    for reason, regime, count, first in (await connection.execute(of_rejections)).all():
        reasons[reason] += count
        regimes[regime] += count
        oldest = min(oldest, first)
    return EvaluationCounts(made.total(), reasons, regimes + made), oldest
