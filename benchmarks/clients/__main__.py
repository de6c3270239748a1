"""The crowd's process: what to do comes in by standard input, what was seen goes out by standard output."""

import os
import sys

import msgspec
import uvloop

from benchmarks.clients.crowds import run
from benchmarks.clients.tally import Load


def main() -> None:
    """Do it once."""
    load = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Load)
    if load.core is not None:
        os.sched_setaffinity(0, {load.core})
    sys.stdout.buffer.write(msgspec.msgpack.encode(uvloop.run(run(load))))


if __name__ == "__main__":
    main()
