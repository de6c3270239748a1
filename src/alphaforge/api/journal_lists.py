"""The journal page by page: filters, fields, and where the next page begins."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from alphaforge.api.journal_body import ENTRY_CHOICE, entry_bodies
from alphaforge.api.listing import CursorOf, Fields, PageQuery, cursor_text, link_to, part_list
from alphaforge.api.parameters import LARGEST_ID, Asked, From, Text, To, TradingDay, clean_text, most_of
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import journal as shapes
from alphaforge.api.schemas.common import AnyCase, words
from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.signals.model import Direction
from alphaforge.statistics.calendar import span_of_trading_day
from alphaforge.storage.journal import EntryCriteria, JournalRepository

_EPOCH = date(1970, 1, 1)

SymbolFilter = Annotated[
    str | None, Query(max_length=40, description="As it was written, or any spelling of an instrument.")
]
TypeFilter = Annotated[
    Direction | None, AnyCase, words(*Direction), Query(alias="type", description="BUY or SELL; also as `direction`.")
]
DirectionFilter = Annotated[
    Direction | None, AnyCase, words(*Direction), Query(description="The same as `type`, as signals call it.")
]
OutcomeFilter = Annotated[
    shapes.TradeOutcome | None, AnyCase, words(*shapes.TradeOutcome), Query(description="WIN, LOSS or BREAKEVEN.")
]
SessionFilter = Annotated[
    shapes.Session | None,
    AnyCase,
    words(*shapes.Session),
    Query(description="ASIAN, LONDON, NEW_YORK or OVERLAP."),
]
SetupFilter = Annotated[Text | None, Query(max_length=100, description="The whole setup, in any case.")]
TagFilter = Annotated[Text | None, Query(max_length=100, description="One of the tags, in any case.")]

SignalFilter = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="The signal that they follow.")]

ClosedOn = Annotated[
    TradingDay,
    Query(description="The trading day on which they closed, as `/api/journal/calendar` has it: YYYY-MM-DD."),
]


class EntryFilters(BaseModel):
    """Which entries; `from` and `to` are of their opening."""

    symbol: SymbolFilter = None
    trade_type: TypeFilter = None
    direction: DirectionFilter = None
    outcome: OutcomeFilter = None
    session: SessionFilter = None
    start: From = None
    end: To = None
    setup: SetupFilter = None
    tag: TagFilter = None
    signal_id: SignalFilter = None
    closed_on: ClosedOn = None

    def criteria(self) -> EntryCriteria:
        """What restricts the list; raises InvalidInput naming what would be accepted."""
        if self.trade_type is not None and self.direction not in (None, self.trade_type):
            message = "type and direction mean the same: give one of them"
            raise InvalidInput(message)
        return EntryCriteria(
            symbols=spellings_of(self.symbol),
            trade_type=self.trade_type or self.direction,
            outcome=self.outcome,
            session=self.session,
            start=self.start,
            end=self.end,
            setup=self.setup,
            tag=self.tag,
            signal_id=self.signal_id,
            closed=None if self.closed_on is None else span_of_trading_day((self.closed_on - _EPOCH).days),
        )


class EntryQuery(EntryFilters, PageQuery):
    """A page of the list of entries."""

    fields: Fields = "full"
    include: Annotated[str | None, part_list("include", ENTRY_CHOICE)] = None
    exclude: Annotated[str | None, part_list("exclude", ENTRY_CHOICE)] = None

    def criteria(self) -> EntryCriteria:
        """The same, behind the place where the page begins."""
        place = self.behind(CursorOf.JOURNAL)
        return replace(super().criteria(), behind=place and place[1])


ENTRY_PARAMETERS = documented(EntryQuery)


def spellings_of(symbol: str | None) -> tuple[str, ...]:
    """How the journal may have written a symbol: in the spellings of its instrument, or as it was typed."""
    if symbol is None:
        return ()
    written = clean_text(symbol).strip().upper()
    try:
        one = Instrument(instrument_name(written))
    except UnknownInstrument:
        return (written,)
    return tuple(sorted({written, one.name, one.symbol, one.short_symbol, one.name.replace("_", "/")}))


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of entries, where the next one begins, how many there are in the journal, the link to the next."""

    entries: list[object]
    next: str | None
    stored: int
    headers: dict[str, str] | None


async def listed_entries(
    request: Request, services: Asked, query: Annotated[EntryQuery, Depends(query_of(EntryQuery))]
) -> Listed:
    """The page that was asked for; without `limit` and `cursor` the whole journal, as far as a page may be."""
    columns = ENTRY_CHOICE.columns(query.fields, query.include, query.exclude)
    criteria, limit = query.criteria(), query.size_or_whole(most_of(request))
    async with services.database.read() as connection:
        page = await JournalRepository(connection).listed(criteria, columns=columns, skip=query.skip, limit=limit)
    behind = cursor_text(CursorOf.JOURNAL, page.behind)
    return Listed(entry_bodies(page), behind, page.total or 0, link_to(request, behind))


AskedEntries = Annotated[Listed, Depends(listed_entries)]
