"""Processes that perform the tasks of a backtest, one a core, each ended with whoever began it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from alphaforge.core import errors
from alphaforge.core.errors import AlphaForgeError, StorageError
from alphaforge.workflows.backtest_child import LENGTH, frame

_COMMAND = (sys.executable, "-P", "-m", "alphaforge.workflows.backtest_child")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A process is a core: libraries that begin threads of their own would only take memory."""
_TAIL = 2_000
_NO_MEMORY = "It was most likely for want of memory: use fewer cores, or a shorter period."


class ProcessDied(AlphaForgeError):
    """A process ended in the middle of a task: killed for want of memory, or broken."""


class _Said(msgspec.Struct):
    """What a process answered: as it came, or the error that it met."""

    answer: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None
    message: str = ""
    advice: str = ""


@dataclass(eq=False, slots=True)
class Child:
    """One such process. What it says on standard error is read all the time; the end of it is kept."""

    process: asyncio.subprocess.Process
    said: bytearray = field(default_factory=bytearray)
    listening: "asyncio.Task[None] | None" = None

    @classmethod
    async def begin(cls, folder: Path) -> Self:
        """Begin one over a folder."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(*_COMMAND, str(folder)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children
        )
        child = cls(process)
        child.listening = asyncio.create_task(child._listen())
        return child

    async def ask(self, what: str, value: object, name: str) -> bytes:
        """What it answers, as JSON. `name`: of the task, for people.

        Raises the error that it met, and ProcessDied. Whoever stops waiting must end it.
        """
        reader, writer = self.process.stdout, self.process.stdin
        if reader is None or writer is None:
            raise StorageError("The process has no streams")
        try:
            writer.write(frame({"ask": what, "with": value}))
            await writer.drain()
            length = int.from_bytes(await reader.readexactly(LENGTH), "big")
            said = msgspec.json.decode(await reader.readexactly(length), type=_Said)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise await self._death(name) from None
        if said.error is not None:
            kind = getattr(errors, said.error, AlphaForgeError)
            raise kind(said.message, advice=said.advice)
        return bytes(said.answer)

    async def end(self) -> None:
        """End it now, whatever it is at."""
        with suppress(ProcessLookupError):
            self.process.kill()
        if self.process.stdout is not None:
            await self.process.stdout.read()  # a pipe is closed when its end has been read
        await self.process.wait()
        if self.listening is not None:
            await self.listening
        if self.process.stdin is not None:
            self.process.stdin.close()
            with suppress(ConnectionError):
                await self.process.stdin.wait_closed()

    async def _listen(self) -> None:
        if self.process.stderr is not None:
            while part := await self.process.stderr.read(_TAIL):
                self.said += part
                del self.said[:-_TAIL]

    async def _death(self, name: str) -> ProcessDied:
        code = await self.process.wait()
        if self.listening is not None:
            await self.listening
        last = self.said.decode(errors="replace").strip().rpartition("\n")[2]
        if code < 0:
            advice = _NO_MEMORY if code == -signal.SIGKILL else ""
            return ProcessDied(f"The process that performed {name} was killed by signal {-code}", advice=advice)
        return ProcessDied(
            f"The process that performed {name} ended with code {code}: {last[:300]}",
            advice="This is a defect of AlphaForge; please report it with what the log says.",
        )


@dataclass(frozen=True, slots=True)
class Processes:
    """So many processes over one folder; each performs one task at a time."""

    begun: tuple[Child, ...]
    free: "asyncio.Queue[Child]"

    async def ask(self, what: str, value: object, name: str) -> bytes:
        """What the next one that is free answers; see `Child.ask`."""
        child = await self.free.get()
        try:
            answer = await child.ask(what, value, name)
        except AlphaForgeError:
            if child.process.returncode is None:
                self.free.put_nowait(child)
            raise
        self.free.put_nowait(child)
        return answer


@asynccontextmanager
async def processes(folder: Path, count: int) -> AsyncIterator[Processes]:
    """Begin `count` processes over a folder, and end them with the block, whatever they are at."""
    begun = tuple(await asyncio.gather(*(Child.begin(folder) for _ in range(count))))
    free: asyncio.Queue[Child] = asyncio.Queue()
    for child in begun:
        free.put_nowait(child)
    try:
        yield Processes(begun, free)
    finally:
        await asyncio.shield(asyncio.gather(*(child.end() for child in begun)))
