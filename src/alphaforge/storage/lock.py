"""One process a SQLite file: a lock that the operating system takes back when its holder dies, however it dies."""

import os
import sys
from pathlib import Path
from typing import IO

from alphaforge.core.errors import DatabaseInUse, DatabaseUnwritable

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _take(file: IO[str]) -> None:
        file.seek(1_000)  # beyond the holder's number, so that others can read it
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

else:
    import fcntl

    def _take(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class ProcessLock:
    """Held while this process writes the database at `path`; the lock file beside it stays and means nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take it, or raise DatabaseInUse naming who holds it."""
        lock_path = self._path.with_name(self._path.name + ".lock")
        try:
            file = lock_path.open("a+", encoding="utf-8")
        except OSError as error:
            message = f"{lock_path} cannot be written: {error.strerror}"
            raise DatabaseUnwritable(
                message, advice="Give this user write access to the folder of the database."
            ) from error
        try:
            _take(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise DatabaseInUse(_in_use(self._path, holder), advice=_ADVICE) from error
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


_ADVICE = (
    "Stop that process first, or give this one another DATABASE_URL. Several processes on one database need PostgreSQL."
)


def _in_use(path: Path, holder: str) -> str:
    who = "this very process" if holder == str(os.getpid()) else f"process {holder}"
    return f"{path} is in use by {who}"
