"""Setting the market's clock by what answers say of the time."""

import math
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx2

from alphaforge.core.clock import MarketClock

_MARKET = re.compile(r"[a-z0-9-]{1,30}")
_STILL = 1e-9
"""The speed of a sandbox whose clock stands still: none, but for those who divide by it."""


@dataclass(slots=True)
class Timekeeper:
    """Sets `clock`. `sandboxed`: an answer said that it comes from a sandbox, `market` which of its markets it is."""

    clock: MarketClock
    sandboxed: bool
    market: str = ""

    def headers(self, headers: httpx2.Headers, elapsed: float) -> None:
        """What the headers of an answer that took `elapsed` seconds say: a sandbox's time and speed in any answer.

        Of OANDA's answers only those about prices carry its time to the point. Until the first of them, the date that
        every HTTP answer has will do: a machine's clock can be hours wrong.
        """
        if (sandbox := headers.get("Sandbox-Time")) is not None:
            self.sandboxed = True
            if _MARKET.fullmatch(market := headers.get("Sandbox-Market", "")):
                self.market = market
            time, speed = _number(sandbox), _number(headers.get("Sandbox-Speed", "1"))
            if time is not None and speed is not None:
                self.tell(time, elapsed, speed=speed or _STILL)
        elif not self.clock.observed and (date := headers.get("Date")):
            try:
                self.tell(parsedate_to_datetime(date).timestamp(), elapsed, resolution=1.0)
            except ValueError:
                return  # a date that is none says nothing; prices will

    def tell(self, time: float, elapsed: float, *, speed: float = 1.0, resolution: float = 0.0) -> None:
        """The answer, `elapsed` seconds under way, says that it was `time` when it was written.

        It was written at some moment of those seconds. A clock that shows a time within them may be right and is left
        alone: a slow answer must not set it back.
        """
        now = self.clock.now()
        right = 0 <= now - time <= (elapsed + resolution) * speed
        if not right:
            self.clock.observe(time, speed)
        elif not self.clock.observed or self.clock.speed != speed:
            self.clock.observe(now, speed)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
