"""`alphaforge backup` and `alphaforge restore`."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaforge.cli.opening import busy_server
from alphaforge.cli.output import AsJson, note, print_json, print_table, progress, say
from alphaforge.cli.state import state
from alphaforge.core.errors import InvalidInput

if TYPE_CHECKING:
    from alphaforge.storage.backup.file import Backup  # `--help` needs none of it

_MEGABYTE = 1_000_000
_DIGITS = 12
_STOP_FIRST = "Stop the server first: nothing is restored beneath a running one."


def backup(
    path: Annotated[Path, typer.Argument(help="A file, or a folder, which gets one that is named by the time.")],
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Only check the backup there, of a folder the newest.")] = (
        False
    ),
    keep: Annotated[int | None, typer.Option(min=1, help="Leave so many in the folder, and remove older ones.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write everything the database holds at one moment to a file; works beside a running server."""
    settings = state.settings()
    from alphaforge.storage.backup.taking import in_folder, newest, take  # noqa: PLC0415 - `--help` needs none of it

    folder = path if path.is_dir() else None
    if keep is not None and folder is None:
        raise InvalidInput("--keep is for a folder", advice=f"{path} is none; create it, or leave --keep out.")
    began = time.monotonic()
    if verify:
        from alphaforge.storage.backup.file import verify as verified  # noqa: PLC0415 - the same

        with _telling() as tell:
            checked = verified(newest(folder) if folder else path, tell)
        _answer("Whole", checked, began, as_json=as_json)
        return
    now = time.time()
    target = folder / f"alphaforge-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.backup" if folder else path
    url = settings.database_url.get_secret_value()
    with _telling() as tell:
        taken = take(url, target, tell, program=_version(), now=now, force=force)
    removed = in_folder(folder)[:-keep] if folder and keep else []
    for old in removed:
        old.unlink()
    for name in taken.left_out:
        note(f"Not AlphaForge's, and not in the backup: {name}")
    _answer("Backed up", taken.backup, began, as_json=as_json, removed=removed)


def restore(
    path: Annotated[Path, typer.Argument(help="A file that `alphaforge backup` made, of either kind of database.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there; a SQLite file is kept beside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make DATABASE_URL what a backup holds, once all of it is proven whole; the server must be stopped."""
    settings = state.settings()
    from alphaforge.storage.backup.restoring import restore as restored  # noqa: PLC0415 - `--help` needs none of it

    began = time.monotonic()
    with busy_server(_STOP_FIRST), _telling() as tell:
        done = restored(settings.database_url.get_secret_value(), path, tell, now=time.time(), force=force)
    for name in done.left_out:
        note(f"Not AlphaForge's, and not restored: {name}")
    _answer("Restored", done.backup, began, as_json=as_json, into=done.where, instead_of=done.instead_of)
    if done.instead_of and not as_json:
        say(f"What it replaced is kept at {done.instead_of}.")


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - costs a moment

    return version("alphaforge")


def _answer(what: str, found: "Backup", began: float, *, as_json: bool, **more: Any) -> None:  # noqa: ANN401 - for JSON
    seconds, size = time.monotonic() - began, found.path.stat().st_size
    if as_json:
        about = {"path": str(found.path), "taken_at": datetime.fromtimestamp(found.taken_at, UTC)}
        about |= {"source": found.source, "program": found.program, "revision": found.revision}
        about |= {"rows": found.rows, "bytes": size, "seconds": round(seconds, 3), "tables": found.contents}
        print_json(about | {key: _plain(value) for key, value in more.items()})
        return
    taken = f"{found.source} as of {datetime.fromtimestamp(found.taken_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    rows = [(content.table, content.rows, content.digest[:_DIGITS]) for content in found.contents]
    print_table(what, ("table", ">rows", "digest"), rows)
    say(f"{found.path}: {found.rows:,} rows of {taken}, {size / _MEGABYTE:,.1f} MB, in {seconds:.1f} s")
    for old in more.get("removed", []):
        note(f"Removed {old}")


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [str(one) for one in value]
    return None if value is None else str(value)


@contextmanager
def _telling() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each part of the work on a terminal; elsewhere a line when a part begins."""
    begun: dict[str, Any] = {}
    with progress() as bar:

        def tell(what: str, done: int, of: int) -> None:
            if what not in begun:
                begun[what] = bar.add_task(what, total=of)
                if not sys.stderr.isatty():
                    note(f"{what} ...")
            bar.update(begun[what], completed=done, total=of)

        yield tell
