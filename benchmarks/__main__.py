"""`make bench`: every benchmark in turn, each printing its question and its answer; or one: `... -m benchmarks lists`.

Those that take minutes run only where they are named. `--help` says which there are, `soak --help` what one takes.
"""

import argparse
import importlib
import inspect
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.machine import cores

USUAL = (
    *("evaluation", "generation", "thirty", "plan", "hits", "lists", "arrivals", "crowd", "listeners", "session"),
    *("switches", "measuring", "workers", "queries", "journal", "bulk", "exports", "backtests"),
)
ON_DEMAND = ("soak", "capacity", "first_page", "page_speed")


def main() -> int:
    """Run what was asked for; 0 even where a target is missed, since a figure is a figure."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure; without a name, all but what takes minutes."
    )
    names = parser.add_subparsers(dest="name", metavar="name")
    for name in (*USUAL, *ON_DEMAND):
        module = importlib.import_module(f"benchmarks.{name}")
        question = (module.__doc__ or "").strip()
        one = names.add_parser(name, help=question.splitlines()[0], description=question)
        for option in inspect.signature(module.run).parameters.values():
            one.add_argument(f"--{option.name}", type=type(option.default), default=option.default)
    given = vars(parser.parse_args())
    asked = [given.pop("name")] if given["name"] else []
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    print(f"{when} UTC, Python {platform.python_version()}, {platform.machine()}, {len(cores())} cores", flush=True)
    for name in asked or USUAL:
        _run(name)(**(given if asked else {}))
    return 0


def _run(name: str) -> Callable[..., None]:
    run: Callable[..., None] = importlib.import_module(f"benchmarks.{name}").run
    return run


if __name__ == "__main__":
    sys.exit(main())
