"""How much more do two server processes answer from memory than one, on two cores?

One process and two take turns over the same PostgreSQL, with limits, metrics and logs on. Whoever sends the load needs
a part of the same two cores, so it is as light as can be (see `clients/pipelined.py`) and its share is shown: with two
processes the cores are full, and the load's share is missing to them. Beside the plain ratio stands that of answers
for each second of the servers' CPU: what a second process brings where there are cores to spare.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.clients.pipelined import Counted, Piece
from benchmarks.clients.sent import request
from benchmarks.lists import PATH, kept
from benchmarks.machine import begun_by, cores, resident
from benchmarks.report import show
from benchmarks.servers import WEEKDAY, Server, desk_processes, port_of, postgres_server, sandbox

ROUNDS = 4
SECONDS = 0.6
CONNECTIONS = (8, 16, 32)
TARGET = 1.7
QUIET = 0.25
"""Cores that anybody else may take in a round; the database needs a few hundredths."""

MOST_DISTURBED = 4
"""Rounds left out for each one wanted; then the machine is not going to be quiet."""

_ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class Rounds:
    """What was counted of one arrangement in several rounds."""

    counted: list[Counted] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second over all rounds."""
        return self._sum("answers") / self._sum("seconds")

    @property
    def work(self) -> float:
        """Seconds of the servers' CPU for an answer."""
        return self._sum("served") / self._sum("answers")

    @property
    def load(self) -> float:
        """Seconds of the load's CPU for an answer."""
        return self._sum("worked") / self._sum("answers")

    @property
    def shares(self) -> tuple[float, float, float]:
        """Cores that the servers took, the load, and whatever else ran on the machine, the database included."""
        served, worked = (self._sum(what) / self._sum("seconds") for what in ("served", "worked"))
        return served, worked, self._sum("others") / len(self.counted)

    def _sum(self, what: str) -> float:
        return float(sum(getattr(one, what) for one in self.counted))


def run(rounds: int = ROUNDS, seconds: float = SECONDS) -> None:
    """Print the figures."""
    print(f"GET {PATH}, kept, 16 questions under way on each connection; {rounds} rounds of {seconds:g} s in turn")
    with tempfile.TemporaryDirectory() as name, postgres_server() as database, sandbox(Path(name), WEEKDAY) as market:
        folder = Path(name)
        with (
            desk_processes(folder / "one", database, market, 1) as one,
            desk_processes(folder / "two", database, market, 2) as two,
        ):
            fill(one)
            for what, headers in _variants(one, two).items():
                _compare(what, (one, two), headers, rounds, seconds)
            for what, desk in (("one process", one), ("two processes, and the one that watches", two)):
                held = " + ".join(f"{resident(each):.0f}" for each in family(desk))
                show(f"resident memory: {what}", f"{held} MiB")


def _compare(what: str, desks: tuple[Server, Server], headers: dict[str, str], rounds: int, seconds: float) -> None:
    """Each load to both, and the best of either: too many questions at once cost a process its caches."""
    found: list[tuple[Rounds, Rounds]] = []
    disturbed = 0
    for connections in CONNECTIONS:
        piece = Piece(0, request(PATH, headers), connections=connections, seconds=seconds)
        one, two, left_out = _in_turn(desks, piece, rounds)
        found.append((one, two))
        disturbed += left_out
        show(f"{what}, {connections} connections: one; two", f"{one.rate:,.0f}; {two.rate:,.0f}/s")
    one, two = (max((pair[i] for pair in found), key=lambda seen: seen.rate) for i in (0, 1))
    ratio, is_judged = two.rate / one.rate, max(one.shares[2], two.shares[2]) <= QUIET
    met = ratio >= TARGET if is_judged else None
    target = f">= {TARGET}" if is_judged else f">= {TARGET}, but others worked"
    show("  the best of two against the best of one", f"{ratio:.2f} times", target, met=met)
    for name, seen in (("one", one), ("two", two)):
        shares = "; ".join(f"{share:.2f}" for share in seen.shares)
        show(f"  cores taken by {name}; by the load; by all others", shares, f"of {len(cores())}")
    show("  CPU an answer: one; two; the load", f"{one.work * 1e6:.1f}; {two.work * 1e6:.1f}; {two.load * 1e6:.1f} us")
    show("  answers a CPU second of the servers, two against one", f"{one.work / two.work:.2f}", "1 is no loss")
    if disturbed:
        show("  rounds left out, others being at work", str(disturbed), f"others below {QUIET} cores")
    if broken := sum(each.broken for pair in found for seen in pair for each in seen.counted):
        show("  broken connections", str(broken), "none", met=False)


def _in_turn(desks: tuple[Server, Server], piece: Piece, rounds: int) -> tuple[Rounds, Rounds, int]:
    """So many rounds of each that nobody disturbed, as far as there are any, and how many were left out for it."""
    quiet: list[tuple[Counted, Counted]] = []
    others: list[tuple[Counted, Counted]] = []
    while len(quiet) < rounds and len(others) < rounds * MOST_DISTURBED:
        one, two = (sent(replace(piece, port=port_of(desk), servers=family(desk))) for desk in desks)
        (quiet if max(one.others, two.others) <= QUIET else others).append((one, two))
    taken = quiet or others
    return Rounds([pair[0] for pair in taken]), Rounds([pair[1] for pair in taken]), len(others) if quiet else 0


def sent(piece: Piece) -> Counted:
    """What the load in a process of its own counted. Raises RuntimeError where it breaks."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.clients.pipelined"],
        input=msgspec.msgpack.encode(piece),
        capture_output=True,
        cwd=_ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The load broke: {done.stderr.decode()[-2000:]}")
    return msgspec.msgpack.decode(done.stdout, type=Counted)


def _variants(*desks: Server) -> dict[str, dict[str, str]]:
    """What to ask with, by name."""
    compressed = {"Accept-Encoding": "gzip"}
    answer = kept(desks[0], compressed, PATH)
    size = f"{len(answer.body) / 1000:.0f} KB"
    return {f"gzip, {size}": compressed, "304": {**compressed, "If-None-Match": answer.etag}}


def fill(desk: Server) -> None:
    """Write a hundred signals."""
    reason = "M5: moving averages, MACD and stochastic up; M15: moving averages and ADX up; spread {} pips, ATR {} pips"
    signals = [
        {
            "symbol": "GBP/USD",
            "direction": "BUY" if number % 3 else "SELL",
            "entry": round(1.31 + number * 0.00037, 5),
            "stop_loss": round((1.308 if number % 3 else 1.35) + number * 0.00037, 5),
            "tp1": round((1.35 if number % 3 else 1.308) + number * 0.00031, 5),
            "confidence_score": 40 + number % 50,
            "reasoning": reason.format(number * 0.1, number * 7 % 31),
        }
        for number in range(100)
    ]
    connection = HTTPConnection("127.0.0.1", port_of(desk), timeout=60)
    body = json.dumps({"signals": signals})
    connection.request("POST", "/api/signals/bulk", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status not in (200, 201):
        raise RuntimeError(f"The signals were not taken: {answer.status} {said[:300]!r}")


def family(desk: Server) -> list[int]:
    """The process and those that it began."""
    return [desk.process.pid, *begun_by(desk.process.pid)]
