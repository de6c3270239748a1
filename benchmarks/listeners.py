"""Do thousands who listen to the stream hear every price in time, and what does each of them cost?

2,000 real connections and 20 prices a second; then 1,000 of them beside 1,000 kept-alive clients who read as fast as
they can. A price's time runs from the moment that its id says, when the desk learned of it, until it was read.
"""

import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.clients.listening import Heard, Hearing, all_listen, heard, listen
from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load, Seen
from benchmarks.crowd import PATHS
from benchmarks.data import filled_database
from benchmarks.even_market import NAMES
from benchmarks.machine import client_core, open_files, resident, worked
from benchmarks.report import show
from benchmarks.servers import Server, alphaforge, even_market, port_of

LISTENERS = 2_000
READERS = 1_000
SECONDS = 20.0
SPEED = 2.0
P99_TARGET = 0.25
EACH_TARGET = 60.0


def run(listeners: int = LISTENERS, seconds: float = SECONDS) -> None:
    """Print the figures."""
    print(f"{listeners:,} listeners of GET /api/stream for {seconds:.0f} s")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        market = stack.enter_context(even_market(folder, SPEED))
        names = {"INSTRUMENTS": ",".join(NAMES)}
        desk = stack.enter_context(alphaforge(folder / "desk", filled_database(), market, log=False, **names))
        _alone(desk, listeners, seconds)
        _beside_readers(desk, listeners // 2, seconds)


def _alone(desk: Server, listeners: int, seconds: float) -> None:
    process = desk.process.pid
    first = listen(Hearing(port_of(desk), 1, 1.0))  # what the first listener needs is there after this
    all_listen(first)
    heard(first)
    time.sleep(2.0)
    idle, files, idle_work = resident(process), open_files(process), _share(process, 3.0)
    listening = listen(Hearing(port_of(desk), listeners, seconds, core=client_core()))
    all_listen(listening)
    time.sleep(seconds / 2)
    held, share = resident(process), _share(process, seconds / 4)
    found = heard(listening)
    _report(found, seconds)
    each = (held - idle) * 1024 / listeners
    show("resident memory of each", f"{each:.1f} KiB", f"<= {EACH_TARGET:g} KB", met=each * 1.024 <= EACH_TARGET)
    show("share of a core, without them; with them", f"{idle_work:.0%}; {share:.0%}")
    time.sleep(2.0)
    show("open files before and after", f"{files}; {open_files(process)}", "the same", met=open_files(process) <= files)


def _beside_readers(desk: Server, listeners: int, seconds: float) -> None:
    print(f"{listeners:,} listeners beside {READERS:,} kept-alive readers, five questions in turn, gzip")
    asked = [request(path, {"Accept-Encoding": "gzip"}) for path in PATHS]
    seen: list[Seen] = []
    listening = listen(Hearing(port_of(desk), listeners, seconds, core=client_core()))
    all_listen(listening)
    reading = threading.Thread(
        target=lambda: seen.append(send(Load(port_of(desk), asked, READERS, seconds, core=client_core())))
    )
    reading.start()
    found = heard(listening)
    reading.join()
    _report(found, seconds)
    show("errors of readers", str(seen[0].errors or "none"), "none", met=not seen[0].errors)
    show("answers", f"{seen[0].answers:,} = {seen[0].rate:,.0f}/s")


def _report(found: Heard, seconds: float) -> None:
    show("prices told", f"{found.prices:,}; {found.each / seconds:.1f}/s each")
    figures = "/".join(f"{value * 1e3:.0f}" for value in (found.p50, found.p99, found.longest))
    show("median/p99/longest, ms", figures, f"p99 <= {P99_TARGET * 1e3:g} ms", met=found.p99 <= P99_TARGET)
    whole = found.incomplete == 0 and found.lost == 0
    show("listeners who missed any; who were cut off", f"{found.incomplete}; {found.lost}", "none", met=whole)
    show("connecting all, seconds; share of a core of theirs", f"{found.connecting:.1f}; {found.busy:.0%}")


def _share(process: int, seconds: float) -> float:
    before = worked(process)
    time.sleep(seconds)
    return (worked(process) - before) / seconds
