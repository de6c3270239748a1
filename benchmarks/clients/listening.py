"""Many listeners of a stream of events, in a process of their own: when each price came, and whether all came.

What to do comes in by standard input; by standard output goes out a line when all listen, then what was heard.
"""

import os
import re
import select
import socket
import subprocess
import sys
import time
from array import array
from pathlib import Path

import msgspec

from benchmarks.report import median, percentile

_ROOT = Path(__file__).parents[2]
_PRICE = re.compile(rb"event: price\nid: [0-9]+\.([0-9]+)\n")
_ALL_AT_ONCE = 65_536
_WAITING = 100
"""Listeners who wait for their answer at any time: more than the kernel queues are refused, and come again late."""
_LATE = 2.0
"""Seconds after the end in which what was told before it may still come."""


class Hearing(msgspec.Struct, frozen=True):
    """What is to be heard: `listeners` of `path` for `seconds`, `warm_up` seconds after all of them were answered."""

    port: int
    listeners: int
    seconds: float
    warm_up: float = 1.0
    path: str = "/api/stream"
    core: int | None = None


class Heard(msgspec.Struct, frozen=True):
    """What came; times in seconds from the moment in an event's id to when it was read.

    `incomplete`: listeners who missed an event that any other was told, or heard it twice. `lost`: connections that
    ended. `connecting`: until all were answered. `busy`: which share of a core listening took.
    """

    prices: int
    each: int
    p50: float
    p99: float
    longest: float
    incomplete: int
    lost: int
    connecting: float
    busy: float


class _Listener:
    """A connection, and the moments of the prices that came by it."""

    __slots__ = ("is_answered", "moments", "rest", "socket")

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(request)
        self.socket.setblocking(False)
        self.rest = b""
        self.is_answered = False
        self.moments = array("q")

    def read(self) -> list[int] | None:
        """The moments of the prices that are there; None where the connection ended."""
        try:
            data = self.socket.recv(_ALL_AT_ONCE)
        except BlockingIOError:
            return []
        if not data:
            return None
        self.is_answered = True
        data = self.rest + data
        whole = data.rfind(b"\n\n") + 2
        self.rest = data[whole:]
        found = [int(moment) for moment in _PRICE.findall(data, 0, whole)]
        self.moments.extend(found)
        return found


def listen(load: Hearing) -> "subprocess.Popen[bytes]":
    """Begin to listen in a process of its own; see `heard`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.clients.listening"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.msgpack.encode(load))
    process.stdin.close()
    return process


def all_listen(process: "subprocess.Popen[bytes]") -> None:
    """Wait until all that a process of `listen` has are answered."""
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError("The listeners broke; what they said is above")


def heard(process: "subprocess.Popen[bytes]") -> Heard:
    """What a process of `listen` heard, once it has; after `all_listen`."""
    assert process.stdout is not None
    said = process.stdout.read()
    if process.wait():
        raise RuntimeError("The listeners broke; what they said is above")
    return msgspec.msgpack.decode(said, type=Heard)


def run(load: Hearing) -> Heard:
    """Listen."""
    request = f"GET {load.path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n".encode()
    began = time.monotonic()
    poll, listeners = select.epoll(), {}
    while len(listeners) < load.listeners or not all(one.is_answered for one in listeners.values()):
        waiting = sum(not one.is_answered for one in listeners.values())
        for _ in range(min(_WAITING - waiting, load.listeners - len(listeners))):
            one = _Listener(load.port, request)
            listeners[one.socket.fileno()] = one
            poll.register(one.socket, select.EPOLLIN)
        for number, _ in poll.poll(0.01):
            listeners[number].read()
    connecting = time.monotonic() - began
    sys.stdout.buffer.write(b"all listen\n")
    sys.stdout.buffer.flush()
    start = time.time() + load.warm_up
    end, worked = start + load.seconds, time.process_time()
    first, last = int(start * 1e6), int(end * 1e6)
    took, lost = array("d"), 0
    while time.time() < end + _LATE:
        for number, _ in poll.poll(0.1):
            found = listeners[number].read()
            if found is None:
                lost += 1
                poll.unregister(number)
                continue
            now = time.time()
            took.extend(now - moment / 1e6 for moment in found if first <= moment < last)
    busy = (time.process_time() - worked) / (load.warm_up + load.seconds + _LATE)
    told = [[moment for moment in one.moments if first <= moment < last] for one in listeners.values()]
    every = sorted(set().union(*told))
    return Heard(
        prices=len(took),
        each=len(every),
        p50=median(took) if took else 0.0,
        p99=percentile(took, 0.99) if took else 0.0,
        longest=max(took, default=0.0),
        incomplete=sum(one != every for one in told),
        lost=lost,
        connecting=connecting,
        busy=busy,
    )


if __name__ == "__main__":
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Hearing)
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    sys.stdout.buffer.write(msgspec.msgpack.encode(run(given)))
