"""Taking a backup beside a running server: one moment of everything, and no write of the server waits for it."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from alphaforge.core.errors import InvalidInput
from alphaforge.storage import adoption_sqlite
from alphaforge.storage.address import parse_address
from alphaforge.storage.adoption import State, not_adopted
from alphaforge.storage.backup import file, postgresql
from alphaforge.storage.failures import plainly
from alphaforge.storage.sqlite_driver import open_reader


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that is on the disk. `left_out`: tables and columns of PostgreSQL that are not AlphaForge's."""

    backup: file.Backup
    left_out: tuple[str, ...] = ()


def take(url: str, path: Path, tell: file.Tell, *, program: str, now: float, force: bool = False) -> Taken:
    """Write a backup of the database at `url` to `path`; blocks.

    Interrupted or failing, it leaves nothing. InvalidInput where `path` is taken and `force` is not given; the
    StorageError family for a database that cannot be read and a place that cannot be written.
    """
    address = parse_address(url)
    if path.is_dir() or (path.exists() and not force):
        what = "is a folder" if path.is_dir() else "is there already"
        raise InvalidInput(f"{path} {what}", advice="Name another file, or replace this one with --force.")
    if address.path is not None and path.exists() and path.samefile(address.path):
        raise InvalidInput(f"{path} is the database itself", advice="Name another file.")
    with file.new_file(path) as part:
        left_out: list[str] = []
        if address.path is not None:
            _copy_file(address.path, part, tell)
        else:
            left_out = asyncio.run(postgresql.copy_out(address, part, tell))
        file.describe(part, tell, program=program, source=address.dialect, taken_at=now)
        backup = replace(file.read_about(part), path=path)
    return Taken(backup, tuple(left_out))


def _copy_file(path: Path, part: Path, tell: file.Tell) -> None:
    state = adoption_sqlite.look(path)
    if state not in {State.CURRENT, State.OLDER}:
        raise not_adopted(str(path), state)
    with plainly(), closing(open_reader(path)) as source:
        file.copy_pages(source, part, tell)


def newest(folder: Path) -> Path:
    """The newest backup of a folder by its name; InvalidInput where there is none."""
    found = in_folder(folder)
    if not found:
        raise InvalidInput(f"There is no backup in {folder}", advice=f"Their names are like {_PATTERN}.")
    return found[-1]


_PATTERN = "alphaforge-*.backup"


def in_folder(folder: Path) -> list[Path]:
    """The backups of a folder that bear the name which `alphaforge backup` gives by itself, oldest first."""
    return sorted(path for path in folder.glob(_PATTERN) if path.is_file() and _is_backup(path))


def _is_backup(path: Path) -> bool:
    try:
        with closing(file.open_still(path)) as connection:
            return bool(connection.execute("PRAGMA application_id").fetchone()[0] == file.APPLICATION)
    except sqlite3.DatabaseError:
        return False
