"""What does measuring cost? Kept answers a second with metrics and without, and with traces of 1 in 100.

All servers are there at once, on one core, and take turns; a cost is the median over pairs of one round. Beside it the
server's CPU for an answer, which wavers less, and two servers with the same settings, whose difference is what cannot
be told from nothing. All are begun anew between: where a process's memory lies makes some hundredths while it lives.
"""

import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load
from benchmarks.data import filled_database
from benchmarks.lists import PATH, kept
from benchmarks.machine import client_core, worked
from benchmarks.report import median, show
from benchmarks.servers import WEEKDAY, Server, alphaforge, port_of, sandbox

STARTS, PAIRS = 6, 3
SECONDS = 0.6
CLIENTS = (16, 100)
SAMPLED = "0.01"
METRICS_TARGET, TRACES_TARGET = 0.08, 0.03

OFF, ON, SAME, TRACED = "metrics off", "metrics on", "the same again", "traces of 1 in 100"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one server costs beyond another; `target` as a share of the throughput."""

    what: str
    server: str
    against: str
    target: float | None = None


COMPARED = (
    Comparison("no difference (two servers alike)", SAME, ON),
    Comparison("metrics", ON, OFF, METRICS_TARGET),
    Comparison("traces of 1 in 100", TRACED, ON, TRACES_TARGET),
)


@dataclass(frozen=True, slots=True)
class Round:
    """Answers a second, and seconds of the server's CPU for one."""

    rate: float
    work: float


def run(starts: int = STARTS, pairs: int = PAIRS) -> None:
    """Print the figures."""
    print(f"GET {PATH}, kept; {starts} times {pairs} rounds of {SECONDS:g} s, in turn; limits and logs on")
    found: dict[str, dict[str, list[Round]]] = defaultdict(lambda: defaultdict(list))
    with _sink() as (sink, received):
        for _ in range(starts):
            for what, rounds in _once(_cases(sink), pairs):
                for name, some in rounds.items():
                    found[what][name] += some
    for what, rounds in found.items():
        _report(what, rounds)
    show("what the collector of traces was sent", f"{len(received)} times, {sum(received) / 1000:.0f} KB", "something")


def _once(cases: Mapping[str, dict[str, str]], pairs: int) -> Iterator[tuple[str, dict[str, list[Round]]]]:
    """What servers that were just begun take, by what they are asked."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        market = stack.enter_context(sandbox(folder, WEEKDAY))
        desks = {
            name: stack.enter_context(alphaforge(folder / name, filled_database(), market, **settings))
            for name, settings in cases.items()
        }
        for what, headers in _variants(desks).items():
            for clients in CLIENTS:
                yield f"{what}, {clients} clients", _in_turn(desks, headers, clients, pairs)


def _cases(sink: str) -> dict[str, dict[str, str]]:
    quiet = {"BACKGROUND_TASKS": "false"}
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink, "OTEL_TRACES_SAMPLER_ARG": SAMPLED}
    return {
        OFF: {**quiet, "ENABLE_METRICS": "false"},
        ON: quiet,
        SAME: quiet,
        TRACED: {**quiet, **traced},
    }


def _variants(desks: Mapping[str, Server]) -> dict[str, dict[str, Mapping[str, str]]]:
    """What each server is asked with, by name; all of it is kept after this."""
    compressed = {"Accept-Encoding": "gzip"}
    tags = {name: kept(desk, compressed, PATH).etag for name, desk in desks.items()}
    unchanged = {name: {**compressed, "If-None-Match": tag} for name, tag in tags.items()}
    return {"gzip": dict.fromkeys(desks, compressed), "304": unchanged}


def _in_turn(
    desks: Mapping[str, Server], headers: Mapping[str, Mapping[str, str]], clients: int, rounds: int
) -> dict[str, list[Round]]:
    """Each round asks all of them, beginning with another one each time."""
    names, found = list(desks), {name: list[Round]() for name in desks}
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            desk = desks[name]
            asked = request(PATH, headers[name])
            before = worked(desk.process.pid)
            seen = send(Load(port_of(desk), [asked], clients, SECONDS, core=client_core()))
            if seen.errors:
                raise RuntimeError(f"{name}: {seen.errors}")
            found[name].append(Round(seen.rate, (worked(desk.process.pid) - before) / seen.total))
    return found


def _report(what: str, found: Mapping[str, list[Round]]) -> None:
    print(f"  {what}")
    for name, rounds in found.items():
        rate, work = median([one.rate for one in rounds]), median([one.work for one in rounds])
        show(f"  {name}: answers; CPU of one", f"{rate:,.0f}/s; {work * 1e6:.1f} us")
    for one in COMPARED:
        pairs = list(zip(found[one.server], found[one.against], strict=True))
        lost = 1 - median([ours.rate / theirs.rate for ours, theirs in pairs])
        work = median([ours.work / theirs.work for ours, theirs in pairs]) - 1
        limit = "" if one.target is None else f"<= {one.target:.0%} of the answers"
        met = None if one.target is None else lost <= one.target
        show(f"  cost of {one.what}: answers; CPU", f"{lost:+.1%}; {work:+.1%}", limit, met=met)


@contextmanager
def _sink() -> Iterator[tuple[str, list[int]]]:
    """A collector of traces that takes everything and keeps only the sizes; its address, and those."""
    received: list[int] = []

    class Swallow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            received.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Swallow)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
