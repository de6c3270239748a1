"""A load that costs as little as can be, for servers that need every core: `python -m benchmarks.clients.pipelined`.

Plain sockets; each connection sends many requests in one piece, waits until as many answers have come, and sends again.
Nobody looks at the answers: the kernel drops their bytes (MSG_TRUNC) and says how many there were. So all answers have
to be of about the same length, which is what the first ones are read for.
"""

import os
import re
import select
import socket
import sys
import time

import msgspec

from benchmarks.machine import busy_cores
from benchmarks.machine import worked as worked_by

_SLACK = 64
"""Bytes by which all answers of one piece may be shorter than they were at first: a countdown loses a digit."""

_REST = 0.002
"""Seconds between two looks: much comes at once then, and a hundred questions still wait at each server."""

_MOST = 1 << 20
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Piece(msgspec.Struct, frozen=True):
    """What to do: `depth` requests at a time on each of so many connections, for so many seconds after the warm-up."""

    port: int
    request: bytes
    connections: int = 32
    depth: int = 16
    seconds: float = 3.0
    warm_up: float = 0.5
    servers: list[int] = []


class Counted(msgspec.Struct, frozen=True):
    """What came of it; `worked`, `served` and `busy`: seconds of CPU of this process, of the `servers`, of all."""

    answers: int
    seconds: float
    worked: float
    served: float
    busy: float
    broken: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def others(self) -> float:
        """Cores that whoever else is on the machine took meanwhile."""
        return (self.busy - self.served - self.worked) / self.seconds


def run(piece: Piece) -> Counted:
    """Do it."""
    connections = [socket.create_connection(("127.0.0.1", piece.port)) for _ in range(piece.connections)]
    length = max(_length_of_answer(one, piece.request) for one in connections)
    waited = _Waited(piece, length, connections)
    waited.until(time.perf_counter() + piece.warm_up)
    served, busy = sum(map(worked_by, piece.servers)), busy_cores()
    began, worked = time.perf_counter(), time.process_time()
    before = waited.pieces
    waited.until(began + piece.seconds)
    took, used = time.perf_counter() - began, time.process_time() - worked
    served, busy = sum(map(worked_by, piece.servers)) - served, busy_cores() - busy
    for one in connections:
        one.close()
    return Counted((waited.pieces - before) * piece.depth, took, used, served, busy, waited.broken)


class _Waited:
    """The connections, and how many bytes each still waits for."""

    def __init__(self, piece: Piece, length: int, connections: list[socket.socket]) -> None:
        self.pieces = self.broken = 0
        self._asked = piece.request * piece.depth
        self._expected = length * piece.depth - _SLACK
        self._missing = {one.fileno(): self._expected for one in connections}
        self._connections = {one.fileno(): one for one in connections}
        self._ready = select.epoll()
        for one in connections:
            one.sendall(self._asked)
            one.setblocking(False)
            self._ready.register(one, select.EPOLLIN)

    def until(self, end: float) -> None:
        """Send and receive until a moment of `time.perf_counter`."""
        buffer, missing, connections = bytearray(_MOST), self._missing, self._connections
        while time.perf_counter() < end:
            time.sleep(_REST)
            for number, _ in self._ready.poll(0.1):
                came = connections[number].recv_into(buffer, _MOST, socket.MSG_TRUNC)
                if not came:
                    self.broken += 1
                    self._ready.unregister(number)
                    continue
                missing[number] -= came
                if missing[number] <= 0:
                    missing[number] = self._expected
                    self.pieces += 1
                    connections[number].send(self._asked)


def _length_of_answer(connection: socket.socket, request: bytes) -> int:
    """Bytes of the second answer on a connection: what it is not before is kept by then."""
    for _ in range(2):
        connection.sendall(request)
        got = bytearray()
        while b"\r\n\r\n" not in got:
            got += _some(connection)
        head = got.index(b"\r\n\r\n") + 4
        said = _LENGTH.search(got, 0, head)
        length = head + (int(said[1]) if said and b" 304 " not in got[:head] else 0)
        while len(got) < length:
            got += _some(connection)
    return length


def _some(connection: socket.socket) -> bytes:
    came = connection.recv(_MOST)
    if not came:
        raise ConnectionError("The server hung up")
    return came


if __name__ == "__main__":
    os.write(1, msgspec.msgpack.encode(run(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Piece))))
