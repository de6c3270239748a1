"""Do the journal's statistics take longer over 500,000 entries than over 5,000? And than counting anew, in Python?

Asked again and again, and after a write each time; and by group, where the entries themselves are read.
"""

import tempfile
from pathlib import Path

from benchmarks.data import ENTRIES, add_entries, new_database
from benchmarks.machine import resident
from benchmarks.plan import asked
from benchmarks.report import median, show
from benchmarks.servers import Server, answer_of, desk_alone, port_of, reference

MANY = 500_000
TEN_YEARS = 10 * 365.25 * 1_440
ALLOWED, AT_MOST = 2.0, 3e-3
WRITES = 60
PATH = "/api/journal/statistics"
BALANCED = f"{PATH}?balance=10000"
BY_GROUP = "/api/journal/breakdown?by={}"
DIMENSIONS = ("instrument", "side", "session", "hour", "weekday", "month", "setup", "tag")
ENTRY = {"symbol": "GBPUSD", "type": "BUY", "lots": 0.1, "entry": 1.31, "exit": 1.3125, "sl": 1.3}


def run(entries: int = MANY) -> None:
    """Print the figures."""
    print(f"GET {PATH}, ENABLE_CACHE=false, one client")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filled = folder / "filled.db"
        new_database(filled, signals=100)
        few = _uncached(folder / "few", filled, ENTRIES)
        with reference(folder / "few", filled) as plain:
            counted = asked(plain, PATH)
        show(f"{ENTRIES:,} entries; reference", f"{few * 1e3:.2f} ms; {counted * 1e3:.1f} ms")
        add_entries(filled, entries - ENTRIES, minutes=TEN_YEARS / entries)
        many = _uncached(folder / "many", filled, entries)
    show(f"{entries:,} entries", f"{many * 1e3:.2f} ms", f"<= {ALLOWED:g} times as long", met=many <= ALLOWED * few)


def _uncached(folder: Path, filled: Path, entries: int) -> float:
    """The median seconds of the statistics; prints what else is asked."""
    with desk_alone(folder, filled, ENABLE_CACHE="false") as desk:
        before = resident(desk.process.pid)
        first = _server_time(desk, PATH)
        _check(desk)
        grown = resident(desk.process.pid) - before
        show(f"{entries:,} entries, the first question", f"{first:.2f} s, + {grown:.1f} MiB")
        after = _after_writes(desk)
        least, middle = min(after), median(after)
        show(
            f"{entries:,} entries, after a write each: least; median",
            f"{least * 1e3:.2f}; {middle * 1e3:.2f} ms",
            f"<= {AT_MOST * 1e3:g} ms",
            met=middle <= AT_MOST,
        )
        for one in DIMENSIONS:
            took = min(_server_time(desk, BY_GROUP.format(one)) for _ in range(3))
            show(f"{entries:,} entries by {one}", f"{took * 1e3:.1f} ms")
        return asked(desk, BALANCED)


def _after_writes(desk: Server) -> list[float]:
    """The seconds that the server worked on the statistics, each time after an entry was written on another day."""
    found = []
    for number in range(WRITES):
        day = f"2025-{number % 10 + 1:02d}-{number % 28 + 1:02d}"
        written = desk.post("/api/journal/entries", ENTRY | {"openTime": f"{day} 09:00", "closeTime": f"{day} 10:00"})
        if not written.get("success"):
            raise RuntimeError(f"An entry was not written: {written}")
        found.append(_server_time(desk, BALANCED))
    return found


def _server_time(desk: Server, path: str) -> float:
    """What the server says it took, in seconds."""
    said = answer_of(port_of(desk), path).header("server-timing")
    return float(said.rpartition("dur=")[2]) / 1e3


def _check(desk: Server) -> None:
    if not desk.get(PATH).get("total_trades"):
        raise RuntimeError("There are no trades to count")
