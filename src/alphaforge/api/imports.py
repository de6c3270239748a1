"""Files of rows, as the exports write them: kept by a request, checked and stored by a job."""

import asyncio
import csv
import io
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException

from alphaforge.api.bulk import new_entry
from alphaforge.api.followed_signal import check_new
from alphaforge.api.idempotency import ThisOnce
from alphaforge.api.jobs import ENDED_AT_ONCE, IMPORT, begun
from alphaforge.api.middleware.body_limit import MOST_DEPTH
from alphaforge.api.nesting import is_deeper
from alphaforge.api.parameters import Asked
from alphaforge.api.rows import Fault, checked, fault, in_turns
from alphaforge.api.schemas import jobs as shapes
from alphaforge.api.schemas.bulk import MOST_ROWS
from alphaforge.api.schemas.journal import EntryBody
from alphaforge.api.services import MarketFacts
from alphaforge.api.signal_changes import new_signal
from alphaforge.core.cells import read_cell
from alphaforge.core.errors import InvalidInput
from alphaforge.core.instruments import Instrument
from alphaforge.signals.model import Status
from alphaforge.storage import bulk
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.job_pieces import packed
from alphaforge.storage.signal_status import status_row
from alphaforge.storage.signals import NewSignal

router = APIRouter()

_SIGNALS = TypeAdapter(list[shapes.ImportedSignal])
_ENTRIES = TypeAdapter(list[EntryBody])
_FORMS = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
_TWICE = {"open_time": "openTime", "close_time": "closeTime", "duration_minutes": "duration"}
"""What an entry says twice, and how it says it shorter."""
_LONGEST_CELL = 10 * 1024 * 1024
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string"}} for kind in _FORMS},
        "description": f"A file as the export writes it, of {MOST_ROWS:,} rows at most.",
    }
}


@router.post(
    "/api/signals/import",
    summary="Take in a file of signals",
    tags=["signals"],
    response_model=shapes.Job,
    status_code=202,
    responses=ENDED_AT_ONCE,
    openapi_extra=_BODY,
)
async def import_signals(request: Request, services: Asked, once: ThisOnce) -> Response:
    """Store all signals of a file, NDJSON or CSV by its Content-Type, or none: a job does it, and names wrong rows.

    They are signals made by hand, with new ids, that keep their time, status, end, source and money.
    """
    return await begun(services, once, IMPORT, *await _given(request, "signals"))


@router.post(
    "/api/journal/import",
    summary="Take in a file of entries",
    tags=["journal"],
    response_model=shapes.Job,
    status_code=202,
    responses=ENDED_AT_ONCE,
    openapi_extra=_BODY,
)
async def import_entries(request: Request, services: Asked, once: ThisOnce) -> Response:
    """Store all entries of a file, NDJSON or CSV by its Content-Type, or none: a job does it, and names wrong rows.

    They get new ids; figures that are not given follow as for one.
    """
    return await begun(services, once, IMPORT, *await _given(request, "journal"))


async def _given(request: Request, noun: str) -> tuple[dict[str, str], bytes]:
    """What the job is told, and what it is to read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        raise HTTPException(415, f"A file says what it is: Content-Type {' or '.join(_FORMS)}")
    body = await request.body()
    if not body.strip():
        raise InvalidInput("The file is empty")
    return {"noun": noun, "format": _FORMS[kind]}, await asyncio.to_thread(packed, body)


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """Rows that are all sound, and how they are stored."""

    table: str
    count: int
    keep: Callable[[AsyncConnection], Awaitable[object]]

    async def store(self, connection: AsyncConnection) -> None:
        """Store all of them in this transaction; raises InvalidRows for what contradicts what is stored already."""
        await self.keep(connection)


async def rows_of(
    payload: Mapping[str, Any], content: bytes, market: MarketFacts, at: float, known: Mapping[str, Instrument]
) -> CheckedRows:
    """The rows of a file that was given with this payload, as they are stored at a market and its moment `at`.

    Raises InvalidRows naming every row that is wrong, and InvalidInput for what is no such file.
    """
    given, faults = await (_table(content) if payload["format"] == "csv" else _lines(content))
    if not given:
        raise InvalidInput("The file has no rows")
    if payload["noun"] == "journal":
        return await _entries(given, faults, known)
    return await _signals(given, faults, market, at)


async def _entries(given: list[object], faults: list[Fault], known: Mapping[str, Instrument]) -> CheckedRows:
    at = time.time()
    rows = await checked(_ENTRIES, list(map(_said_once, given)), faults)
    new = [new_entry(one, known, at) async for one in in_turns(rows)]

    async def keep(connection: AsyncConnection) -> None:
        await check_new(connection, new)
        await bulk.create_entries(connection, new)

    return CheckedRows("journal_entries", len(new), keep)


def _said_once(row: object) -> object:
    """The export's short forms have no seconds."""
    if not isinstance(row, dict):
        return row
    shorter = {short for name, short in _TWICE.items() if row.get(name) is not None}
    return {key: value for key, value in row.items() if key not in shorter}


async def _signals(given: list[object], faults: list[Fault], market: MarketFacts, at: float) -> CheckedRows:
    rows = await checked(_SIGNALS, given, faults)
    new = [_taken_in(one, market, at) async for one in in_turns(rows)]

    async def keep(connection: AsyncConnection) -> None:
        ids = await bulk.create_signals(connection, new)
        ends = [_end(one, at) | {"id": number} for one, number in zip(rows, ids, strict=True) if _has_ended(one)]
        await bulk.change_signals(connection, ends)

    return CheckedRows("trading_signals", len(new), keep)


def _taken_in(row: shapes.ImportedSignal, market: MarketFacts, at: float) -> NewSignal:
    made = new_signal(row, market, at if row.timestamp is None else row.timestamp)
    source = made.source if row.source is None else row.source
    simulated = made.simulated if row.simulated is None else row.simulated
    return replace(made, status=row.status, source=source, simulated=simulated)


def _has_ended(row: shapes.ImportedSignal) -> bool:
    return row.status not in (Status.PENDING, Status.ACTIVE)


def _end(row: shapes.ImportedSignal, at: float) -> dict[str, Any]:
    ended = next(moment for moment in (row.exit_time, row.timestamp, at) if moment is not None)
    return {**status_row(row.status, exit_price=row.exit_price, at=ended), "actual_pnl": row.actual_pnl}


Given = tuple[list[object], list[Fault]]
"""Rows, and what is wrong with those that could not be read; in their place stands None."""


async def _lines(content: bytes) -> Given:
    """The rows of NDJSON; lines that are empty are none."""
    rows: list[object] = []
    faults: list[Fault] = []
    async for line in in_turns(content.removeprefix(b"\xef\xbb\xbf").splitlines()):
        if not line.strip():
            continue
        _count(rows)
        try:
            deep = is_deeper(line, MOST_DEPTH)
            rows.append(None if deep else msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            deep = False
            rows.append(None)
            faults.append(fault(len(rows) - 1, (), f"The line is no JSON: {error}"))
        if deep:
            faults.append(fault(len(rows) - 1, (), f"Its lists and objects lie more than {MOST_DEPTH} deep"))
    return rows, faults


async def _table(content: bytes) -> Given:
    """The rows of CSV; a cell that is empty is not given."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The file is no UTF-8: {error.reason} at byte {error.start}") from None
    csv.field_size_limit(_LONGEST_CELL)  # a picture is one cell
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[object] = []
    faults: list[Fault] = []
    try:
        head = next(reader, [])
        for cells in reader:
            if not cells:  # an empty line
                continue
            _count(rows)
            if len(cells) != len(head):
                faults.append(fault(len(rows), (), f"It has {len(cells)} cells, and the head {len(head)}"))
            rows.append(_named(head, cells) if len(cells) == len(head) else None)
            if len(rows) % 250 == 0:
                await asyncio.sleep(0)
    except csv.Error as error:
        raise InvalidInput(f"The file is no CSV: {error}, in line {reader.line_num}") from None
    return rows, faults


def _named(head: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {name: read_cell(cell) for name, cell in zip(head, cells, strict=True) if cell}


def _count(rows: Sequence[object]) -> None:
    if len(rows) >= MOST_ROWS:
        raise InvalidInput(f"The file has more than {MOST_ROWS:,} rows; split it")
