"""Many signals or entries in one request: one transaction, all of them or none, and every wrong row named."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from alphaforge.api.encoding import json_answer
from alphaforge.api.followed_signal import Named, check_new, followed_faults, follows_anew
from alphaforge.api.idempotency import ThisOnce
from alphaforge.api.journal_body import derived_fields
from alphaforge.api.parameters import Asked
from alphaforge.api.rows import Fault, checked, complain, fault, in_turns
from alphaforge.api.schemas import bulk as shapes
from alphaforge.api.schemas.journal import EntryBody, EntryChange
from alphaforge.api.schemas.signals import SignalBody
from alphaforge.api.signal_changes import new_signal
from alphaforge.core.instruments import Instrument
from alphaforge.storage import bulk
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.journal import NewEntry
from alphaforge.storage.signal_status import status_row

router = APIRouter()

_NEW_SIGNALS = TypeAdapter(list[SignalBody])
_SIGNAL_CHANGES = TypeAdapter(list[shapes.SignalChange])
_NEW_ENTRIES = TypeAdapter(list[EntryBody])
_ENTRY_CHANGES = TypeAdapter(list[shapes.ChangeOfEntry])
_REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"description": "`errors` says {row, loc, msg} of every wrong row; nothing was stored."}
}


class _Named(Protocol):
    """A change of what has this id."""

    id: int


@router.post(
    "/api/signals/bulk",
    summary="Make many signals by hand, all or none",
    tags=["signals"],
    response_model=shapes.Created,
    responses=_REFUSED,
)
async def create_signals(services: Asked, once: ThisOnce, body: shapes.NewSignals) -> Response:
    """Store up to 10,000 signals with status PENDING in one transaction."""
    market, at = services.status.market(), services.clock.now()
    new = [new_signal(one, market, at) async for one in in_turns(await checked(_NEW_SIGNALS, body.signals))]

    async def work(connection: AsyncConnection) -> Response:
        return _created(await bulk.create_signals(connection, new))

    return await once.write("trading_signals", work)


@router.put(
    "/api/signals/bulk",
    summary="Change many signals, all or none",
    tags=["signals"],
    response_model=shapes.Changed,
    responses=_REFUSED,
)
async def change_signals(services: Asked, body: shapes.SignalChanges) -> Response:
    """Change what is given of up to 10,000 signals, each named by its id, in one transaction."""
    changes, at = await checked(_SIGNAL_CHANGES, body.signals), services.clock.now()
    names = {name for change in changes for name in change.model_fields_set} | {"updated_at"}
    if "status" in names:
        names |= {"exit_price", "exit_time", "outcome"}
    async with services.database.write("trading_signals") as connection:
        held = await bulk.held_signals(connection, sorted(names), [one.id for one in changes])
        complain(_lost(changes, held, "signal"), len(changes))
        await bulk.change_signals(connection, [_changed_signal(held[one.id], one, at) for one in changes])
    return _changed(len(changes))


def _changed_signal(stored: Mapping[str, Any], change: shapes.SignalChange, at: float) -> dict[str, Any]:
    row = {**stored, **change.model_dump(exclude_unset=True), "updated_at": at}
    if change.status is not None:
        row |= status_row(change.status, exit_price=row["exit_price"], at=at)
    return row


@router.post(
    "/api/journal/entries/bulk",
    summary="Write many entries, all or none",
    tags=["journal"],
    response_model=shapes.Created,
    responses=_REFUSED,
)
async def create_entries(services: Asked, once: ThisOnce, body: shapes.NewEntries) -> Response:
    """Store up to 10,000 trades in one transaction; figures that are not given follow as for one."""
    known, at = services.instruments.known, time.time()
    new = [new_entry(one, known, at) async for one in in_turns(await checked(_NEW_ENTRIES, body.entries))]

    async def work(connection: AsyncConnection) -> Response:
        await check_new(connection, new)
        return _created(await bulk.create_entries(connection, new))

    return await once.write("journal_entries", work)


def new_entry(body: EntryBody, known: Mapping[str, Instrument], at: float) -> NewEntry:
    """An entry as it is stored at a moment, with the figures that follow from what was given."""
    given = vars(body)  # plain values already
    return NewEntry(**given | derived_fields(given, frozenset(body.model_fields_set), known), created_at=at)


@router.put(
    "/api/journal/entries/bulk",
    summary="Change many entries, all or none",
    tags=["journal"],
    response_model=shapes.Changed,
    responses=_REFUSED,
)
async def change_entries(services: Asked, body: shapes.EntryChanges) -> Response:
    """Change what is given of up to 10,000 entries, each named by its id, in one transaction.

    Figures that follow from changed prices follow again.
    """
    changes, known = await checked(_ENTRY_CHANGES, body.entries), services.instruments.known
    rows, names = [], set[str]()
    async with services.database.write("journal_entries") as connection:
        held = await bulk.held_entries(connection, [one.id for one in changes])
        faults = _lost(changes, held, "entry")
        async for number, one in in_turns(list(enumerate(changes))):
            given = one.model_dump(exclude_unset=True)
            row = {**held.get(one.id, _NO_ENTRY), **given}
            if row["close_time"] is not None and row["close_time"] < row["open_time"]:
                faults.append(fault(number, ("closeTime",), "closeTime lies before openTime"))
            derived = {} if one.id not in held else derived_fields(row, frozenset(given), known)
            rows.append(row | derived)
            names.update(given, derived)
        faults += await followed_faults(connection, list(map(_named_by, changes, rows)))
        complain(faults, len(changes))
        await bulk.change_entries(connection, [{name: row[name] for name in names if name in row} for row in rows])
    return _changed(len(rows))


def _named_by(change: EntryChange, row: Mapping[str, Any]) -> Named:
    """The signal that a changed entry names, where the change has to do with it."""
    asked = follows_anew(change.model_fields_set)
    return row["signal_id"] if asked else None, row.get("symbol", "")


_NO_ENTRY = {"open_time": 0.0, "close_time": None, "signal_id": None}


def _lost(changes: Sequence[_Named], held: Mapping[int, object], noun: str) -> list[Fault]:
    """The changes of what is not there, and those of what another row changes as well."""
    faults, first = [], dict[int, int]()
    for number, one in enumerate(changes):
        if one.id not in held:
            faults.append(fault(number, ("id",), f"There is no {noun} {one.id}"))
        elif first.setdefault(one.id, number) != number:
            faults.append(fault(number, ("id",), f"Row {first[one.id]} changes this {noun} already"))
    return faults


def _created(ids: list[int]) -> Response:
    return json_answer({"success": True, "created": len(ids), "ids": ids})


def _changed(count: int) -> Response:
    return json_answer({"success": True, "updated": count})
