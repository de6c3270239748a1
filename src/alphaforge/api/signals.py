"""Signals: reading them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import (
    LARGEST_ID,
    Asked,
    From,
    Id,
    Limit,
    Options,
    Skip,
    Spelling,
    To,
    clean_text,
    day_of,
    page_size,
)
from alphaforge.api.schemas import signals as shapes
from alphaforge.api.services import Services
from alphaforge.api.signal_body import Row, instrument_of, page_statistics, percent, signal_body
from alphaforge.core.errors import InvalidInput, NotFound, UnknownInstrument
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.signals.model import Direction, Status
from alphaforge.storage.signals import SignalCriteria, SignalRepository

router = APIRouter(tags=["signals"])

_DEFAULT_PAGE = 100
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


def _direction_of(text: str | None) -> Direction | None:
    if text is None:
        return None
    if text.strip().upper() not in list(Direction):
        message = "direction must be BUY or SELL"
        raise InvalidInput(message)
    return Direction(text.strip().upper())


def _filtered_instrument(spelling: str | None) -> str | None:
    """A filter for an instrument nobody has finds nothing; one that cannot be a name is refused as input."""
    try:
        return None if spelling is None else instrument_name(clean_text(spelling))
    except UnknownInstrument as error:
        raise InvalidInput(error.message, advice=error.advice) from None


async def rows_of(services: Services, criteria: SignalCriteria) -> Sequence[Row]:
    """All signals that match, newest first."""
    async with services.database.read() as connection:
        return await SignalRepository(connection).page(criteria, skip=0, limit=LARGEST_ID)


@router.get("/api/signals", summary="Signals, newest first", response_model=shapes.SignalPage)
@router.get("/signals", summary="The same, by its older path", response_model=shapes.SignalPage)
async def list_signals(
    services: Asked,
    options: Options,
    *,
    status: StatusFilter = None,
    symbol: SymbolFilter = None,
    direction: DirectionFilter = None,
    start: From = None,
    end: To = None,
    min_confidence: Confidence = None,
    skip: Skip = 0,
    limit: Limit = None,
) -> Response:
    """A page of signals (100 unless told otherwise) with figures over that page."""
    size = page_size(limit, options, _DEFAULT_PAGE) or _DEFAULT_PAGE
    criteria = SignalCriteria(
        statuses=statuses_of(status),
        instrument=_filtered_instrument(symbol),
        direction=_direction_of(direction),
        start=start,
        end=end,
        min_confidence=min_confidence,
    )
    async with services.database.read() as connection:
        repository = SignalRepository(connection)
        rows = await repository.page(criteria, skip=skip, limit=size)
        total = await repository.count(criteria)
    return json_answer(
        {
            "signals": [signal_body(row) for row in rows],
            "count": len(rows),
            "total": total,
            "skip": skip,
            "limit": size,
            "statistics": page_statistics(rows),
        }
    )


@router.get("/api/signals/today", summary="Today's signals", response_model=shapes.SignalList)
async def signals_of_today(services: Asked) -> Response:
    """The signals since midnight UTC by the market's clock."""
    start, end = day_of(services.clock.now())
    rows = await rows_of(services, SignalCriteria(start=start, end=end))
    return json_answer({"signals": [signal_body(row) for row in rows], "count": len(rows)})


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
            since = services.clock.now() - days * 86_400
            window = {
                status.value: await repository.count(SignalCriteria(statuses=(status,), start=since))
                for status in Status
            }
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
        rows = await SignalRepository(connection).performance(services.clock.now() - days * 86_400)
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
    """All signals of status ACTIVE."""
    return await _of_status(services, Status.ACTIVE)


@router.get("/api/signals/pending", summary="Signals that wait", response_model=shapes.StatusSignals)
async def pending_signals(services: Asked) -> Response:
    """All signals of status PENDING."""
    return await _of_status(services, Status.PENDING)


async def _of_status(services: Services, status: Status) -> Response:
    rows = await rows_of(services, SignalCriteria(statuses=(status,)))
    return json_answer({"success": True, "count": len(rows), "signals": [signal_body(row) for row in rows]})


@router.get(
    "/api/signals/symbol/{symbol:path}", summary="The signals of one instrument", response_model=shapes.SymbolSignals
)
async def signals_of_symbol(services: Asked, symbol: Spelling) -> Response:
    """All signals of an instrument, whether the account has it or not."""
    name = instrument_name(clean_text(symbol))
    rows = await rows_of(services, SignalCriteria(instrument=name))
    return json_answer(
        {
            "symbol": Instrument(name).symbol,
            "instrument": name,
            "signals": [signal_body(row) for row in rows],
            "count": len(rows),
        }
    )


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
