"""What does each optimization bring? Everything on, then each switched off alone, then all of them off.

Answers a second to 50 clients that accept gzip. `no shortcut`: kept answers, but through every layer, as a request with
an id of its own takes it.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load, Seen
from benchmarks.data import filled_database
from benchmarks.lists import kept
from benchmarks.machine import client_core
from benchmarks.report import show
from benchmarks.servers import WEEKDAY, Server, alphaforge, port_of, reference, sandbox

CLIENTS = 50
SECONDS = 1.0
LIST, STATISTICS = "/api/signals?limit=100", "/api/journal/statistics"
GZIP = {"Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Case:
    """What is off, by the server's settings and by what is asked with."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    tagged: bool = False


CASES = (
    Case("everything on"),
    Case("  and the client has it already (304)", tagged=True),
    Case("no shortcut before the layers", headers={"X-Request-ID": "benchmark"}),
    Case("ENABLE_COMPRESSION=false", {"ENABLE_COMPRESSION": "false"}),
    Case("ENABLE_CACHE=false", {"ENABLE_CACHE": "false"}),
    Case("both off", {"ENABLE_CACHE": "false", "ENABLE_COMPRESSION": "false"}),
    Case("RATE_LIMIT_PER_MINUTE=0", {"RATE_LIMIT_PER_MINUTE": "0"}),
    Case("LOG_LEVEL=WARNING", {"LOG_LEVEL": "WARNING"}),
)


def run() -> None:
    """Print the figures."""
    print(f"What each switch brings: {CLIENTS} clients; list of 100 signals, journal statistics, bytes of a list")
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), WEEKDAY) as market:
        folder = Path(name)
        filled = filled_database()
        best = 0.0
        for settings in list(dict.fromkeys(tuple(case.settings.items()) for case in CASES)):
            with alphaforge(folder / str(hash(settings)), filled, market, log=True, **dict(settings)) as desk:
                for case in [case for case in CASES if tuple(case.settings.items()) == settings]:
                    rate = _show(desk, case, best)
                    best = best or rate
        with reference(folder / "reference", filled) as plain:
            _show(plain, Case("the plain reference"), best)


def _show(server: Server, case: Case, best: float) -> float:
    headers = {**GZIP, **case.headers}
    if case.tagged:
        headers["If-None-Match"] = kept(server, headers, LIST).etag
    size = len(kept(server, headers, LIST).body)
    lists, statistics = (_asked(server, path, headers) for path in (LIST, STATISTICS))
    share = f"{lists.rate / best:.1%} of the first" if best else ""
    errors = "".join(f"; {one.errors}" for one in (lists, statistics) if one.errors)
    show(case.name, f"{lists.rate:,.0f}/s; {statistics.rate:,.0f}/s", f"{size / 1000:.1f} KB; {share}{errors}")
    return lists.rate


def _asked(server: Server, path: str, headers: Mapping[str, str]) -> Seen:
    return send(Load(port_of(server), [request(path, headers)], CLIENTS, SECONDS, core=client_core()))
