"""What does one core carry, and how does the cost grow with signals, entries, instruments, clients and processes?

Each at three sizes or more, the rest as usual; behind the values stands the slope by least squares. CPU is that of the
server, which others on the machine disturb less than times. `--only clients` measures one part. Minutes in all.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alphaforge.market.sandbox.listings import LISTED_INSTRUMENTS
from benchmarks.clients.listening import Hearing, all_listen, heard, listen
from benchmarks.clients.pipelined import Piece
from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load
from benchmarks.data import ENTRIES, SIGNALS, add_entries, filled_database, new_database
from benchmarks.even_market import NAMES
from benchmarks.lists import kept
from benchmarks.machine import client_core, peak, resident, worked
from benchmarks.report import median, show, slope
from benchmarks.servers import (
    WEEKDAY,
    Server,
    alphaforge,
    desk_processes,
    even_market,
    port_of,
    postgres_server,
    sandbox,
    until,
)
from benchmarks.workers import family, fill, sent

SIGNALS_STORED = (1_000, 10_000, 100_000)
ENTRIES_STORED = (5_000, 50_000, 500_000)
INSTRUMENTS = (3, 10, 30)
CLIENTS = (10, 100, 1_000)
PROCESSES = (1, 2, 3)
SECONDS = 0.7
GENERATE = "/api/signals/enhanced/generate"
GENERATIONS = 10
LIST, ENTRY_LIST, STATISTICS = "/api/signals?limit=100", "/api/journal/entries?limit=50", "/api/journal/statistics"
GZIP = {"Accept-Encoding": "gzip"}
QUIET = {"BACKGROUND_TASKS": "false"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one answer: seconds until it came (median), and of the server's CPU."""

    seconds: float
    work: float
    rate: float


def run(only: str = "") -> None:
    """Print the figures."""
    parts: dict[str, Callable[[], None]] = {
        "signals": _signals,
        "entries": _entries,
        "instruments": _instruments,
        "clients": _clients,
        "listeners": _listeners,
        "processes": _processes,
    }
    if only and only not in parts:
        raise SystemExit(f"--only one of: {', '.join(parts)}")
    for part in [only] if only else parts:
        began = time.monotonic()
        parts[part]()
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)


def grown(what: str, sizes: Sequence[int], values: Sequence[float], unit: str, *, per: str, step: int) -> None:
    """A row: the values, and by how much they grow with each `step` of the size."""
    growth = slope([(float(size), value) for size, value in zip(sizes, values, strict=True)]) * step
    show(what, f"{'; '.join(f'{value:.3g}' for value in values)} {unit}", f"{growth:+.3g} {unit} per {step:,} {per}")


def _signals() -> None:
    """What a list costs by how many signals are stored."""
    print(f"Signals stored: {'; '.join(f'{size:,}' for size in SIGNALS_STORED)}; one client")
    asked = {
        "list of 100": LIST,
        "  won, of gold": f"{LIST}&status=WON&symbol=GOLD",
        "  of a confidence that few have": f"{LIST}&min_confidence=94.9",
        "statistics of signals": "/api/signals/statistics",
    }
    _stored(SIGNALS_STORED, lambda path, size, _: _made(path, size, ENTRIES), asked, "signals", 100_000)


def _entries() -> None:
    """The same by journal entries."""
    print(f"Journal entries stored: {'; '.join(f'{size:,}' for size in ENTRIES_STORED)}; one client")

    def more(path: Path, size: int, before: int) -> None:
        if before:
            add_entries(path, size - before, seed=size)
        else:
            _made(path, SIGNALS, size)

    asked = {"journal statistics": STATISTICS, "list of 50": ENTRY_LIST, "  with a tag": f"{ENTRY_LIST}&tag=late"}
    _stored(ENTRIES_STORED, more, asked, "entries", 100_000)


def _made(path: Path, signals: int, entries: int) -> None:
    path.unlink(missing_ok=True)
    new_database(path, signals=signals, entries=entries)


def _stored(
    sizes: Sequence[int], make: Callable[[Path, int, int], None], asked: dict[str, str], what: str, step: int
) -> None:
    """Each question uncached, and the first from memory, at each size. `make(path, size, the size before)`."""
    found: dict[str, list[Cost]] = {}
    files, held, before = list[float](), list[float](), 0
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), WEEKDAY) as market:
        path = Path(name) / "filled.db"
        for size in sizes:
            make(path, size, before)
            before = size
            files.append(path.stat().st_size / 2**20)
            with alphaforge(Path(name) / f"fresh{size}", path, market, ENABLE_CACHE="false", **QUIET) as desk:
                for question, target in asked.items():
                    found.setdefault(f"{question}, uncached", []).append(_cost(desk, target))
                held.append(resident(desk.process.pid))
            first, target = next(iter(asked.items()))
            with alphaforge(Path(name) / f"kept{size}", path, market, **QUIET) as desk:
                kept(desk, {}, target)
                found.setdefault(f"{first}, cached", []).append(_cost(desk, target))
    for question, costs in found.items():
        grown(f"{question}: time", sizes, [cost.seconds * 1e3 for cost in costs], "ms", per=what, step=step)
        grown("  CPU of the server", sizes, [cost.work * 1e3 for cost in costs], "ms", per=what, step=step)
    grown("resident memory afterwards, without cache", sizes, held, "MiB", per=what, step=step)
    grown("database file", sizes, files, "MiB", per=what, step=step)


def _cost(desk: Server, target: str, clients: int = 1, headers: dict[str, str] | None = None) -> Cost:
    before = worked(desk.process.pid)
    load = Load(port_of(desk), [request(target, headers)], clients, SECONDS, warm_up=0.1, core=client_core())
    seen = send(load)
    if seen.errors:
        raise RuntimeError(f"{target}: {seen.errors}")
    return Cost(seen.p50, (worked(desk.process.pid) - before) / seen.total, seen.rate)


def _instruments() -> None:
    """What a generation costs, of how many instruments, and what the server holds."""
    print(f"Instruments: {'; '.join(map(str, INSTRUMENTS))}; OANDA imitated at 0 ms a request")
    took, work, held, most = list[float](), list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), WEEKDAY) as market:
        for size in INSTRUMENTS:
            names = {"INSTRUMENTS": ",".join(LISTED_INSTRUMENTS[:size])}
            with alphaforge(Path(name) / str(size), None, market, **QUIET, **names) as desk:
                until(partial(_all_decided, desk, size), f"{size} instruments are decided", desk.process)
                before, seconds = worked(desk.process.pid), list[float]()
                for _ in range(GENERATIONS):
                    began = time.perf_counter()
                    desk.post(GENERATE)
                    seconds.append(time.perf_counter() - began)
                took.append(median(seconds) * 1e3)
                work.append((worked(desk.process.pid) - before) / GENERATIONS * 1e3)
                held.append(resident(desk.process.pid))
                most.append(peak(desk.process.pid))
    grown("warm generation: time", INSTRUMENTS, took, "ms", per="instruments", step=10)
    grown("  CPU of the server, decisions included", INSTRUMENTS, work, "ms", per="instruments", step=10)
    grown("resident memory", INSTRUMENTS, held, "MiB", per="instruments", step=10)
    grown("  at its peak, windows being loaded", INSTRUMENTS, most, "MiB", per="instruments", step=10)


def _all_decided(desk: Server, size: int) -> bool:
    """Whether a generation brought a result for each instrument: the first load their windows."""
    results = desk.post(GENERATE).get("results", ())
    return len(results) == size and not any(one.get("error") for one in results)


def _clients() -> None:
    """What an answer from memory costs by how many ask at once."""
    print(f"Clients who ask as fast as they can: {'; '.join(f'{size:,}' for size in CLIENTS)}; kept list, gzip")
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), WEEKDAY) as market:
        with alphaforge(Path(name), filled_database(), market, log=False, **QUIET) as desk:
            kept(desk, GZIP, LIST)
            costs, held = list[Cost](), list[float]()
            for size in CLIENTS:
                costs.append(max((_cost(desk, LIST, size, GZIP) for _ in range(3)), key=lambda cost: cost.rate))
                held.append(peak(desk.process.pid))
    grown("answers a second, one core", CLIENTS, [cost.rate for cost in costs], "/s", per="clients", step=100)
    grown("  CPU of one", CLIENTS, [cost.work * 1e6 for cost in costs], "us", per="clients", step=100)
    grown("  median time", CLIENTS, [cost.seconds * 1e3 for cost in costs], "ms", per="clients", step=100)
    grown("resident memory at its peak", CLIENTS, held, "MiB", per="clients", step=100)


def _listeners() -> None:
    """What listeners of the stream cost."""
    print(f"Listeners of /api/stream: {'; '.join(f'{size:,}' for size in CLIENTS)}; 20 prices a second")
    held, work, late = list[float](), list[float](), list[float]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        market = stack.enter_context(even_market(folder, 2.0))
        names = {"INSTRUMENTS": ",".join(NAMES)}
        desk = stack.enter_context(alphaforge(folder / "desk", filled_database(), market, log=False, **names))
        for size in (1, *CLIENTS):  # what the first needs is there after it
            listening = listen(Hearing(port_of(desk), size, 4.0, core=client_core()))
            all_listen(listening)
            time.sleep(1.5)
            before = worked(desk.process.pid)
            time.sleep(2.0)
            work.append((worked(desk.process.pid) - before) / 2.0 * 100)
            held.append(resident(desk.process.pid))
            late.append(heard(listening).p99 * 1e3)
    grown("resident memory", CLIENTS, held[1:], "MiB", per="listeners", step=100)
    grown("  share of a core", CLIENTS, work[1:], "%", per="listeners", step=100)
    grown("  a price's delay, p99", CLIENTS, late[1:], "ms", per="listeners", step=100)


def _processes() -> None:
    """What more server processes bring."""
    print(f"Server processes on PostgreSQL: {'; '.join(map(str, PROCESSES))}; kept list, gzip; 16 connections")
    rates, work, held = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as name, postgres_server() as database, sandbox(Path(name), WEEKDAY) as market:
        for size in PROCESSES:
            with desk_processes(Path(name) / str(size), database, market, size) as desk:
                if size == PROCESSES[0]:
                    fill(desk)
                kept(desk, GZIP, LIST)
                piece = Piece(port_of(desk), request(LIST, GZIP), connections=16, seconds=SECONDS, servers=family(desk))
                found = max((sent(piece) for _ in range(4)), key=lambda one: one.rate)
                rates.append(found.rate)
                work.append(found.served / found.answers * 1e6)
                held.append(sum(resident(one) for one in family(desk)))
    grown("answers a second, all cores", PROCESSES, rates, "/s", per="processes", step=1)
    grown("  CPU of one", PROCESSES, work, "us", per="processes", step=1)
    grown("resident memory, the one that watches included", PROCESSES, held, "MiB", per="processes", step=1)
