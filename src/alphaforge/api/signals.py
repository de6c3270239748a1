"""Signals: reading them."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.listing import (
    WHOLE,
    CursorOf,
    Fields,
    PageQuery,
    cursor_text,
    link_to,
    part_list,
)
from alphaforge.api.parameters import Asked, From, Id, Spelling, To, clean_text, day_of, full_hour, most_of
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import signals as shapes
from alphaforge.api.services import Services
from alphaforge.api.signal_body import (
    SIGNAL_CHOICE,
    Row,
    instrument_of,
    page_statistics,
    percent,
    signal_bodies,
    signal_body,
)
from alphaforge.core.errors import InvalidInput, NotFound, UnknownInstrument
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.signals.model import Direction, Status
from alphaforge.storage.signals import SignalCriteria, SignalRepository

router = APIRouter(tags=["signals"])

_NOTE = "For trade performance (win rate, PNL), see /api/journal/statistics"

StatusFilter = Annotated[
    str | None, Query(max_length=100, description="One or several, separated by commas.", examples=["WON,LOST"])
]
SymbolFilter = Annotated[str | None, Query(max_length=40, description="In any spelling.", examples=["GBPUSD"])]
DirectionFilter = Annotated[str | None, Query(max_length=10, description="BUY or SELL.", examples=["BUY"])]
Confidence = Annotated[
    float | None, Query(ge=0, le=100, allow_inf_nan=False, description="At least this confidence_score.")
]
Days = Annotated[int, Query(ge=1, le=36_500, description="How many days back.")]


def statuses_of(text: str | None) -> tuple[Status, ...]:
    """The statuses named in a filter; raises InvalidInput naming those there are."""
    words = [word.strip().upper() for word in clean_text(text).split(",")] if text else []
    accepted = [status.value for status in Status]
    for word in words:
        if word not in accepted:
            message = f"Invalid status: {word}. Valid: {accepted}"
            raise InvalidInput(message)
    return tuple(Status(word) for word in words)


def direction_of(text: str | None) -> Direction | None:
    """The side named in a filter; raises InvalidInput naming both."""
    if text is None:
        return None
    if text.strip().upper() not in list(Direction):
        message = "direction must be BUY or SELL"
        raise InvalidInput(message)
    return Direction(text.strip().upper())


def filtered_instrument(spelling: str | None) -> str | None:
    """A filter for an instrument nobody has finds nothing; one that cannot be a name is refused as input."""
    try:
        return None if spelling is None else instrument_name(clean_text(spelling))
    except UnknownInstrument as error:
        raise InvalidInput(error.message, advice=error.advice) from None


class SignalQuery(PageQuery):
    """A list of signals."""

    status: StatusFilter = None
    symbol: SymbolFilter = None
    direction: DirectionFilter = None
    start: From = None
    end: To = None
    min_confidence: Confidence = None
    order: Annotated[Literal["newest", "oldest"], Query(description="Which come first, by time, then id.")] = "newest"
    fields: Fields = "full"
    include: Annotated[str | None, part_list("include", SIGNAL_CHOICE)] = None
    exclude: Annotated[str | None, part_list("exclude", SIGNAL_CHOICE)] = None

    def criteria(self) -> SignalCriteria:
        """What restricts the list; raises InvalidInput naming what would be accepted."""
        place = self.behind(CursorOf.SIGNALS)
        return SignalCriteria(
            statuses=statuses_of(self.status),
            instrument=filtered_instrument(self.symbol),
            direction=direction_of(self.direction),
            start=self.start,
            end=self.end,
            min_confidence=self.min_confidence,
            behind=place and place[1],
        )


async def _whole(services: Services, criteria: SignalCriteria) -> dict[str, object]:
    """All signals that match, newest first; where there are more than one answer holds, where the rest begins."""
    async with services.database.read() as connection:
        page = await SignalRepository(connection).listed(criteria, limit=WHOLE)
    return {"signals": signal_bodies(page), "count": len(page), "next": cursor_text(CursorOf.SIGNALS, page.behind)}


_PARAMETERS = documented(SignalQuery)


@router.get(
    "/api/signals", summary="Signals, newest first", response_model=shapes.SignalPage, openapi_extra=_PARAMETERS
)
@router.get(
    "/signals", summary="The same, by its older path", response_model=shapes.SignalPage, openapi_extra=_PARAMETERS
)
async def list_signals(
    request: Request, services: Asked, query: Annotated[SignalQuery, Depends(query_of(SignalQuery))]
) -> Response:
    """A page of signals (100 unless told otherwise) with figures over that page, and where the next one begins."""
    size = query.size(most_of(request))
    columns = SIGNAL_CHOICE.columns(query.fields, query.include, query.exclude)
    async with services.database.read() as connection:
        page = await SignalRepository(connection).listed(
            query.criteria(),
            columns=columns,
            skip=query.skip,
            limit=size,
            total=True,
            newest_first=query.order == "newest",
        )
    behind = cursor_text(CursorOf.SIGNALS, page.behind)
    return json_answer(
        {
            "signals": signal_bodies(page),
            "count": len(page),
            "total": page.total,
            "skip": query.skip,
            "limit": size,
            "statistics": page_statistics(page),
            "next": behind,
        },
        headers=link_to(request, behind),
    )


@router.get("/api/signals/today", summary="Today's signals", response_model=shapes.SignalList)
async def signals_of_today(services: Asked) -> Response:
    """The signals since midnight UTC by the market's clock."""
    start, end = day_of(services.clock.now())
    return json_answer(await _whole(services, SignalCriteria(start=start, end=end)))


@router.get("/api/signals/statistics", summary="How many signals there are", response_model=shapes.SignalStatistics)
async def signal_statistics(
    services: Asked,
    days: Annotated[
        int | None, Query(ge=1, le=36_500, description="Adds `window`: the same over so many days.")
    ] = None,
) -> Response:
    """Counts over all signals, and with `days` over that window beside them."""
    async with services.database.read() as connection:
        repository = SignalRepository(connection)
        by_status = await repository.counts_by_status()
        body: dict[str, object] = {
            "total_signals_generated": sum(by_status.values()),
            "pending_signals": by_status.get(Status.PENDING, 0),
            "expired_signals": by_status.get(Status.EXPIRED, 0),
            "by_status": by_status,
            "note": _NOTE,
        }
        if days is not None:
            since = full_hour(services.clock.now()) - days * 86_400
            window = dict.fromkeys(Status, 0) | await repository.counts_by_status_since(since)
            body["window"] = {"days": days, "total": sum(window.values()), "by_status": window}
    return json_answer(body)


@router.get(
    "/api/signals/performance",
    summary="What settled signals brought, by symbol",
    response_model=dict[str, shapes.SymbolPerformance],
)
async def signal_performance(services: Asked, days: Days = 30) -> Response:
    """Per symbol: the settled signals of the last days whose money is known."""
    async with services.database.read() as connection:
        rows = await SignalRepository(connection).performance(full_hour(services.clock.now()) - days * 86_400)
    return json_answer(
        {
            row["symbol"]: {
                "trades": row["trades"],
                "pnl": round(row["pnl"] or 0.0, 2),
                "win_rate": percent(row["wins"], row["trades"]),
                "wins": row["wins"],
                "losses": row["losses"],
                "instrument": instrument_of(row["symbol"]),
                "pips": row["pips"],
                "r_multiple": row["r_multiple"],
            }
            for row in rows
        }
    )


@router.get("/api/signals/active", summary="Signals that are in the market", response_model=shapes.StatusSignals)
async def active_signals(services: Asked) -> Response:
    """All signals of status ACTIVE, the newest 10,000 at most; `next` goes on in /api/signals?status=ACTIVE."""
    return await _of_status(services, Status.ACTIVE)


@router.get("/api/signals/pending", summary="Signals that wait", response_model=shapes.StatusSignals)
async def pending_signals(services: Asked) -> Response:
    """All signals of status PENDING, the newest 10,000 at most; `next` goes on in /api/signals?status=PENDING."""
    return await _of_status(services, Status.PENDING)


async def _of_status(services: Services, status: Status) -> Response:
    return json_answer({"success": True, **await _whole(services, SignalCriteria(statuses=(status,)))})


@router.get(
    "/api/signals/symbol/{symbol:path}", summary="The signals of one instrument", response_model=shapes.SymbolSignals
)
async def signals_of_symbol(services: Asked, symbol: Spelling) -> Response:
    """All signals of an instrument, whether the account has it or not: the newest 10,000 at most.

    `next` goes on in /api/signals?symbol=...
    """
    name = instrument_name(clean_text(symbol))
    found = await _whole(services, SignalCriteria(instrument=name))
    return json_answer({"symbol": Instrument(name).symbol, "instrument": name, **found})


async def signal_row(services: Services, signal_id: int) -> Row:
    """The stored signal; raises NotFound in the predecessor's words."""
    async with services.database.read() as connection:
        row = await SignalRepository(connection).get(signal_id)
    if row is None:
        message = "Signal not found"
        raise NotFound(message)
    return row


@router.get(
    "/api/signals/{signal_id}",
    summary="One signal",
    response_model=shapes.OneSignal,
    responses={HTTPStatus.NOT_FOUND: {"description": "There is no such signal."}},
)
async def one_signal(services: Asked, signal_id: Id) -> Response:
    """A signal by its id."""
    return json_answer({"success": True, "signal": signal_body(await signal_row(services, signal_id))})
