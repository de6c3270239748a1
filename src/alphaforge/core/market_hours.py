"""When an instrument trades: New York's week, its daily break, and known closures."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Ints
from alphaforge.core.errors import InvalidSetting
from alphaforge.core.zones import NEW_YORK, offsets

_DAY = 86_400
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_MINUTES_A_DAY = 1_440


@dataclass(frozen=True, slots=True)
class MarketHours:
    """A trading week that ends on Friday at the daily break and begins on Sunday at its end.

    `break_start`, `break_end`: minutes after midnight in New York. `closures`: (start, end) in epoch seconds,
    for holidays. Source: OANDA's published hours, see docs/glossary.md.
    """

    break_start: int
    break_end: int
    closures: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.break_start <= self.break_end < _MINUTES_A_DAY:
            message = f"A daily break from minute {self.break_start} to {self.break_end} is impossible"
            raise InvalidSetting(message, advice="Give minutes after midnight in New York, start before end.")

    def is_open(self, moment: float) -> bool:
        """Whether the market trades at `moment` (epoch seconds)."""
        return bool(self.open_at(np.array([int(moment)], np.int64))[0])

    def open_at(self, moments: Ints) -> npt.NDArray[np.bool_]:
        """Whether the market trades at each of `moments` (int64 (n,), epoch seconds)."""
        local = moments + offsets(moments, NEW_YORK)
        weekday = (local // _DAY + 3) % 7  # 1970-01-01 was a Thursday
        minute = local % _DAY // 60
        weekend = (
            (weekday == _SATURDAY)
            | ((weekday == _FRIDAY) & (minute >= self.break_start))
            | ((weekday == _SUNDAY) & (minute < self.break_end))
        )
        closed: npt.NDArray[np.bool_] = weekend | ((minute >= self.break_start) & (minute < self.break_end))
        for start, end in self.closures:
            closed |= (moments >= start) & (moments < end)
        return ~closed

    def next_open(self, moment: float) -> int:
        """The first full minute at or after `moment` in which the market trades, within ten days.

        Raises InvalidSetting where the closures leave none.
        """
        minutes = int(moment + 59) // 60 * 60 + np.arange(0, 10 * _DAY, 60, dtype=np.int64)
        trading = self.open_at(minutes)
        if not trading.any():
            message = "These market hours never open"
            raise InvalidSetting(message)
        return int(minutes[int(np.argmax(trading))])

    def next_close(self, moment: float) -> int:
        """The first full minute after `moment` in which the market does not trade: every week has one."""
        minutes = int(moment) // 60 * 60 + np.arange(60, 8 * _DAY, 60, dtype=np.int64)
        return int(minutes[int(np.argmin(self.open_at(minutes)))])


FOREX_HOURS = MarketHours(16 * 60 + 58, 17 * 60 + 3)
METAL_HOURS = MarketHours(17 * 60, 18 * 60)

DEFAULT_HOURS: MappingProxyType[str, MarketHours] = MappingProxyType({"XAU_USD": METAL_HOURS, "XAG_USD": METAL_HOURS})


def hours_of(instrument: str) -> MarketHours:
    """The default hours of an instrument: metals have theirs, all others trade as forex."""
    return DEFAULT_HOURS.get(instrument, FOREX_HOURS)
