"""Write and read for long, and hold every kept answer to one made anew.

    python tests/e2e/soak_cache.py --checks 100000

Half of it on SQLite, half on PostgreSQL through two interfaces with a database connection pool and a memory each, as
two processes have, and a Redis between them. Writers and readers of one interface run side by side; what is read in
another is read 50 ms after the write was acknowledged, or later.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1]))

from rich.console import Console
from rich.progress import Progress

from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.cache.redis import RedisAnswers
from alphaforge.storage.engine import Database
from alphaforge.telemetry.logs import configure_logs
from desk_traffic import QUESTIONS, Traffic
from doors import door, fresh
from servers import postgres_server, valkey_server

console = Console(stderr=True)

ELSEWHERE_SECONDS = 0.05
_MOST_ENTRIES = 40


async def soak(url: str, redis: str | None, checks: int, seed: int, progress: Callable[[int], None]) -> Traffic:
    """The traffic after so many checks; AssertionError at the first answer that is not the truth."""
    async with AsyncExitStack() as stack:
        databases = [await Database.open(url) for _ in range(2 if redis else 1)]
        for database in databases:
            stack.push_async_callback(database.close)
        doors = []
        for database in databases:
            level = None
            if redis:
                level = RedisAnswers(redis, "soak", 60.0, KeptAnswer.packed, KeptAnswer.unpacked)
                stack.push_async_callback(level.aclose)
            doors.append(door(database, level))
        traffic = Traffic(doors, fresh(databases[0]), Random(seed))
        while traffic.checks < checks:
            before = traffic.checks
            for _ in range(traffic.random.randint(1, 3)):
                await traffic.write()
            await traffic.keep_small(_MOST_ENTRIES)
            if len(doors) > 1:
                await asyncio.sleep(ELSEWHERE_SECONDS)
            questions = traffic.random.sample(QUESTIONS, 12)
            await traffic.check(questions)
            await traffic.check(traffic.random.sample(questions, 6))
            progress(traffic.checks - before)
        return traffic


def main() -> int:
    """0 where every kept answer was the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    configure_logs("json", "ERROR")
    console.print(f"seed {given.seed}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alphaforge-soak-")))
        postgres, redis = stack.enter_context(postgres_server()), stack.enter_context(valkey_server())
        bar = stack.enter_context(Progress(console=console, transient=True))
        for name, url, shared in (
            ("SQLite, one process", f"sqlite:///{folder / 'soak.db'}", None),
            ("PostgreSQL and Redis, two", postgres, redis),
        ):
            task = bar.add_task(name, total=given.checks // 2)

            def onward(count: int, task: int = task) -> None:
                bar.advance(task, count)  # type: ignore[arg-type]  # rich's own id of a task is a number

            traffic = asyncio.run(soak(url, shared, given.checks // 2, given.seed, onward))
            console.print(f"{name}: {traffic.checks} answers held against fresh ones, {traffic.hits} of them kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
