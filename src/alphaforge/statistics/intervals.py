"""How far a measured share may be from the true one."""

from functools import lru_cache
from math import sqrt
from statistics import NormalDist


def wilson(wins: int, n: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """The two-sided Wilson score interval of a share, None where nothing was counted.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 1927.
    """
    if not n:
        return None
    return wilson_lower_bound(wins, n, confidence), 1.0 - wilson_lower_bound(n - wins, n, confidence)


def wilson_lower_bound(wins: int, count: int, confidence: float) -> float:
    """The lower end of the two-sided Wilson score interval of a share, 0 where nothing was counted.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 1927.
    """
    if not count:
        return 0.0
    z = _deviations(confidence)
    share = wins / count
    centre = share + z * z / (2 * count)
    reach = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return min(share, max(0.0, (centre - reach) / (1 + z * z / count)))  # at 0 of n the last digit would say more


@lru_cache(maxsize=16)
def _deviations(confidence: float) -> float:
    """How many standard deviations hold a normal distribution with this confidence."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)
