"""Do 1,000 clients that stay connected get their answers, and does the server's memory stay as it is?

`python -m benchmarks crowd --seconds 60` for the whole minute.
"""

import tempfile
import threading
import time
from pathlib import Path

from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load, Seen
from benchmarks.data import filled_database
from benchmarks.machine import client_core, open_files, resident
from benchmarks.report import show, slope
from benchmarks.servers import Server, desk_alone, port_of

CLIENTS = 1_000
SECONDS = 8.0
SLOPE_TARGET = 1.0
LONG_ENOUGH = 20.0
"""Seconds below which a slope says little."""

PATHS = (
    "/api/signals?limit=100",
    "/api/signals/active",
    "/api/journal/statistics",
    "/api/signals/statistics",
    "/api/symbols",
)


def run(seconds: float = SECONDS) -> None:
    """Print the figures."""
    print(f"{CLIENTS:,} kept-alive clients for {seconds:.0f} s, five questions in turn, gzip")
    asked = [request(path, {"Accept-Encoding": "gzip"}) for path in PATHS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with desk_alone(folder, filled_database(), log=False) as desk:
            send(Load(port_of(desk), asked, CLIENTS, 1.0, core=client_core()))  # buffers grow to what they need
            before = open_files(desk.process.pid)
            seen, held = _watched(desk, Load(port_of(desk), asked, CLIENTS, seconds, core=client_core()))
            time.sleep(1.0)
            _report(seen, held, (before, open_files(desk.process.pid)))


def _report(seen: Seen, held: list[tuple[float, float]], files: tuple[int, int]) -> None:
    show("errors", str(seen.errors or "none"), "none", met=not seen.errors)
    show("answers", f"{seen.answers:,} = {seen.rate:,.0f}/s")
    figures = (seen.p50, seen.p99, seen.longest, seen.slowest_first)
    show("median/p99/longest/slowest first answer, ms", "/".join(f"{value * 1e3:.0f}" for value in figures))
    later = held[len(held) // 2 :]
    growth = slope(later) * 60
    is_judged = later[-1][0] - later[0][0] >= LONG_ENOUGH
    show(
        "resident memory at first, in the middle, at the end",
        "; ".join(f"{one[1]:.1f}" for one in (held[0], later[0], held[-1])) + " MiB",
    )
    show(
        "  its slope in the second half",
        f"{growth:+.2f} MiB/minute",
        f"<= {SLOPE_TARGET:g} MiB/minute",
        met=growth <= SLOPE_TARGET if is_judged else None,
    )
    show("open files before and after", f"{files[0]}; {files[1]}", "the same", met=files[1] <= files[0])


def _watched(desk: Server, load: Load) -> tuple[Seen, list[tuple[float, float]]]:
    """Send a crowd, and look at the server's memory (seconds, MiB) twice a second meanwhile."""
    seen: list[Seen] = []
    sending = threading.Thread(target=lambda: seen.append(send(load)))
    began, held = time.monotonic(), []
    sending.start()
    while sending.is_alive():
        held.append((time.monotonic() - began, resident(desk.process.pid)))
        sending.join(0.5)
    if not seen:
        raise RuntimeError("The clients broke; what they said is above")
    return seen[0], held
