"""Candle lengths, by OANDA's names, and the arithmetic of their buckets."""

from enum import StrEnum


class Granularity(StrEnum):
    """The candle lengths that AlphaForge computes with. Buckets are floors of UTC time."""

    S5 = "S5"
    M1 = "M1"
    M5 = "M5"
    M15 = "M15"
    H1 = "H1"

    @property
    def seconds(self) -> int:
        """The length of a candle in seconds."""
        return _SECONDS[self]

    def floor(self, moment: float) -> int:
        """The start of the bucket that `moment` (epoch seconds) falls into."""
        return int(moment // self.seconds) * self.seconds


_SECONDS = {
    Granularity.S5: 5,
    Granularity.M1: 60,
    Granularity.M5: 300,
    Granularity.M15: 900,
    Granularity.H1: 3600,
}
