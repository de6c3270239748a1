"""Ratios, measured in a process of their own: `python -m benchmarks.gate.measured [question ...]`, JSON comes out.

A process of its own each time, since where a process's memory lies makes some hundredths of difference; always with
the same order in sets and dicts, since that makes more.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import uvloop

from alphaforge.telemetry.logs import configure_logs
from benchmarks.data import new_database
from benchmarks.gate.pair import Pair
from benchmarks.gate.questions import ENTRIES, SIGNALS, asked
from benchmarks.machine import client_core, pin


class Measured(msgspec.Struct, frozen=True):
    """A question's answer: the time of ours divided by that of the reference, and the latter in milliseconds."""

    against: str
    ratio: float
    reference: float


Answers = dict[str, Measured]
Measure = Callable[[Sequence[str]], Answers]
"""Measures the questions of these names; all of them where there is none."""

_ROOT = Path(__file__).parents[2]


def measure(names: Sequence[str] = (), command: Sequence[str] = ("-m", "benchmarks.gate.measured")) -> Answers:
    """Measure in a new process of this Python. Raises RuntimeError with its last words where it breaks."""
    done = subprocess.run(
        [sys.executable, *command, *names],
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        cwd=_ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The measurement broke: {done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Answers)


def answer(names: Sequence[str]) -> None:
    """Measure in this process, on one core, and write what came of it to standard output."""
    pin(os.getpid(), client_core())
    with tempfile.TemporaryDirectory() as name, Path("/dev/null").open("w") as nowhere:
        configure_logs("json", "WARNING", stream=nowhere)
        path = Path(name) / "desk.db"
        new_database(path, signals=SIGNALS, entries=ENTRIES)

        async def all_of_them() -> Answers:
            async with asked(path, nowhere) as pairs:
                return {pair.name: await _of(pair) for pair in pairs if not names or pair.name in names}

        found = uvloop.run(all_of_them())
    sys.stdout.buffer.write(msgspec.json.encode(found))


async def _of(pair: Pair) -> Measured:
    ours, reference = await pair.best()
    return Measured(pair.against, ours / reference, reference * 1e3)


if __name__ == "__main__":
    answer(sys.argv[1:])
