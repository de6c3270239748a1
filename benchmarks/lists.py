"""How many lists of 100 signals a second, to 1, 50, 100 and 1,000 clients, as a share of what the server can do bare?

Bare: an ASGI app on the same uvicorn that sends the very bytes and headers and does nothing else. Both take turns in
one run, on the same core, the clients on another. AlphaForge has its limits, metrics and logs on.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bare import Answer
from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load, Seen
from benchmarks.data import filled_database
from benchmarks.machine import client_core, worked
from benchmarks.report import show
from benchmarks.servers import Server, answer_of, bare, desk_alone, port_of

PATH = "/api/signals?limit=100"
CROWDS = (1, 50, 100, 1_000)
ROUNDS = 2
SECONDS = 0.6
SHARE_TARGET = 0.85
JUDGED = 100
"""The crowd that the target is about."""


@dataclass(slots=True)
class Rounds:
    """What was seen of one server in several rounds."""

    seen: list[Seen] = field(default_factory=list)
    worked: float = 0.0

    def add(self, server: Server, load: Load) -> None:
        """One more."""
        before = worked(server.process.pid)
        self.seen.append(send(load))
        self.worked += worked(server.process.pid) - before

    @property
    def rate(self) -> float:
        """Answers a second over all rounds."""
        return sum(one.answers for one in self.seen) / sum(one.seconds for one in self.seen)

    @property
    def work(self) -> float:
        """Seconds of the server's CPU for an answer: a measure that other load on the machine disturbs less."""
        return self.worked / sum(one.total for one in self.seen)

    @property
    def busy(self) -> float:
        """How much of its core the crowd took at most."""
        return max(one.busy for one in self.seen)

    @property
    def errors(self) -> dict[str, int]:
        """All of them."""
        return {kind: count for one in self.seen for kind, count in one.errors.items()}

    def latencies(self) -> str:
        """Median, 99th percentile, maximum, and the longest wait for a first answer, in ms."""
        p50 = sorted(one.p50 for one in self.seen)[len(self.seen) // 2]
        worst = (max(getattr(one, name) for one in self.seen) for name in ("p99", "longest", "slowest_first"))
        return "/".join(f"{value * 1e3:.1f}" for value in (p50, *worst))


def run() -> None:
    """Print the figures."""
    print(f"GET {PATH}, kept, against a bare app sending the same bytes; latencies: median/p99/longest/first, ms")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with desk_alone(folder, filled_database()) as desk:
            asked = variants(desk)
            for what, headers in asked.items():
                _variant(folder, desk, what, headers)
            _unchanged(desk, asked)


def variants(desk: Server) -> dict[str, Mapping[str, str]]:
    """What to ask with, by name; all three are kept after this."""
    compressed = {"Accept-Encoding": "gzip"}
    etag = kept(desk, compressed, PATH).etag
    kept(desk, {}, PATH)
    return {"identity": {}, "gzip": compressed, "304": {**compressed, "If-None-Match": etag}}


def kept(desk: Server, headers: Mapping[str, str], path: str) -> Answer:
    """A kept answer, asked for until it is a hit."""
    for _ in range(3):
        answer = answer_of(port_of(desk), path, headers)
    return answer


def _variant(folder: Path, desk: Server, what: str, headers: Mapping[str, str]) -> None:
    """Measure one kind of answer."""
    answer = kept(desk, headers, PATH)
    if answer.header("x-cache") != "hit":
        raise RuntimeError(f"{what} is not kept: {answer.status} {answer.body[:300]!r}")
    asked = request(PATH, headers)
    with bare(folder, answer) as alone:
        for clients in CROWDS:
            ours, theirs = turns((desk, asked), (alone, asked), clients)
            share = ours.rate / theirs.rate
            size = f"{len(answer.body) / 1000:.0f} KB" if answer.body else "empty"
            target = f">= {SHARE_TARGET:.0%} of bare" if clients == JUDGED else ""
            met = share >= SHARE_TARGET if clients == JUDGED else None
            show(f"{what}, {size}, {clients:,} clients", f"{ours.rate:,.0f}/s = {share:.0%}", target, met=met)
            show("  latencies; bare", f"{ours.latencies()}", f"{theirs.rate:,.0f}/s {theirs.latencies()}")
            show("  CPU an answer; bare", f"{ours.work * 1e6:.0f}; {theirs.work * 1e6:.0f} us")
            _warn(ours, theirs)


def _unchanged(desk: Server, asked: Mapping[str, Mapping[str, str]]) -> None:
    """A 304 against the 200 that it spares."""
    whole, unchanged = (desk, request(PATH, asked["gzip"])), (desk, request(PATH, asked["304"]))
    first, second = turns(whole, unchanged, JUDGED)
    ratio = second.rate / first.rate
    show(f"304 against 200 (gzip), {JUDGED} clients", f"{ratio:.2f} times", "above 1", met=ratio > 1)


def turns(one: tuple[Server, bytes], other: tuple[Server, bytes], clients: int) -> tuple[Rounds, Rounds]:
    """Both in turn: a server and what it is asked."""
    rounds = Rounds(), Rounds()
    for _ in range(ROUNDS):
        for (server, asked), seen in zip((one, other), rounds, strict=True):
            seen.add(server, Load(port_of(server), [asked], clients, SECONDS, core=client_core()))
    return rounds


def _warn(ours: Rounds, theirs: Rounds) -> None:
    """Say where the figures are not to be trusted."""
    for name, rounds in (("AlphaForge", ours), ("bare", theirs)):
        if rounds.errors:
            show(f"  errors, {name}", str(rounds.errors), "none", met=False)
        if rounds.busy > 0.95:
            print(f"    the clients were the bottleneck before {name}: {rounds.busy:.0%} of their core")
