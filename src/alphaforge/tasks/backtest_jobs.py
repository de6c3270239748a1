"""The jobs of a backtest: some perform its tasks, wherever there is room, one goes on when all of them are performed.

The work itself is a child process's, never this one's: it takes a core and hundreds of megabytes. It is killed with
its job, and with this process. Each result is stored as soon as it is there, so whoever takes a job over goes on from
it, and the report is the same.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from alphaforge.core.errors import AlphaForgeError, Conflict, InvalidInput, NoData, NotFound
from alphaforge.storage.backtests import NEXT, TASKS, Backtest, BacktestRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.job_pieces import packed, still_held, unpacked
from alphaforge.tasks.kinds import Running, TaskKind
from alphaforge.workflows.backtest_child import SCRATCH
from alphaforge.workflows.backtest_processes import Processes, processes
from alphaforge.workflows.backtest_request import Request
from alphaforge.workflows.run_backtest import named, write_request

_SECONDS = 12 * 3_600.0
_ATTEMPTS = 3
_WRITES = ("backtests", "jobs")


class _Further(msgspec.Struct):
    """What goes on from the results of all known tasks: further ones, or the report."""

    tasks: list[dict[str, Any]] = []
    report: msgspec.Raw = msgspec.Raw(b"null")
    summary: dict[str, Any] = {}


def backtest_kinds(database: Database) -> tuple[TaskKind, ...]:
    """How they are run: one at a time in a process, for each takes a core."""
    make = partial(
        TaskKind, pool="backtests", timeout=_SECONDS, attempts=_ATTEMPTS, pauses=(2.0, 30.0), places=1, most=1
    )
    work = _Work(database)
    return make(TASKS, partial(work.told, work.perform)), make(NEXT, partial(work.told, work.go_on))


@dataclass(frozen=True, slots=True)
class _Work:
    """The work of both kinds. Rows are taken in one order, the backtest's before its jobs'."""

    database: Database

    async def told(self, work: Callable[[Running], Awaitable[object]], running: Running) -> object:
        """Do it; where it cannot succeed, end the backtest with the reason in words."""
        number = running.job.payload["backtest"]
        try:
            return await work(running)
        except (InvalidInput, NoData) as error:  # what was asked is wrong, not the work
            await self._fail(number, f"{error.message}. {error.advice}".strip())
            return {"failed": error.message}
        except Conflict:  # another attempt has it by now
            raise
        except AlphaForgeError as error:
            if running.job.attempts >= _ATTEMPTS:
                await self._fail(number, error.message)
            raise

    async def perform(self, running: Running) -> object:
        """Perform the tasks of a job that have no result yet. The payload has `backtest` and `tasks`."""
        payload = running.job.payload
        number, tasks = payload["backtest"], payload["tasks"]
        backtest, done = await self._known(number)
        left = [task for task in tasks if task["number"] not in done]
        if backtest is None or not left:
            return {"performed": 0}
        async with self._children(backtest, left) as children:
            for at, task in enumerate(left):
                running.progress((len(tasks) - len(left) + at) / len(tasks))
                result = await children.ask("perform", task, named(task))
                if not await self._stored(running, number, task["number"], result):
                    return {"performed": at}
        return {"performed": len(left)}

    async def go_on(self, running: Running) -> object:
        """Queue what follows from the results of all known tasks, or store the report. `after`: how many those are."""
        number, after = running.job.payload["backtest"], running.job.payload["after"]
        backtest, _ = await self._known(number)
        if backtest is None or backtest.parts != after:  # an earlier attempt has done it
            return {"done": True}
        async with self.database.read() as connection:
            kept = await BacktestRepository(connection).results(number)
        results = await asyncio.to_thread(lambda: {str(n): msgspec.Raw(unpacked(one)) for n, one in kept.items()})
        async with self._children(backtest, ()) as children:
            answer = await children.ask("go_on", results, "the report")
            found = await asyncio.to_thread(partial(msgspec.json.decode, answer, type=_Further))
            report = await asyncio.to_thread(packed, bytes(found.report))
            async with self.database.write(*_WRITES) as connection:
                repository = BacktestRepository(connection)
                if await repository.held(number) is None:
                    return {"done": False}
                await still_held(connection, running.job)
                if found.tasks:
                    await repository.go_on(number, found.tasks)
                else:
                    await repository.finish(number, report, found.summary)
        return {"done": True}

    async def _known(self, number: int) -> tuple[Backtest | None, set[int]]:
        """A backtest that goes on, and which of its tasks are performed; None for one that is over or gone."""
        async with self.database.read() as connection:
            repository = BacktestRepository(connection)
            try:
                backtest = await repository.get(number)
            except NotFound:
                return None, set()
            return (backtest if backtest.finished_at is None else None), await repository.performed(number)

    async def _stored(self, running: Running, number: int, task: int, result: bytes) -> bool:
        """Store what a task came to; False where the backtest is over or gone by now."""
        content = await asyncio.to_thread(packed, result)
        async with self.database.write(*_WRITES) as connection:
            repository = BacktestRepository(connection)
            if await repository.held(number) is None:
                return False
            await still_held(connection, running.job)
            await repository.put(number, task, content)
            return True

    @asynccontextmanager
    async def _children(self, backtest: Backtest, tasks: Sequence[Mapping[str, Any]]) -> AsyncIterator[Processes]:
        """A child process with what it needs; the candles only where there are tasks."""
        request = Request.from_dict(backtest.asked)
        with tempfile.TemporaryDirectory(prefix=SCRATCH) as name:
            await write_request(self.database, request, Path(name), tasks)
            async with processes(Path(name), 1) as children:
                yield children

    async def _fail(self, number: int, why: str) -> None:
        async with self.database.write(*_WRITES) as connection:
            await BacktestRepository(connection).fail(number, why)
