"""Kill a server again and again between a signal's commit and its alert, and count what the receiver got.

    python tests/e2e/alert_kills.py --kills 50

A client keeps writing signals; a local receiver takes webhooks and remembers the key of each. Two kills of three are
aimed: as soon as a new signal is seen in the file, within the time that its alert takes. The others come at any moment.
It goes on until so many kills have come between commit and send, by what the database says after them. A kill while a
message is on its way may double it, with the same key; those are counted apart.
Then a server is given a second receiver, and the way from commit to receipt at the first is timed: beside one that
lives, and beside one that accepts connections and never answers.
"""

import argparse
import json
import random
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from processes import Server, sandbox, server, until
from rich.console import Console

console = Console(stderr=True)

SPEED = 600.0
BEGIN = "2025-07-07T06:00:00Z"
AIMED_SECONDS = 0.03
RANDOM_SECONDS = 1.5
NOT_QUEUED, NOT_SENT = "committed, not queued", "queued, not sent"
SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}


@dataclass(slots=True)
class Receiver:
    """Takes webhooks and remembers when which key came."""

    got: list[tuple[str, float]] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """Within the block."""
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                got.append((self.headers["Idempotency-Key"], time.time()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
            self.port = listener.server_port
            threading.Thread(target=listener.serve_forever, daemon=True).start()
            yield self
            listener.shutdown()

    def events(self) -> list[int]:
        """The numbers of the events that were told, in the order in which they came."""
        return [int(key.rpartition(":")[2]) for key, _ in self.got]


@contextmanager
def dead_receiver() -> Iterator[int]:
    """Accepts connections and never answers; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield int(listener.getsockname()[1])


@contextmanager
def writing(desk: Server, pause: float) -> Iterator[None]:
    """A client that writes signals until the block ends."""
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(pause):
            desk.post("/api/signals", SIGNAL)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class State:
    """What the database says: events that nobody queued yet, messages queued, and events of messages on their way."""

    untold: int
    queued: int
    sending: frozenset[int]


class Records:
    """The desk's file, read beside the server and after its death."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query).fetchall()

    def has_cursor(self) -> bool:
        return bool(self._rows("SELECT 1 FROM app_settings WHERE key = 'alerts_cursor'"))

    def newest_signal(self) -> int:
        return int(str(self._rows("SELECT coalesce(max(id), 0) FROM trading_signals")[0][0]))

    def told(self) -> dict[int, float]:
        """Every event that an alert is due for, and when it was written."""
        found = self._rows("SELECT id, at FROM events WHERE kind IN ('signal', 'outcome')")
        return {int(str(number)): float(str(at)) for number, at in found}

    def marked(self) -> dict[str, float]:
        """When each message that was sent was marked so."""
        found = self._rows("SELECT key, finished_at FROM jobs WHERE kind = 'alert' AND status = 'done'")
        return {str(key): float(str(at)) for key, at in found}

    def state(self) -> State:
        cursor = self._rows("SELECT value FROM app_settings WHERE key = 'alerts_cursor'")
        behind = int(str(cursor[0][0])) if cursor else 0
        jobs = self._rows("SELECT status, key FROM jobs WHERE kind = 'alert' AND status IN ('queued', 'running')")
        sending = frozenset(int(str(key).rpartition(":")[2]) for status, key in jobs if status == "running")
        return State(sum(number > behind for number in self.told()), sum(one[0] == "queued" for one in jobs), sending)

    def is_all_told(self) -> bool:
        state = self.state()
        return not state.untold and not state.queued and not state.sending


@dataclass(slots=True)
class Damage:
    """What the kills did. `phases` counts the kills by what was under way."""

    phases: Counter[str] = field(default_factory=Counter)
    on_their_way: set[int] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    received: Counter[int] = field(default_factory=Counter)

    @property
    def between(self) -> int:
        """Kills between the commit of a signal and the sending of its alert."""
        return self.phases[NOT_QUEUED] + self.phases[NOT_SENT]

    @property
    def lost(self) -> set[int]:
        """Events that nobody was told of."""
        return self.events - self.received.keys()

    @property
    def doubled(self) -> set[int]:
        """Events that came more than once."""
        return {event for event, count in self.received.items() if count > 1}


def survive(kills: int, seed: int, folder: Path) -> Damage:
    """Kill so many times between commit and send, and by the way otherwise; let the last start tell the rest."""
    moments, damage, records = random.Random(seed), Damage(), Records(folder / "desk.db")
    with Receiver().listening() as receiver, sandbox(folder, ["--from", BEGIN, "--speed", str(SPEED)]) as market:
        settings = {
            "ALERT_URLS": f"json://127.0.0.1:{receiver.port}/?af_per_minute=600&af_kinds=signal,outcome",
            "ALERTS_ALLOW_PRIVATE": "true",
        }
        with server(folder, market, **settings):
            until(records.has_cursor, "it is known from where on alerts are due")
        while damage.between < kills:
            number = damage.phases.total()
            if console.is_terminal:
                console.print(f"{number} kills, {damage.between} between commit and send", end="\r")
            with server(folder, market, **settings) as desk, writing(desk, 0.15):
                if number % 3:
                    seen = records.newest_signal()
                    until(lambda seen=seen: records.newest_signal() > seen, "a signal is written", desk.process)  # type: ignore[misc]
                    time.sleep(moments.uniform(0, AIMED_SECONDS))
                else:
                    time.sleep(moments.uniform(0, RANDOM_SECONDS))
                desk.kill()
            state = records.state()
            damage.on_their_way |= state.sending
            damage.phases[phase(state)] += 1
        with server(folder, market, **settings) as desk:
            desk.post("/api/strategy/stop")  # the market goes on; what it makes of now would be under way at the end
            until(records.is_all_told, "everything is told", desk.process)
            damage.events = set(records.told())
        damage.received = Counter(receiver.events())
    return damage


def phase(state: State) -> str:
    """What a kill interrupted."""
    if state.sending:
        return "while sending"
    if state.untold:
        return NOT_QUEUED
    return NOT_SENT if state.queued else "nothing under way"


def delays(folder: Path, signals: int, *, with_dead: bool) -> tuple[list[float], list[float]]:
    """Seconds from commit to receipt, and from there to the mark, of each of so many signals, written by one client.

    There are two receivers; the times are the first one's, the second one is alive or dead.
    """
    records = Records(folder / "desk.db")
    with Receiver().listening() as receiver, Receiver().listening() as living, dead_receiver() as dead:
        ports = receiver.port, dead if with_dead else living.port
        urls = [f"json://127.0.0.1:{port}/?af_per_minute=600&af_kinds=signal" for port in ports]
        with server(folder, None, ALERT_URLS=" ".join(urls), ALERTS_ALLOW_PRIVATE="true") as desk:
            until(records.has_cursor, "alerts are due from now on", desk.process)
            for _ in range(signals):
                desk.post("/api/signals", SIGNAL)
                time.sleep(0.1)
            until(lambda: len(receiver.got) >= signals, "the living receiver has all", desk.process)
            desk.kill()
        written, marked = records.told(), records.marked()
        return (
            [at - written[event] for event, (_, at) in zip(receiver.events(), receiver.got, strict=True)],
            [marked[key] - at for key, at in receiver.got if key in marked],
        )


def compare_delays(signals: int) -> None:
    """Time both ways twice, the other way round the second time: a machine that is busy for a while is so for both."""
    ways: dict[bool, list[float]] = {False: [], True: []}
    for with_dead in (False, True, True, False):
        with tempfile.TemporaryDirectory(prefix="alphaforge-alert-delays-") as folder:
            found, marks = delays(Path(folder), signals, with_dead=with_dead)
        ways[with_dead] += found
        name = "beside a dead receiver" if with_dead else "beside a living receiver"
        worst = sorted(found)[int(len(found) * 0.95)]
        console.print(
            f"commit to receipt {name}: median {1e3 * statistics.median(found):.0f} ms, p95 {1e3 * worst:.0f} ms;"
            f" receipt to mark: median {1e3 * statistics.median(marks):.0f} ms"
        )
    console.print(f"ratio of medians {statistics.median(ways[True]) / statistics.median(ways[False]):.2f}")


def main() -> int:
    """0 where nothing was lost, and nothing came twice that had not been on its way at a kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--signals", type=int, default=60, help="for the timing with a dead receiver")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alphaforge-alert-kills-") as folder:
        damage = survive(given.kills, given.seed, Path(folder))
    console.print(
        f"{damage.phases.total()} kills: " + ", ".join(f"{n} {what}" for what, n in damage.phases.most_common())
    )
    unexplained = damage.doubled - damage.on_their_way
    console.print(
        f"{len(damage.events)} alerts due, {sum(damage.received.values())} received, {len(damage.lost)} lost,"
        f" {len(damage.doubled)} doubled, of these {len(unexplained)} that no kill had met on their way"
    )
    compare_delays(given.signals)
    return 1 if damage.lost or unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
