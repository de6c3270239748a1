"""How fast does a whole journal leave the server, and in how much memory?

`python -m benchmarks exports --rows 1000000` for a million entries; the database is made first, which takes a while.
"""

import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

from alphaforge.core.memory import forget_peak
from benchmarks.data import new_database
from benchmarks.machine import peak, resident
from benchmarks.report import show
from benchmarks.servers import Server, desk_alone, port_of

ROWS = 100_000
MEMORY_TARGET = 40.0
FORMATS = ("ndjson", "csv")
_PIECE = 256 * 1024


def run(rows: int = ROWS) -> None:
    """Print the figures."""
    print(f"Export of {rows:,} journal entries")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new_database(folder / "filled.db", signals=100, entries=rows)
        with desk_alone(folder, folder / "filled.db") as desk:
            for form in FORMATS:
                _export(desk, form, rows)


def _export(desk: Server, form: str, rows: int) -> None:
    process = desk.process.pid
    idle = resident(process)
    forget_peak(process)
    began = time.perf_counter()
    lines, size = _read(desk, f"/api/journal/export?format={form}")
    took = time.perf_counter() - began
    if lines < rows:
        raise RuntimeError(f"{form}: {lines:,} lines instead of {rows:,}")
    above = peak(process) - idle
    show(f"{form}: {size / 1e6:.0f} MB", f"{took:.1f} s = {rows / took:,.0f} rows/s")
    show("  memory above idle", f"{above:.1f} MiB", f"<= {MEMORY_TARGET:g} MiB", met=above <= MEMORY_TARGET)


def _read(desk: Server, path: str) -> tuple[int, int]:
    """Lines and bytes of an answer that is read as it comes."""
    connection = HTTPConnection("127.0.0.1", port_of(desk), timeout=120)
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.read(300)!r}")
    lines = size = 0
    while piece := answer.read(_PIECE):
        lines += piece.count(b"\n")
        size += len(piece)
    return lines, size
