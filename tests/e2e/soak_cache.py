"""Write and read for long, and hold every kept answer to one made anew.

    python tests/e2e/soak_cache.py --checks 100000

Hypothesis thinks of what is written and asked, and where an answer is wrong it looks for the shortest life that shows
it. Half of it on SQLite, half on PostgreSQL through two interfaces with a database connection pool and a memory each,
as two processes have, and a Redis between them. What is read in another interface is read 50 ms after the write was
acknowledged, or later.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, given, seed, settings, strategies
from rich.console import Console
from rich.progress import Progress

from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.cache.redis import RedisAnswers
from alphaforge.storage.engine import Database
from alphaforge.telemetry.logs import configure_logs
from desk_traffic import DOCUMENTS, QUESTIONS, WRITES, App, Traffic
from doors import door, emptied, fresh
from servers import postgres_server, valkey_server

console = Console(stderr=True)

ELSEWHERE_SECONDS = 0.05
_MOST_ENTRIES = 40
_LIVES_AT_ONCE = 10
"""Between two looks at how many checks there were: hypothesis wants each life to end by what it draws alone."""


class Desk:
    """A database that stays open while hypothesis tries one life after the other on it, each from empty tables."""

    def __init__(self, url: str, redis: str | None) -> None:
        self._url = url
        self._redis = redis
        self._open = AsyncExitStack()
        self.databases: list[Database] = []
        self.doors: list[App] = []
        self.checks = self.hits = 0

    async def open(self) -> None:
        """One process, or two with a Redis between them."""
        for _ in range(2 if self._redis else 1):
            database = await Database.open(self._url)
            self._open.push_async_callback(database.close)
            level = None
            if self._redis:
                level = RedisAnswers(self._redis, "soak", 60.0, KeptAnswer.packed, KeptAnswer.unpacked)
                self._open.push_async_callback(level.aclose)
            self.databases.append(database)
            self.doors.append(door(database, level))
        self.fresh = fresh(self.databases[0])
        await Traffic(self.doors, self.fresh, Random(0)).check(DOCUMENTS)

    async def close(self) -> None:
        """Close it."""
        await self._open.aclose()

    async def live(self, dice: Random, writes: Sequence[Sequence[str]]) -> None:
        """Some writes, then questions, and so on; AssertionError at the first answer that is not the truth."""
        await emptied(self.databases[0])
        traffic = Traffic(self.doors, self.fresh, dice)
        for some in writes:
            for kind in some:
                await traffic.write(kind)
            await traffic.keep_small(_MOST_ENTRIES)
            if len(self.doors) > 1:
                await asyncio.sleep(ELSEWHERE_SECONDS)
            questions = dice.sample(QUESTIONS, 12)
            await traffic.check(questions)
            await traffic.check(dice.sample(questions, 6))
        await traffic.check_never_kept()
        self.checks += traffic.checks
        self.hits += traffic.hits


def soak(url: str, redis: str | None, checks: int, number: int, progress: Callable[[int], None]) -> Desk:
    """The desk after so many checks. A failure comes out as the shortest life that shows it."""
    desk = Desk(url, redis)
    with asyncio.Runner() as runner:
        runner.run(desk.open())

        @settings(max_examples=_LIVES_AT_ONCE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(
            dice=strategies.randoms(use_true_random=False),
            writes=strategies.lists(
                strategies.lists(strategies.sampled_from(WRITES), min_size=1, max_size=3), min_size=1, max_size=12
            ),
        )
        def lives(dice: Random, writes: list[list[str]]) -> None:
            before = desk.checks
            runner.run(desk.live(dice, writes))
            progress(desk.checks - before)

        while desk.checks < checks:
            seed(number)(lives)()
            number += 1
        runner.run(desk.close())
    return desk


def main() -> int:
    """0 where every kept answer was the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    configure_logs("json", "ERROR")
    console.print(f"seed {asked.seed}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alphaforge-soak-")))
        postgres, redis = stack.enter_context(postgres_server()), stack.enter_context(valkey_server())
        bar = stack.enter_context(Progress(console=console, transient=True))
        for name, url, shared in (
            ("SQLite, one process", f"sqlite:///{folder / 'soak.db'}", None),
            ("PostgreSQL and Redis, two", postgres, redis),
        ):
            task = bar.add_task(name, total=asked.checks // 2)

            def onward(count: int, task: int = task) -> None:
                bar.advance(task, count)  # type: ignore[arg-type]  # rich's own id of a task is a number

            desk = soak(url, shared, asked.checks // 2, asked.seed, onward)
            console.print(f"{name}: {desk.checks} answers held against fresh ones, {desk.hits} of them kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
