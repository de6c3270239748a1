"""The database: readable, ours, whole, writable, with room to grow."""

import asyncio
import os
import shutil
import sqlite3
from pathlib import Path

from alphaforge.cli.checks import Check, failed, good, notice, skipped
from alphaforge.core.errors import AlphaForgeError
from alphaforge.settings import Settings
from alphaforge.storage import adoption_sqlite
from alphaforge.storage.address import parse_address
from alphaforge.storage.adoption import State as Stage
from alphaforge.storage.engine import Database
from alphaforge.storage.health import complaints, contradictions

_MEGABYTE = 1_000_000
_TIGHT, _TOO_TIGHT = 1_000 * _MEGABYTE, 100 * _MEGABYTE
_TO_COME = {
    Stage.EMPTY: "not there yet; the first start creates it",
    Stage.PREDECESSOR: "the predecessor's; the next start keeps a copy and adopts it",
    Stage.OLDER: "of an older version; the next start migrates it",
}


async def database_checks(settings: Settings) -> list[Check]:
    """Everything about the database, without changing it."""
    url = settings.database_url.get_secret_value()
    try:
        address = parse_address(url)
        stage = await asyncio.to_thread(adoption_sqlite.look, address.path) if address.path else Stage.CURRENT
    except AlphaForgeError as error:
        return [failed("database", error.message, error.advice)]
    found = [good("database", f"{address.for_people}: {_TO_COME[stage]}")] if stage in _TO_COME else await _open(url)
    if address.path is not None:
        found += [_writable(address.path), _room(address.path)]
    return found


async def _open(url: str) -> list[Check]:
    try:
        database = await Database.open(url, read_only=True)
    except AlphaForgeError as error:
        return [failed("database", error.message, error.advice)]
    try:
        what = f"{database.url_for_people}, {database.dialect}"
        if database.dialect == "sqlite":
            what += f" {sqlite3.sqlite_version}"
        damage = await complaints(database)
        wrong = [] if damage else await contradictions(database)
    except AlphaForgeError as error:
        return [failed("database", error.message, error.advice)]
    finally:
        await database.close()
    if damage:
        advice = "Stop the server, keep a copy of the file, and go back to the newest backup: see docs/operations.md."
        return [good("database", what), failed("integrity", "; ".join(damage), advice)]
    whole = (
        good("integrity", "whole") if database.dialect == "sqlite" else skipped("integrity", "PostgreSQL's own care")
    )
    return [good("database", what), whole, _agreement(wrong)]


def _agreement(wrong: list[str]) -> Check:
    if wrong:
        advice = (
            "Back up and restore it: both are counted anew. Please report it: AlphaForge keeps them right by itself."
        )
        return failed("agreement", "; ".join(wrong), advice)
    return good("agreement", "the journal's totals are the sums of its entries")


def _writable(path: Path) -> Check:
    for place in (path, path.parent):
        if place.exists() and not os.access(place, os.W_OK):
            return failed("writable", f"{place} cannot be written", "Give this user write access to file and folder.")
    return good("writable", str(path.parent))


def _room(path: Path) -> Check:
    free = shutil.disk_usage(path.parent).free
    found = f"{free // _MEGABYTE:,} MB free at {path.parent}"
    if free < _TOO_TIGHT:
        return failed("disk", found, "Make room before the database cannot grow any more.")
    return notice("disk", found, "Make room before it gets tight.") if free < _TIGHT else good("disk", found)
