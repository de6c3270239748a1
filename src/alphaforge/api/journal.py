"""The trader's journal."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.followed_signal import check_followed, follows_anew
from alphaforge.api.idempotency import ThisOnce
from alphaforge.api.journal_body import Row, derived_fields, entry_body
from alphaforge.api.journal_lists import ENTRY_PARAMETERS, AskedEntries
from alphaforge.api.parameters import LARGEST_ID, Asked
from alphaforge.api.schemas import journal as shapes
from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.journal import JournalRepository, NewEntry

router = APIRouter(tags=["journal"])

EntryId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The id as the lists give it.")]


def _there(row: Row | None) -> Row:
    if row is None:
        message = "Entry not found"
        raise NotFound(message)
    return row


@router.get(
    "/api/journal/entries",
    summary="Entries, newest first",
    response_model=shapes.EntryPage,
    openapi_extra=ENTRY_PARAMETERS,
)
async def list_entries(page: AskedEntries) -> Response:
    """A page of the journal, and where the next one begins; without `limit` and `cursor` its newest 10,000 entries."""
    body = {"entries": page.entries, "total": len(page.entries), "total_entries": page.stored, "next": page.next}
    return json_answer(body, headers=page.headers)


@router.get(
    "/api/journal",
    summary="The same, by its older path",
    response_model=shapes.EntryList,
    openapi_extra=ENTRY_PARAMETERS,
)
async def journal(page: AskedEntries) -> Response:
    """A page of the journal, and where the next one begins; without `limit` and `cursor` its newest 10,000 entries."""
    body = {"entries": page.entries, "count": len(page.entries), "total_entries": page.stored, "next": page.next}
    return json_answer(body, headers=page.headers)


@router.post("/api/journal/entries", summary="Write an entry", response_model=shapes.StoredEntry)
async def create_entry(services: Asked, once: ThisOnce, body: shapes.EntryBody) -> Response:
    """Store a trade. Pips, R, outcome and duration that are not given follow from the prices, as far as they do."""
    given = body.model_dump()
    given |= derived_fields(given, frozenset(body.model_fields_set), services.instruments.known)

    async def work(connection: AsyncConnection) -> Response:
        repository = JournalRepository(connection)
        await check_followed(connection, given)
        return _stored(_there(await repository.get(await repository.create(NewEntry(**given)))), "Entry created")

    return await once.write("journal_entries", work)


@router.get("/api/journal/entries/{entry_id}", summary="One entry", response_model=shapes.Entry)
async def one_entry(services: Asked, entry_id: EntryId) -> Response:
    """An entry by its id."""
    async with services.database.read() as connection:
        row = await JournalRepository(connection).get(entry_id)
    return json_answer(entry_body(_there(row)))


@router.put("/api/journal/entries/{entry_id}", summary="Change an entry", response_model=shapes.StoredEntry)
async def change_entry(services: Asked, entry_id: EntryId, body: shapes.EntryChange) -> Response:
    """Change what is given and leave the rest. Figures that follow from changed prices follow again."""
    changes = body.model_dump(exclude_unset=True)
    async with services.database.write("journal_entries") as connection:
        repository = JournalRepository(connection)
        merged = {**_there(await repository.get(entry_id)), **changes}
        if merged["close_time"] is not None and merged["close_time"] < merged["open_time"]:
            message = "closeTime lies before openTime"
            raise InvalidInput(message)
        if follows_anew(changes):
            await check_followed(connection, merged)
        changes |= derived_fields(merged, frozenset(changes), services.instruments.known)
        if changes:
            await repository.update(entry_id, changes)
        row = _there(await repository.get(entry_id))
    return _stored(row, "Entry updated")


@router.delete("/api/journal/entries/{entry_id}", summary="Remove an entry", response_model=shapes.RemovedEntry)
async def delete_entry(services: Asked, entry_id: EntryId) -> Response:
    """Remove an entry for good."""
    async with services.database.write("journal_entries") as connection:
        removed = await JournalRepository(connection).delete(entry_id)
    if not removed:
        message = "Entry not found"
        raise NotFound(message)
    return json_answer({"success": True, "message": "Entry deleted", "id": entry_id})


def _stored(row: Row, message: str) -> Response:
    """The entry at the top for clients that read it there, and whole under a key for those that unwrap it."""
    body = entry_body(row)
    return json_answer({**body, "success": True, "message": message, "journal_entry": body})
