"""Several server processes on one address: begun, watched, replaced and ended by one that serves nobody itself.

Each is this same program once more (`command`), with a listener of its own and a line to here (see `seat`). On that
line it says that it serves; when the line closes, because another takes its place or because this process is gone, it
lets its clients go and ends. SIGTERM and SIGINT are passed on; SIGHUP replaces all, one after another.
"""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import structlog

from alphaforge.listening import Address
from alphaforge.seat import NAME

log = structlog.get_logger(__name__)

STEADY_SECONDS = 60.0
"""Who lived this long did not end because of how it was begun."""

LONGEST_PAUSE = 30.0
PATIENCE = 30.0
"""Seconds for a process to end after it was asked to; more than its clients and its desk may take together."""


def pause_before(quick_ends: int) -> float:
    """Seconds before a process is begun again, after it ended so many times in a row soon after it was begun."""
    return 0.0 if quick_ends <= 1 else min(2.0 ** (quick_ends - 2), LONGEST_PAUSE)


def is_hopeless(code: int, *, served: bool, others_serve: bool) -> bool:
    """Whether to give up on all: one said why it cannot serve (a signal says nothing), and nobody else does."""
    return code > 0 and not served and not others_serve


@dataclass(eq=False, slots=True)
class Child:
    """A server process and the line to it."""

    process: asyncio.subprocess.Process
    line: socket.socket
    begun: float
    has_served: bool = False

    @classmethod
    async def begin(cls, command: Sequence[str], listener: socket.socket) -> Self:
        """Begin one that serves at `listener`."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            given = listener.fileno(), theirs.fileno()
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=given,
                env={**os.environ, NAME: ",".join(map(str, given))},
                process_group=0,  # what a terminal sends to all comes to us, and we pass it on
            )
        return cls(process, ours, asyncio.get_running_loop().time())

    async def served(self) -> bool:
        """Wait until it serves; False where it ended before."""
        with suppress(ConnectionError):
            self.has_served = bool(await asyncio.get_running_loop().sock_recv(self.line, 1))
        return self.has_served

    @property
    def serves(self) -> bool:
        """Whether it does at present."""
        return self.has_served and self.process.returncode is None

    async def ended(self) -> int:
        """Wait for its end; its exit code, or the negative number of the signal that ended it."""
        code = await self.process.wait()
        self.line.close()
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def end(self) -> int:
        """Wait for the end of one that was asked to; SIGKILL where that takes too long."""
        ended = asyncio.create_task(self.process.wait())
        if not (await asyncio.wait({ended}, timeout=PATIENCE))[0]:
            log.error("process_killed", process=self.process.pid, waited_seconds=PATIENCE)
            self.send(signal.SIGKILL)
        self.line.close()
        return await ended


@dataclass(eq=False, slots=True)
class Place:
    """One of the places: its listener, and who serves there at present. Its lock is held while somebody begins."""

    listener: socket.socket | None = None
    child: Child | None = None
    quick_ends: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self) -> None:
        """Nobody will serve here for a while: whoever connects goes to the others."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None


class Processes:
    """So many processes that run `command` and serve at `address`."""

    def __init__(self, count: int, command: Sequence[str], address: Address) -> None:
        self._command = command
        self._address = address
        self._places = [Place() for _ in range(count)]
        self._living: set[Child] = set()
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._somebody_serves = asyncio.Event()
        self._asked_to_replace = asyncio.Event()
        self._all_served = False

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT, or until there is no hope; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        work = asyncio.create_task(self._work())
        either: set[asyncio.Future[Any]] = {work, self._over}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()  # it never ends by itself, so this raises what broke it
            return self._over.result()
        finally:
            work.cancel()
            await asyncio.wait({work})
            self._tell(signal.SIGTERM)
            await asyncio.gather(*(child.end() for child in self._living))
            self._address.close()

    def _end(self, number: signal.Signals) -> None:
        """Pass a signal on, each time it comes: a second SIGINT means now."""
        if not self._over.done():
            log.info("ending", processes=len(self._living))
            self._over.set_result(0)
        else:
            self._tell(number)

    def _hung_up(self) -> None:
        """Replace all; but a terminal that went away is no wish for new processes."""
        if has_lost_its_terminal():
            self._end(signal.SIGTERM)
        else:
            self._asked_to_replace.set()

    def _tell(self, number: signal.Signals) -> None:
        for child in self._living:
            child.send(number)

    async def _work(self) -> None:
        """The first goes first: what stops it would stop all, and it makes the database ready for all."""
        first, *others = self._places
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(first))
            await self._somebody_serves.wait()
            for place in others:
                tasks.create_task(self._keep(place))
            tasks.create_task(self._replace_when_asked())

    async def _keep(self, place: Place) -> None:
        """See to it that somebody serves at this place."""
        while not self._over.done():
            async with place.lock:
                child = place.child = place.child or await self._begun(place)
            code = await child.ended()
            self._living.discard(child)
            if place.child is child:  # else another took its place, and it was asked to end
                place.child = None
                await self._consider(place, child, code)

    async def _begun(self, place: Place) -> Child:
        """Begin a process for this place, and wait until it serves or ended."""
        if place.listener is None:
            place.listener = self._address.listener()
        child = await Child.begin(self._command, place.listener)
        self._living.add(child)
        if await child.served():
            self._somebody_serves.set()
            if not self._all_served and sum(one.serves for one in self._living) == len(self._places):
                self._all_served = True
                log.info("all_serving", address=self._address.url, processes=len(self._places))
        return child

    async def _consider(self, place: Place, child: Child, code: int) -> None:
        """What to do now that a process ended without being asked to: give up, or wait a while."""
        said = {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
        if is_hopeless(code, served=child.has_served, others_serve=any(one.serves for one in self._living)):
            log.error("process_cannot_serve", process=child.process.pid, **said)
            if not self._over.done():
                self._over.set_result(code)
            return
        is_quick = asyncio.get_running_loop().time() - child.begun < STEADY_SECONDS
        place.quick_ends = place.quick_ends + 1 if is_quick else 1
        pause = pause_before(place.quick_ends)
        log.warning("process_ended", process=child.process.pid, **said, again_in_seconds=pause)
        if pause:
            place.leave()
            with suppress(TimeoutError):
                await asyncio.wait_for(place.hurry.wait(), pause)
            place.hurry.clear()

    async def _replace_when_asked(self) -> None:
        while True:
            await self._asked_to_replace.wait()
            self._asked_to_replace.clear()
            for place in self._places:
                if not await self._replaced(place):
                    break

    async def _replaced(self, place: Place) -> bool:
        """Let a new process serve at this place, and then the old one go; False where the new one cannot serve."""
        async with place.lock:
            old = place.child
            if old is None:
                place.hurry.set()  # it is begun anew anyway
                return True
            new = await self._begun(place)
            if not new.serves:
                code = await new.ended()
                self._living.discard(new)
                log.error("not_replaced", process=old.process.pid, exit_code=code, why="the new process cannot serve")
                return False
            place.child = new
        old.line.close()
        await old.end()
        log.info("replaced", process=old.process.pid, by=new.process.pid)
        return True


def has_lost_its_terminal() -> bool:
    """Whether standard error is a terminal that is not there any more."""
    try:
        os.tcgetpgrp(2)
    except OSError as error:
        return error.errno == errno.EIO
    return False


def serve_with(count: int, command: Sequence[str], host: str, port: int) -> int:
    """Serve with so many processes that run `command`, until SIGINT or SIGTERM; the exit code.

    Raises InvalidSetting for an address that cannot be used. What stops a process from serving, it says itself.
    """
    address = Address(host, port)

    async def run() -> int:
        return await Processes(count, command, address).run()

    return asyncio.run(run())
