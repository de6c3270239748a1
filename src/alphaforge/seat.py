"""The place of one server process among several: the listener it was given, and a line to the process that began it."""

import asyncio
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

NAME = "ALPHAFORGE_SEAT"
"""The environment variable that tells a process which of its open files are the listener and the line."""

READY = b"."


@dataclass(frozen=True, slots=True)
class Seat:
    """What a server process was given by the one that began it."""

    listener: socket.socket
    line: socket.socket

    @classmethod
    def given(cls) -> Self | None:
        """The seat of this process; None where it was begun by hand. Only the first call finds it."""
        named = os.environ.pop(NAME, None)
        if named is None:
            return None
        listener, line = (socket.socket(fileno=int(number)) for number in named.split(","))
        for one in (listener, line):
            one.set_inheritable(False)
        line.setblocking(False)
        return cls(listener, line)

    def ready(self) -> None:
        """Tell the one that began this process that it serves; that it is gone is told by `dismissed`."""
        with suppress(ConnectionError):
            self.line.send(READY)

    async def dismissed(self) -> None:
        """Wait until another takes this place, or the one that began this process is gone, however that ended."""
        await asyncio.get_running_loop().sock_recv(self.line, 1)
