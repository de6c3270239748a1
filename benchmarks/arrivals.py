"""How long do clients wait who come when they like, and not when the server has time for them?

Requests fall due at a constant rate, half and four fifths of what the closed loop reached in the same run; the time
counts from the moment a request was due, so that waiting for a free client counts too. The bare app is asked at the
same rates.
"""

import tempfile
from pathlib import Path

from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load, Seen
from benchmarks.data import filled_database
from benchmarks.lists import PATH, kept
from benchmarks.machine import client_core
from benchmarks.report import show
from benchmarks.servers import bare, desk_alone, port_of

CLIENTS = 100
SHARES = (0.5, 0.8)
SECONDS = 3.0
HEADERS = {"Accept-Encoding": "gzip"}


def run() -> None:
    """Print the figures."""
    print(f"GET {PATH}, kept, gzip, at a constant rate, {CLIENTS} connections; median/p99/longest from when due, ms")
    asked = request(PATH, HEADERS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with desk_alone(folder, filled_database()) as desk, bare(folder, kept(desk, HEADERS, PATH)) as alone:
            closed = send(Load(port_of(desk), [asked], CLIENTS, 1.0, core=client_core()))
            show("closed loop", f"{closed.rate:,.0f}/s", _latencies(closed))
            for share in SHARES:
                for what, server in (("AlphaForge", desk), ("bare", alone)):
                    load = Load(
                        port_of(server), [asked], CLIENTS, SECONDS, rate=share * closed.rate, core=client_core()
                    )
                    seen = send(load)
                    show(f"{share:.0%}: {share * closed.rate:,.0f}/s, {what}", f"{_latencies(seen)} ms", _doubts(seen))


def _latencies(seen: Seen) -> str:
    return "/".join(f"{value * 1e3:.2f}" for value in (seen.p50, seen.p99, seen.longest))


def _doubts(seen: Seen) -> str:
    """What speaks against the figures."""
    errors = f", errors: {seen.errors}" if seen.errors else ""
    return f"clients late by {seen.late * 1e3:.2f} ms (p99){errors}"
