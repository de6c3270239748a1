"""Do the journal's statistics take longer over 500,000 entries than over 5,000? And than counting anew, in Python?"""

import tempfile
from pathlib import Path

from benchmarks.data import ENTRIES, add_entries, new_database
from benchmarks.plan import asked
from benchmarks.report import show
from benchmarks.servers import Server, desk_alone, reference

MANY = 500_000
ALLOWED = 2.0
PATH = "/api/journal/statistics"


def run(entries: int = MANY) -> None:
    """Print the figures."""
    print(f"GET {PATH}, ENABLE_CACHE=false, one client")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filled = folder / "filled.db"
        new_database(filled, signals=100)
        few = _uncached(folder / "few", filled)
        with reference(folder / "few", filled) as plain:
            counted = asked(plain, PATH)
        add_entries(filled, entries - ENTRIES)
        many = _uncached(folder / "many", filled)
    show(f"{ENTRIES:,} entries; reference", f"{few * 1e3:.2f} ms; {counted * 1e3:.1f} ms")
    show(f"{entries:,} entries", f"{many * 1e3:.2f} ms", f"<= {ALLOWED:g} times as long", met=many <= ALLOWED * few)


def _uncached(folder: Path, filled: Path) -> float:
    with desk_alone(folder, filled, ENABLE_CACHE="false") as desk:
        _check(desk)
        return asked(desk, PATH)


def _check(desk: Server) -> None:
    if not desk.get(PATH).get("total_trades"):
        raise RuntimeError("There are no trades to count")
