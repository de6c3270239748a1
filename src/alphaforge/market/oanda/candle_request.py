"""Which candles to ask for: OANDA's rules for count, from and to, kept before it is asked."""

from dataclasses import dataclass, replace

from alphaforge.core.errors import InvalidInput, MalformedAnswer
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339
from alphaforge.market.source import CandlePage

MOST = 5_000
"""The most candles that OANDA gives in an answer."""


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """A request for candles from `start` and before `end` (epoch seconds), or for `count` of them with one of the two.

    Raises InvalidInput for what OANDA would refuse.
    """

    instrument: str
    granularity: Granularity
    start: int | None = None
    end: int | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        whole_span = self.start is not None and self.end is not None
        if whole_span == (self.count is not None):
            raise InvalidInput("Candles are asked for by start and end, or by count with at most one of them")
        if self.count is not None and not 1 <= self.count <= MOST:
            raise InvalidInput(f"OANDA gives 1 to {MOST} candles at a time, not {self.count}")
        if self.start is not None and self.end is not None:
            candles = (self.end - self.start) / self.granularity.seconds
            if not 0 < candles <= MOST:
                raise InvalidInput(f"A span of {candles:g} candles cannot be asked for; 1 to {MOST} can")

    @property
    def what(self) -> str:
        """The request in words, for logs and errors."""
        return f"{self.granularity} candles of {self.instrument}"

    def parameters(self, now: float) -> dict[str, str]:
        """OANDA's query, with `to` no later than the market's `now`: OANDA refuses a time in the future."""
        query = {"price": "MBA", "granularity": str(self.granularity)}
        if self.count is not None:
            query["count"] = str(self.count)
        if self.start is not None:
            query["from"] = rfc3339(self.start)
        if self.end is not None:
            query["to"] = rfc3339(min(self.end, int(now)))
        return query

    def ahead_of(self, now: float) -> bool:
        """Whether all of it lies in the future, where there are no candles yet."""
        return self.start is not None and self.start >= now

    def open_ended(self) -> "CandleRequest":
        """The same without an end, for a broker whose clock is behind ours."""
        return replace(self, end=None, count=self.count or MOST)

    def checked(self, page: CandlePage) -> CandlePage:
        """The page without what lies at or after the end; raises MalformedAnswer where it answers another question."""
        closed, step = page.closed, self.granularity.seconds
        if self.count is not None and len(closed) > self.count:
            raise MalformedAnswer(f"OANDA sent more {self.what} than asked for")
        if len(closed) and self.start is not None and closed.time[0] < self.start - self.start % step:
            raise MalformedAnswer(f"OANDA sent {self.what} from before the time asked for")
        if self.end is None:
            return page
        forming = page.forming_start
        if forming is not None and forming >= self.end:
            forming = None
        within = closed.until(self.end + step - 1)  # a candle belongs to a span that holds its start
        return CandlePage(within, forming=forming is not None, forming_start=forming)
