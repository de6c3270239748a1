"""Everything there is, as a file: written row by row as it is read, in constant memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from alphaforge.api.cells import csv_lines, csv_of_columns
from alphaforge.api.encoding import Columns, bodies
from alphaforge.api.journal_body import entry_columns
from alphaforge.api.journal_lists import spellings_of
from alphaforge.api.parameters import Asked, From, To, clean_text
from alphaforge.api.services import Services
from alphaforge.api.signal_body import signal_columns
from alphaforge.api.signals import StatusFilter, SymbolFilter, statuses_of
from alphaforge.core.errors import DatabaseBusy, InvalidInput, UnknownInstrument
from alphaforge.core.instruments import instrument_name
from alphaforge.core.times import from_epoch
from alphaforge.storage.engine import Database
from alphaforge.storage.exports import (
    Export,
    JournalCriteria,
    journal_export,
    newest_id,
    read_part,
    signal_export,
)
from alphaforge.storage.listing import Page
from alphaforge.storage.signals import SignalCriteria

router = APIRouter()

PAGE = 500
"""Rows held at once: a few milliseconds of the event loop."""
PAGE_WITH_PICTURES = 4
"""The same where each may carry 10 MB of screenshots."""

_PAUSES = (0.1, 0.5, 1.0, 2.0)
"""Seconds between attempts while others hold every connection: half a file helps nobody."""


class Form(StrEnum):
    """How a file is written."""

    NDJSON = "ndjson"
    CSV = "csv"


class Heavy(StrEnum):
    """What a file has only if it is asked for."""

    SCREENSHOTS = "screenshots"


AskedForm = Annotated[
    Form, Query(alias="format", description="ndjson: one JSON object a line. csv: a table for a spreadsheet.")
]
AskedHeavy = Annotated[Heavy | None, Query(description="`screenshots`: the pictures too, which are heavy.")]
_MEDIA = {Form.NDJSON: "application/x-ndjson", Form.CSV: "text/csv; charset=utf-8"}


def _responses(shape: str) -> dict[int | str, dict[str, Any]]:
    """What is answered, as the document has it: every line of NDJSON has the shape that lists have."""
    line = {"schema": {"$ref": f"#/components/schemas/{shape}"}}
    content = {"application/x-ndjson": line, "text/csv": {"schema": {"type": "string"}}}
    return {200: {"content": content, "description": "A file, oldest row first."}}


_encode_lines = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True, slots=True)
class _File:
    """What to read, what to call it, and how a row is shown."""

    noun: str
    export: Export
    shown: Callable[[Page], Columns]

    def keys(self) -> Sequence[str]:
        """What a row is made of."""
        return tuple(self.shown(Page(self.export.names, ((),) * len(self.export.names), None)))

    def encoded(self, form: Form, rows: Page) -> bytes:
        """Some rows as they are written."""
        columns = self.shown(rows)
        if form is Form.CSV:
            return csv_of_columns(columns.values())
        return _encode_lines(bodies(self.noun, columns))


@router.get(
    "/api/signals/export",
    summary="All signals as a file",
    tags=["signals"],
    response_class=StreamingResponse,
    responses=_responses("Signal"),
)
async def export_signals(
    services: Asked,
    form: AskedForm = Form.NDJSON,
    *,
    status: StatusFilter = None,
    symbol: SymbolFilter = None,
    start: From = None,
    end: To = None,
) -> Response:
    """Every signal that matches, oldest first by id, in the shape of the lists.

    Each signal that is there from beginning to end comes once, as it was when it was read; those made meanwhile do
    not come. In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    criteria = SignalCriteria(statuses_of(status), None if symbol is None else _name(symbol), start=start, end=end)
    export = signal_export(criteria, PAGE)
    return await _streamed(services, form, _File("signals", export, signal_columns))


@router.get(
    "/api/journal/export",
    summary="The whole journal as a file",
    tags=["journal"],
    response_class=StreamingResponse,
    responses=_responses("Entry"),
)
async def export_journal(
    services: Asked,
    form: AskedForm = Form.NDJSON,
    *,
    symbol: SymbolFilter = None,
    start: From = None,
    end: To = None,
    include: AskedHeavy = None,
) -> Response:
    """Every entry that matches, oldest first by id, in the shape of the lists; `from` and `to` are of its opening.

    Screenshots come only with `include=screenshots`. For the rest see the signals' file.
    """
    pictures = include is Heavy.SCREENSHOTS
    criteria = JournalCriteria(spellings_of(symbol), start, end)
    export = journal_export(criteria, PAGE_WITH_PICTURES if pictures else PAGE, pictures=pictures)
    return await _streamed(services, form, _File("journal", export, entry_columns))


def _name(spelling: str) -> str:
    try:
        return instrument_name(clean_text(spelling))
    except UnknownInstrument as error:  # a filter that cannot be meant, not a thing that is missing
        raise InvalidInput(error.message, advice=error.advice) from None


async def _streamed(services: Services, form: Form, file: _File) -> Response:
    """The file, as soon as its first part is read: until then an error is an answer of its own."""
    parts = _parts(services.database, file, form)
    first = await anext(parts, b"")
    name = f"{file.noun}-{from_epoch(services.clock.now()).date().isoformat()}.{form.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return StreamingResponse(_written(form, file, first, parts), headers=headers, media_type=_MEDIA[form])


async def _written(form: Form, file: _File, first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if form is Form.CSV:
        yield csv_lines([file.keys()])
    yield first
    async for part in parts:
        yield part


async def _parts(database: Database, file: _File, form: Form) -> AsyncIterator[bytes]:
    """The rows a part at a time, as they are written.

    Between parts it holds no connection and no row: a reader that stops or goes away costs nobody, and a slow one the
    bytes that wait for him.
    """
    async with database.long_reads, database.read() as connection:
        until = await newest_id(connection, file.export)
    after = 0
    while (part := await _patiently(database, file, form, after, until)) is not None:
        after, written = part
        if written:
            yield written


async def _patiently(database: Database, file: _File, form: Form, after: int, until: int) -> tuple[int, bytes] | None:
    for pause in _PAUSES:
        try:
            return await _part(database, file, form, after, until)
        except DatabaseBusy:
            await asyncio.sleep(pause)
    return await _part(database, file, form, after, until)


async def _part(database: Database, file: _File, form: Form, after: int, until: int) -> tuple[int, bytes] | None:
    """Up to which id the table has been looked at, and the rows on the way; None where there is nothing left."""
    async with database.long_reads, database.read() as connection:
        part = await read_part(connection, file.export, after, until)
    if part is None:
        return None
    return part.last, file.encoded(form, part.rows) if len(part.rows) else b""
