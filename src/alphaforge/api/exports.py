"""Everything there is, as a file: written row by row as it is read, in constant memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from alphaforge.api.encoding import Columns, bodies
from alphaforge.api.journal_body import entry_columns
from alphaforge.api.journal_lists import EntryFilters
from alphaforge.api.parameters import Asked, From, To
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas.jobs import ExportJob
from alphaforge.api.services import Services
from alphaforge.api.signal_body import signal_columns
from alphaforge.api.signals import (
    Confidence,
    DirectionFilter,
    StatusFilter,
    SymbolFilter,
    direction_of,
    filtered_instrument,
    statuses_of,
)
from alphaforge.core.cells import csv_lines, csv_of_columns
from alphaforge.core.errors import DatabaseBusy
from alphaforge.core.times import from_epoch
from alphaforge.storage.engine import Database
from alphaforge.storage.exports import (
    Export,
    journal_export,
    newest_id,
    read_part,
    signal_export,
)
from alphaforge.storage.listing import Page
from alphaforge.storage.signals import SignalCriteria

router = APIRouter()

T = TypeVar("T")

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


class EntryFile(EntryFilters):
    """A file of entries."""

    form: AskedForm = Form.NDJSON
    include: AskedHeavy = None


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
    direction: DirectionFilter = None,
    start: From = None,
    end: To = None,
    min_confidence: Confidence = None,
) -> Response:
    """Every signal that matches, oldest first by id, in the shape of the lists.

    Each signal that is there from beginning to end comes once, as it was when it was read; those made meanwhile do
    not come. In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    instrument = filtered_instrument(symbol)
    criteria = SignalCriteria(statuses_of(status), instrument, direction_of(direction), start, end, min_confidence)
    return await _streamed(_export(services, form, _signals(criteria)))


@router.get(
    "/api/journal/export",
    summary="The whole journal as a file",
    tags=["journal"],
    response_class=StreamingResponse,
    responses=_responses("Entry"),
    openapi_extra=documented(EntryFile),
)
async def export_journal(services: Asked, query: Annotated[EntryFile, Depends(query_of(EntryFile))]) -> Response:
    """Every entry that matches, oldest first by id, in the shape of the lists and with their filters.

    Screenshots come only with `include=screenshots`. For the rest see the signals' file.
    """
    return await _streamed(_export(services, query.form, _journal(query, query.include)))


def _signals(criteria: SignalCriteria) -> _File:
    return _File("signals", signal_export(criteria, PAGE), signal_columns)


def _journal(filters: EntryFilters, include: str | None) -> _File:
    pictures = include == Heavy.SCREENSHOTS
    export = journal_export(filters.criteria(), PAGE_WITH_PICTURES if pictures else PAGE, pictures=pictures)
    return _File("journal", export, entry_columns)


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file that is to be written: what it is called, and its bytes."""

    name: str
    media_type: str
    database: Database
    form: Form
    file: _File

    async def parts(self) -> AsyncIterator[tuple[bytes, float]]:
        """The file a part at a time, each with the share that is written with it, from 0 to 1."""
        head = csv_lines([self.file.keys()]) if self.form is Form.CSV else b""
        async for written, share in _parts(self.database, self.file, self.form):
            yield head + written, share
            head = b""
        if head:
            yield head, 1.0


def export_file(database: Database, at: float, payload: Mapping[str, Any]) -> ExportFile:
    """The file that a job is to write, asked for as `schemas.jobs.ExportJob` has it and named by the day of `at`.

    Raises InvalidInput naming what a filter accepts.
    """
    asked = ExportJob.model_validate(payload)
    if asked.noun == "signals":
        instrument = filtered_instrument(asked.symbol)
        file = _signals(SignalCriteria(statuses_of(asked.status), instrument, start=asked.start, end=asked.end))
    else:
        file = _journal(EntryFilters.model_validate(payload), asked.include)
    return _named(database, at, Form(asked.form), file)


def _named(database: Database, at: float, form: Form, file: _File) -> ExportFile:
    name = f"{file.noun}-{from_epoch(at).date().isoformat()}.{form.value}"
    return ExportFile(name, _MEDIA[form], database, form, file)


def _export(services: Services, form: Form, file: _File) -> ExportFile:
    return _named(services.database, services.clock.now(), form, file)


def attached(name: str) -> dict[str, str]:
    """The headers of a file by this name."""
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}


async def _streamed(export: ExportFile) -> Response:
    """The file, as soon as its first part is read: until then an error is an answer of its own."""
    parts = export.parts()
    first = await anext(parts, None)  # not a tuple: Python 3.11 takes that for its parts
    return StreamingResponse(
        _written(first[0] if first else b"", parts), headers=attached(export.name), media_type=export.media_type
    )


async def _written(first: bytes, parts: AsyncIterator[tuple[bytes, float]]) -> AsyncIterator[bytes]:
    yield first
    async for part, _ in parts:
        if part:
            yield part


async def _parts(database: Database, file: _File, form: Form) -> AsyncIterator[tuple[bytes, float]]:
    """The rows a part at a time, as they are written, with the share of the table that has been looked at.

    Between parts it holds no connection and no row: a reader that stops or goes away costs nobody, and a slow one the
    bytes that wait for him.
    """
    async with database.long_reads, database.read() as connection:
        until = await newest_id(connection, file.export)
    after = 0
    while (part := await patiently(partial(_part, database, file, form, after, until))) is not None:
        after, written = part
        yield written, after / until


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What is read, as soon as others leave a connection for it."""
    for pause in _PAUSES:
        try:
            return await read()
        except DatabaseBusy:
            await asyncio.sleep(pause)
    return await read()


async def _part(database: Database, file: _File, form: Form, after: int, until: int) -> tuple[int, bytes] | None:
    """Up to which id the table has been looked at, and the rows on the way; None where there is nothing left."""
    async with database.long_reads, database.read() as connection:
        part = await read_part(connection, file.export, after, until)
    if part is None:
        return None
    return part.last, file.encoded(form, part.rows) if len(part.rows) else b""
