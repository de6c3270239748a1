"""The journal's figures: all of them, by trading day, and by group.

All but the first seven are made of the days that this process keeps of the journal (storage/journal_days.py).
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked, TradingDay
from alphaforge.api.schemas import journal_figures as shapes
from alphaforge.api.signal_body import percent
from alphaforge.core.candles import Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.days import Days
from alphaforge.statistics.equity import equity
from alphaforge.statistics.figures import figures_of
from alphaforge.storage.journal import JournalRepository
from alphaforge.workflows.break_down_journal import Dimension, break_down_journal

router = APIRouter(tags=["journal"])

_EPOCH = date(1970, 1, 1)
_FRIDAY, _WEEK = 5, 7

Balance = Annotated[
    float | None,
    Query(gt=0, le=1e12, allow_inf_nan=False, description="Money at the start; without it nothing is said in percent."),
]
FromDay = Annotated[TradingDay, Query(alias="from", description="From this trading day on, YYYY-MM-DD.")]
ToDay = Annotated[TradingDay, Query(alias="to", description="Up to but not including this trading day.")]
By = Annotated[Dimension, Query(description=f"One of {', '.join(Dimension)}.")]


@router.get("/api/journal/statistics", summary="The journal in figures", response_model=shapes.JournalStatistics)
async def journal_statistics(
    services: Asked, balance: Balance = None, start: FromDay = None, end: ToDay = None
) -> Response:
    """Figures over all entries, then over those that are closed, each with its uncertainty.

    `from` and `to` choose the trading days of the latter. The equity at their start is made of all that came before.
    """
    journal = await services.journal_days.now()
    first, beyond = _span(start, end)
    chosen, before = _chosen(journal.days, first, beyond)
    figures = figures_of(chosen, balance=_account(balance, before))
    body = _seven(journal.totals) | {
        "closed_entries": int(chosen.of("trades").sum()),
        "open_entries": journal.totals["total_trades"] - int(journal.days.of("trades").sum()),
        **{section.name: getattr(figures, section.name) for section in fields(figures)},
    }
    return json_answer(body)


def _account(balance: float | None, before: Days) -> float | None:
    """The money at the start of what follows `before`; None where it is not known, or was gone."""
    if balance is None:
        return None
    start = float(equity(before, balance).equity[-1])
    return start if start > 0 else None


def _chosen(days: Days, first: int | None, beyond: int | None) -> tuple[Days, Days]:
    """The days from `first` up to `beyond`, and those before them."""
    low = 0 if first is None else int(np.searchsorted(days.day, first))
    high = len(days) if beyond is None else int(np.searchsorted(days.day, beyond))
    return Days(days.day[low:high], days.values[:, low:high]), Days(days.day[:low], days.values[:, :low])


@router.get("/api/stats", summary="The first seven under older keys", response_model=shapes.Stats)
async def stats(services: Asked) -> Response:
    """Figures over all entries."""
    async with services.database.read() as connection:
        figures = _seven(await JournalRepository(connection).statistics())
    return json_answer({"profit_loss": figures["total_pnl"], **figures})


def _seven(totals: Mapping[str, Any]) -> dict[str, Any]:
    """What the predecessor's clients show, as they know it."""
    return {
        "total_trades": totals["total_trades"],
        "wins": totals["wins"],
        "losses": totals["losses"],
        "win_rate": percent(totals["wins"], totals["total_trades"]),
        "total_pnl": round(totals["total_pnl"] or 0.0, 2),
        "total_pips": round(totals["total_pips"] or 0.0, 1),
        "avg_r": round(totals["avg_r"] or 0.0, 2),
    }


@router.get("/api/journal/equity", summary="The account by trading day", response_model=shapes.JournalEquity)
async def journal_equity(
    services: Asked, balance: Balance = None, start: FromDay = None, end: ToDay = None
) -> Response:
    """Equity and drawdown at the close of each trading day from the first trade to the last, days without one included.

    `from` and `to` choose what is shown: the equity is made of all that came before, too.
    """
    first, beyond = _span(start, end)
    days = (await services.journal_days.now()).days
    return json_answer({"balance": balance, **_by_day(days, balance, first, beyond)})


def _by_day(days: Days, balance: float | None, first: int | None, beyond: int | None) -> dict[str, Any]:
    account = equity(days, balance)
    shown = _every_day(days.day)
    shown = shown[np.searchsorted(shown, -1 if first is None else first) :]
    shown = shown if beyond is None else shown[: np.searchsorted(shown, beyond)]
    row = np.searchsorted(days.day, shown, side="right")  # of the last day with trades: row 0 is the start
    traded = np.isin(shown, days.day)
    return {
        "days": _names(shown),
        "trades": np.where(traded, days.of("trades")[row - 1], 0).astype(np.int64).tolist() if len(shown) else [],
        "net": np.where(traded, days.of("amount")[row - 1], 0.0).tolist() if len(shown) else [],
        "equity": account.equity[row].tolist(),
        "drawdown": account.drawdown[row].tolist(),
        "count": len(shown),
    }


def _every_day(days: Ints) -> Ints:
    """Mondays to Fridays from the first day to the last, and what else has trades."""
    if not len(days):
        return days
    whole = np.arange(days[0], days[-1] + 1)
    return whole[((whole + 3) % _WEEK < _FRIDAY) | np.isin(whole, days)]  # 1970-01-01 was a Thursday


def _names(days: Ints) -> list[str]:
    return [str(day) for day in days.astype("datetime64[D]")]


@router.get("/api/journal/breakdown", summary="The figures by group", response_model=shapes.JournalBreakdown)
async def journal_breakdown(services: Asked, by: By, start: FromDay = None, end: ToDay = None) -> Response:
    """Closed entries by instrument, side, session, hour, weekday, month, setup or tag.

    Session, hour, weekday and month (UTC) are those of the opening. The session that an entry names counts; where it
    names none, the clocks of the places do, in summer and in winter. An entry with several tags counts in each.
    """
    groups = await break_down_journal(services.journal_days, by, *_span(start, end))
    found = [
        {"key": one.key, **{field.name: getattr(one.figures, field.name) for field in fields(one.figures)}}
        for one in groups
    ]
    return json_answer({"by": by.value, "groups": found, "count": len(found)})


@router.get("/api/journal/calendar", summary="The journal day by day", response_model=shapes.JournalCalendar)
async def journal_calendar(
    services: Asked,
    *,
    year: Annotated[int | None, Query(ge=1970, lt=2100, description="Of the trading days.")] = None,
    month: Annotated[int | None, Query(ge=1, le=12, description="Of `year`.")] = None,
    start: FromDay = None,
    end: ToDay = None,
) -> Response:
    """Trading days on which entries closed: of a year, of a month, of a span, or all."""
    if month is not None and year is None:
        raise InvalidInput("month needs a year", advice="Ask for ?year=2026&month=3.")
    if year is not None and (start is not None or end is not None):
        raise InvalidInput("year and month cannot be given with from and to", advice="Give one or the other.")
    first, beyond = _span(start, end) if year is None else _of_calendar(year, month)
    days = (await services.journal_days.now()).days
    chosen, _ = _chosen(days, first, beyond)
    return json_answer(_calendar(chosen))


_KNOWN = {"net": ("amount", "amounts"), "r": ("r", "rs"), "pips": ("pips", "pips_known")}
"""By the key of an answer the sum, and of how many trades it is known."""


def _calendar(days: Days) -> dict[str, Any]:
    counts = {name: days.of(name).astype(np.int64) for name in ("trades", "wins", "losses")}
    sums = {
        key: [value if known else None for value, known in zip(days.of(total).tolist(), days.of(n), strict=True)]
        for key, (total, n) in _KNOWN.items()
    }
    columns = {"day": _names(days.day), **{name: column.tolist() for name, column in counts.items()}, **sums}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    whole = {key: _sum([one for one in column if one is not None]) for key, column in sums.items()}
    return {
        "days": rows,
        "count": len(rows),
        **{name: int(column.sum()) for name, column in counts.items()},
        **whole,
    }


def _sum(known: list[float]) -> float | None:
    return float(np.sum(known)) if known else None


def _of_calendar(year: int, month: int | None) -> tuple[int, int]:
    first = date(year, month or 1, 1)
    beyond = date(year + 1, 1, 1) if month in (None, 12) else date(year, month + 1, 1)
    return (first - _EPOCH).days, (beyond - _EPOCH).days


def _span(start: date | None, end: date | None) -> tuple[int | None, int | None]:
    """Trading days as days since 1970."""
    if start is not None and end is not None and end <= start:
        raise InvalidInput("'to' must lie after 'from'")
    return (None if start is None else (start - _EPOCH).days, None if end is None else (end - _EPOCH).days)
