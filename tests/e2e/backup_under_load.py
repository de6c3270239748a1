"""Back up a server's database while it is written as fast as it goes, restore each backup elsewhere, and compare.

    python tests/e2e/backup_under_load.py --backups 5 --fill 300000

Several clients post journal entries and signals, each a numbered sequence of its own, and remember what was
acknowledged when. In their midst the command line takes backups. Of each one: every item that was acknowledged before
it began is in it; of each sequence it holds a beginning without a gap; each row is, column for column, what the live
database has under its id; restored into an empty database of either kind every table is equal, row by row; and the
doctor is content. What the backups cost the writers is printed.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import asyncpg
from processes import Server, server
from rich.console import Console

from alphaforge.storage.engine import Database
from backups import taken
from servers import postgres_server

console = Console(stderr=True)

WRITERS = 4
PAUSE = 0.3
ENTRY = {"openTime": "2025-07-07 06:00", "symbol": "GBPUSD", "type": "BUY", "lots": 0.1, "entry": 1.36, "pnl": 1.1}
SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
WRITTEN = ("journal_entries", "trading_signals")
ITS_OWN = {"journal_changes", "leases", "jobs", "process_figures", "performance_minutes"}
"""What a restored database must not have as the original had it."""
BY_THE_KIND = {"journal_totals"}
"""What the two kinds round differently."""

Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class Writer:
    """A client with a sequence of its own. `sent` and `acknowledged`: the newest number; `took`: (start, seconds)."""

    name: int
    sent: int = 0
    acknowledged: int = 0
    took: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def work(self, desk: Server, stop: threading.Event) -> None:
        """Post item after item; a fourth of them signals."""
        while not stop.is_set():
            self.sent += 1
            note = {"notes": f"{self.name}:{self.sent}"}
            path, body = ("/api/signals", SIGNAL) if self.sent % 4 == 0 else ("/api/journal/entries", ENTRY)
            began = time.monotonic()
            answer = desk.post(path, body | note)
            self.took.append((began, time.monotonic() - began))
            if "id" not in answer and not answer.get("success"):
                self.failures.append(str(answer))
                return
            self.acknowledged = self.sent


@dataclass(frozen=True, slots=True)
class Shot:
    """A backup, and where each sequence was just before it began and just after it ended."""

    path: Path
    said: dict[str, Any]
    before: list[int]
    after: list[int]
    window: tuple[float, float]


@dataclass(slots=True)
class Proof:
    """What came of one kind of database. `restored`: seconds by the kind restored into."""

    kind: str
    shots: list[Shot] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    acknowledged: int = 0
    restored: dict[str, list[float]] = field(default_factory=dict)

    def claim(self, holds: bool, what: str) -> None:  # noqa: FBT001 - a claim is a boolean
        """Note what does not hold."""
        if not holds:
            self.faults.append(f"{self.kind}: {what}")


def prove(kind: str, folder: Path, new_database: Callable[[str], str], *, backups: int, fill: int) -> Proof:
    """Write to a server over a database of `kind`, back it up meanwhile, and hold every backup to what it must be.

    `new_database` makes an empty one of a kind; `fill`: candles that are there before.
    """
    url, proof = new_database(kind), Proof(kind)
    asyncio.run(_filled(url, fill))
    quiet = {"DATABASE_URL": url, "BACKGROUND_TASKS": "false"}
    with server(folder, None, **quiet) as desk:
        with _writing(desk, proof) as writers:
            for number in range(backups):
                time.sleep(PAUSE)
                proof.shots.append(_shot(url, folder / f"{kind}-{number}.backup", writers))
            time.sleep(PAUSE)
        live = {table: asyncio.run(rows_of(url, table)) for table in WRITTEN}
    for shot in proof.shots:
        _hold_to_writers(proof, shot)
        _hold_to_live(proof, shot, live)
        for other in ("sqlite", "postgresql"):
            _hold_restored(proof, shot, other, new_database(other))
    return proof


@contextmanager
def _writing(desk: Server, proof: Proof) -> Iterator[list[Writer]]:
    writers, stop = [Writer(number) for number in range(WRITERS)], threading.Event()
    threads = [threading.Thread(target=one.work, args=(desk, stop)) for one in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    windows = [shot.window for shot in proof.shots]
    for began, seconds in (one for writer in writers for one in writer.took):
        meets = any(began < end and began + seconds > start for start, end in windows)
        (proof.beside if meets else proof.quiet).append(seconds)
    proof.acknowledged = sum(writer.acknowledged for writer in writers)
    proof.faults += [failure for writer in writers for failure in writer.failures]


def command(url: str, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Run the command line over a database; its exit code and its JSON."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "alphaforge", *map(str, arguments), "--json"],
        env=os.environ | {"DATABASE_URL": url, "PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "{}") | {"said": done.stderr}


def _shot(url: str, path: Path, writers: list[Writer]) -> Shot:
    before, began = [writer.acknowledged for writer in writers], time.monotonic()
    code, said = command(url, "backup", path)
    window = began, time.monotonic()
    return Shot(path, said | {"code": code}, before, [writer.sent for writer in writers], window)


def _hold_to_writers(proof: Proof, shot: Shot) -> None:
    proof.claim(shot.said["code"] == 0, f"{shot.path.name}: {shot.said['said']}")
    proof.claim((shot.path.stat().st_mode & 0o777) == 0o600, "others may read the backup")
    kept: dict[int, set[int]] = {number: set() for number in range(WRITERS)}
    with closing(sqlite3.connect(shot.path)) as backup:
        for table in WRITTEN:
            for (note,) in backup.execute(f"SELECT notes FROM {table}"):  # noqa: S608 - names of this module
                writer, number = note.split(":")
                kept[int(writer)].add(int(number))
    for writer, numbers in kept.items():
        proof.claim(numbers == set(range(1, len(numbers) + 1)), f"{shot.path.name}: writer {writer} has a gap")
        within = shot.before[writer] <= len(numbers) <= shot.after[writer]
        proof.claim(within, f"{shot.path.name}: writer {writer} had {shot.before[writer]}, the backup {len(numbers)}")


def _hold_to_live(proof: Proof, shot: Shot, live: dict[str, Rows]) -> None:
    """The server changes nothing that was posted, so each row must still be there as the backup has it."""
    for table in WRITTEN:
        kept = asyncio.run(rows_of(f"sqlite:///{shot.path}", table))
        proof.claim(set(kept) <= set(live[table]), f"{shot.path.name}: {table} has rows that the live one has not")
        proof.claim(len(kept) == len(set(kept)), f"{shot.path.name}: {table} has a row twice")


def _hold_restored(proof: Proof, shot: Shot, kind: str, url: str) -> None:
    what = f"{shot.path.name} in {kind}"
    began = time.monotonic()
    code, said = command(url, "restore", shot.path)
    proof.restored.setdefault(kind, []).append(time.monotonic() - began)
    proof.claim(code == 0, f"{what}: {said['said']}")
    tables = {one["table"]: one["digest"] for one in shot.said["tables"]}
    for table in tables.keys() - ITS_OWN - (BY_THE_KIND if kind != proof.kind else set()):
        there = asyncio.run(rows_of(url, table)) == asyncio.run(rows_of(f"sqlite:///{shot.path}", table))
        proof.claim(there, f"{what}: {table} differs")
    again = taken(url, shot.path.with_suffix(f".{kind}")).backup
    differing = {one.table for one in again.contents if one.digest != tables[one.table]}
    proof.claim(differing <= ITS_OWN | BY_THE_KIND, f"{what}: digests differ: {sorted(differing)}")
    code, found = command(url, "doctor")
    wrong = [check for check in found["checks"] if check["state"] == "failed"]
    proof.claim(code == 0 and not wrong, f"{what}: the doctor says {wrong}")


async def rows_of(url: str, table: str) -> Rows:
    """Every row of a table, columns and rows in one order for both kinds, read without any code of ours."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            names = sorted(name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)))
            found: Any = connection.execute(_select(names, table)).fetchall()
    else:
        driver = await asyncpg.connect(url)
        asked = "SELECT column_name FROM information_schema.columns WHERE table_name = $1"
        names = sorted(row[0] for row in await driver.fetch(asked, table))
        found = await driver.fetch(_select(names, table))
        await driver.close()
    return sorted((tuple(_plain(value) for value in row) for row in found), key=repr)


def _select(names: list[str], table: str) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'SELECT {columns} FROM "{table}"'  # noqa: S608 - names of the database's own


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    return int(value) if isinstance(value, bool) else value


async def _filled(url: str, candles: int) -> None:
    """Our tables, and so many candles in them."""
    database = await Database.open(url)
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {candles})"  # noqa: S608 - a number
        if database.dialect == "sqlite"
        else f"WITH n AS (SELECT generate_series(1, {candles}) AS i)"
    )
    packed = (
        "randomblob(104)" if database.dialect == "sqlite" else "decode(substr(repeat(md5(i::text), 7), 1, 208), 'hex')"
    )
    async with database.write("candles") as connection:
        await connection.exec_driver_sql(
            f"INSERT INTO candles (source, instrument, time, packed) {numbers}"  # noqa: S608 - numbers and names of ours
            f" SELECT 'import', 'GBP_USD', i * 300, {packed} FROM n WHERE i <= {candles}"
        )
    await database.close()


@contextmanager
def new_databases(folder: Path, postgres: str) -> Iterator[Callable[[str], str]]:
    """Empty databases by their kind, as many as wanted; those of the server go at the end."""
    made: list[str] = []

    def new(kind: str) -> str:
        name = f"desk_{os.getpid()}_{time.time_ns()}"
        if kind == "sqlite":
            return f"sqlite:///{folder / name}.db"
        asyncio.run(_on_server(postgres, f"CREATE DATABASE {name} TEMPLATE template0"))
        made.append(name)
        return f"{postgres.rpartition('/')[0]}/{name}"

    try:
        yield new
    finally:
        for name in made:
            asyncio.run(_on_server(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


async def _on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def _report(proof: Proof) -> None:
    rows = [shot.said["rows"] for shot in proof.shots]
    seconds = [shot.said["seconds"] for shot in proof.shots]
    console.print(f"[bold]{proof.kind}[/]: {proof.acknowledged} writes of {WRITERS} clients acknowledged")
    console.print(f"  backups of {min(rows):,} to {max(rows):,} rows in {min(seconds):.1f} to {max(seconds):.1f} s")
    for kind, took in proof.restored.items():
        console.print(f"  restored into {kind} in {min(took):.1f} to {max(took):.1f} s, the command's start included")
    for name, took in (("between backups", sorted(proof.quiet)), ("beside a backup", sorted(proof.beside))):
        if took:
            middle, late = (1_000 * took[int(len(took) * share)] for share in (0.5, 0.99))
            console.print(
                f"  a write {name}: {middle:.1f} ms (median), {late:.1f} (p99), {1_000 * took[-1]:.1f} (most)"
            )
    for fault in proof.faults[:20]:
        console.print(f"  [red]{fault}")


def main() -> int:
    """0 where every claim holds for every backup."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backups", type=int, default=5)
    parser.add_argument("--fill", type=int, default=300_000)
    given = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="alphaforge-backups-") as folder, postgres_server() as postgres:
        with new_databases(Path(folder), postgres) as new_database:
            for kind in ("sqlite", "postgresql"):
                proof = prove(kind, Path(folder), new_database, backups=given.backups, fill=given.fill)
                _report(proof)
                faults += len(proof.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
