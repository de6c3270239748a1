"""Fetch M5 candles of the market into the database, from far back if need be: a page at a time, each kept at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from alphaforge.core.granularity import Granularity
from alphaforge.market.source import CandleSource
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database

_M5 = Granularity.M5
_PAGE = 5_000 * _M5.seconds
"""What one request may span."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fetched:
    """How far it has come with an instrument: `pages` of its spans, their candles, and how many were new or changed."""

    pages: int = 0
    candles: int = 0
    changed: int = 0


Note = Callable[[AsyncConnection, Fetched], Awaitable[None]]
"""Writes down how far it has come, in the transaction that keeps the page."""


def spans_of(since: float, until: float) -> list[Span]:
    """Spans of at most 5,000 candles from the first full candle on, as epoch seconds; none where there is no time."""
    first = _M5.floor(since + _M5.seconds - 1)
    return [(at, min(at + _PAGE, int(until))) for at in range(first, int(until), _PAGE)]


async def download_candles(
    database: Database,
    source: CandleSource,
    instrument: str,
    spans: Sequence[Span],
    note: Note,
    *,
    begun: Fetched | None = None,
) -> Fetched:
    """Fetch the candles of these spans, from where it was `begun`; what is there already is replaced.

    Raises MarketError and StorageError; what is kept by then stays, and `note` knows how far it came.
    """
    done = begun or Fetched()
    for start, end in spans[done.pages :]:
        page = await source.candles(instrument, _M5, start=start, end=end)
        async with database.write("candles") as connection:
            changed = await CandleRepository(connection, source.name).take(page.closed)
            done = Fetched(done.pages + 1, done.candles + len(page.closed), done.changed + len(changed))
            await note(connection, done)
    return done
