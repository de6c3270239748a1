"""How much faster are 10,000 entries in one request than one by one? `python -m benchmarks bulk --rows 10000`."""

import json
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load
from benchmarks.data import filled_database
from benchmarks.machine import client_core
from benchmarks.report import show
from benchmarks.servers import Server, desk_alone, port_of
from benchmarks.soak import ENTRY

ROWS = 10_000
SECONDS = 3.0
TARGET = 20
PATH = "/api/journal/entries"


def run(rows: int = ROWS) -> None:
    """Print the figures."""
    print(f"{rows:,} journal entries: in one request, and at the rate of one by one")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with desk_alone(folder, filled_database()) as desk:
            asked = [request(PATH, body=json.dumps(ENTRY).encode())]
            single = send(Load(port_of(desk), asked, 1, SECONDS, expected=(200, 201), core=client_core()))
            at_once = _at_once(desk, rows)
    if single.errors:
        raise RuntimeError(f"One by one: {single.errors}")
    one_by_one = rows / single.rate
    times = one_by_one / at_once
    show("one by one, one client", f"{one_by_one:.1f} s", f"{single.p50 * 1e3:.2f} ms each")
    show("in one request", f"{at_once * 1e3:.0f} ms", f"{at_once / rows * 1e6:.0f} us each")
    show("times faster", f"{times:.0f}", f">= {TARGET}", met=times >= TARGET)


def _at_once(desk: Server, rows: int) -> float:
    body = json.dumps({"entries": [ENTRY] * rows}).encode()
    connection = HTTPConnection("127.0.0.1", port_of(desk), timeout=120)
    began = time.perf_counter()
    connection.request("POST", f"{PATH}/bulk", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    took = time.perf_counter() - began
    if answer.status not in (200, 201):
        raise RuntimeError(f"In one request: {answer.status} {said[:300]!r}")
    return took
