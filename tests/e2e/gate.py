"""Does the regression gate see what became slower, and nothing else?

    python tests/e2e/gate.py --slow hit          the way of a kept answer takes 30 % longer
    python tests/e2e/gate.py --slow query        what the storage asks of its database
    python tests/e2e/gate.py --slow evaluation   analysing and deciding
    python tests/e2e/gate.py --unchanged 10      ten times as it is

What is slowed works as it does and then burns its share of the time that it took, in the process that is measured; the
product knows nothing of it. Ends with 0 where the gate said what it must: worse, by the right questions, or nothing.
`--load 2`: beside so many processes that never rest. `make bench-accept` comes first, on the same machine.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))

import benchmarks.evaluation
from benchmarks.check import check
from benchmarks.gate import measured
from benchmarks.gate.comparison import Verdict
from rich.console import Console

from alphaforge.api.middleware.from_memory import FromMemory
from alphaforge.signals import analysis
from alphaforge.storage.connection import AsyncConnection

console = Console()

NAMED = {
    "hit": {"kept answer, 200", "kept answer, 304"},
    "query": {"query of 100 signals"},
    "evaluation": {"decision on the newest candle", "analysis of 13,000 candles"},
}
"""What the gate must name."""

MAY = {
    "hit": set[str](),
    "query": {"list of 100 signals, uncached", "journal statistics, uncached"},
    "evaluation": set[str](),
}
"""What it may name besides."""


def main() -> int:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", choices=NAMED)
    parser.add_argument("--by", type=float, default=0.3, help="the share of its time (default: %(default)s)")
    parser.add_argument("--unchanged", type=int, default=0, metavar="TIMES")
    parser.add_argument("--load", type=int, default=0, metavar="PROCESSES")
    parser.add_argument("--answer", action="store_true", help="be the process that is measured")
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        slowed(given.slow, given.by)
        measured.answer(given.names)
        return 0
    if not given.slow and not given.unchanged:
        parser.error("--slow or --unchanged")
    with busy(given.load):
        return is_seen(given.slow, given.by) if given.slow else stays_silent(given.unchanged)


def is_seen(what: str, by: float) -> int:
    """The check over the slowed program ends with 1 and names what was slowed."""
    said: list[str] = []
    command = [__file__, "--answer", "--slow", what, "--by", str(by)]
    ended = check(partial(measured.measure, command=command), say=said.append)
    _say("\n".join(said))
    named = {line.split("  ")[0] for text in said for line in text.splitlines() if line.endswith(Verdict.WORSE)}
    good = ended == 1 and NAMED[what] <= named <= NAMED[what] | MAY[what]
    _say(f"{what} slowed by {by:.0%}: {'seen' if good else f'NOT SEEN AS IT SHOULD: {ended}, {sorted(named)}'}")
    return 0 if good else 1


def stays_silent(times: int) -> int:
    """So many checks of the program as it is end with 0."""
    alarms, suspected = 0, 0
    for number in range(times):
        said: list[str] = []
        began = time.monotonic()
        ended = check(measured.measure, say=said.append)
        alarms += ended
        again = [line for line in said if line.startswith("Worse:")]
        suspected += bool(again)
        _say(f"{number + 1} of {times}: {'ALARM' if ended else 'silent'}, {time.monotonic() - began:.0f} s")
        _say("\n".join(said if ended else again))
    _say(f"{times} unchanged runs: {alarms} alarms; something was measured again in {suspected}")
    return 1 if alarms else 0


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def slowed(what: str, by: float) -> None:
    """Slow the program of this process."""
    if what == "hit":
        FromMemory.__call__ = _awaited(FromMemory.__call__, by, time.perf_counter)  # type: ignore[method-assign]
    elif what == "query":
        AsyncConnection.fetch = _awaited(AsyncConnection.fetch, by, time.process_time)  # type: ignore[method-assign]
    elif what == "evaluation":
        analysis._analysis = _called(analysis._analysis, by)
        benchmarks.evaluation.decide = _called(benchmarks.evaluation.decide, by)


def _awaited(real: Callable[..., Any], by: float, clock: Callable[[], float]) -> Callable[..., Any]:
    @wraps(real)
    async def slow(*given: Any, **named: Any) -> Any:
        began = clock()
        found = await real(*given, **named)
        _burn(began, by, clock)
        return found

    return slow


def _called(real: Callable[..., Any], by: float) -> Callable[..., Any]:
    @wraps(real)
    def slow(*given: Any, **named: Any) -> Any:
        began = time.process_time()
        found = real(*given, **named)
        _burn(began, by, time.process_time)
        return found

    return slow


def _burn(began: float, by: float, clock: Callable[[], float]) -> None:
    now = clock()
    until = now + by * (now - began)
    while clock() < until:
        pass


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Beside so many processes that never rest."""
    begun = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in begun:
            one.kill()
            one.wait()


if __name__ == "__main__":
    sys.exit(main())
