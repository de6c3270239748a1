"""The benchmark's lightest load counts the answers that a server gave."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from alphaforge.api.patience import Patience
from connections import serving

sys.path.append(str(Path(__file__).parents[2]))
from benchmarks.clients.pipelined import Piece, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel drops the bytes")


class Counting:
    """Answers, and counts its answers."""

    def __init__(self, size: int) -> None:
        self.answers = 0
        self.size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.answers += 1
        head: list[Any] = [(b"content-length", b"%d" % self.size)]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"x" * self.size})


@pytest.mark.parametrize("size", [0, 5_000, 300_000])
async def test_every_answer_is_counted_once(size: int) -> None:
    app = Counting(size)
    async with serving(app, Patience()) as (port, _):
        piece = Piece(port, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 3, 4, seconds=0.2, warm_up=0.0)
        counted = await asyncio.to_thread(run, piece)
    to_begin, under_way = 3 * 2, 3 * 4
    assert counted.answers > 0
    assert app.answers - to_begin - under_way <= counted.answers <= app.answers - to_begin
    assert counted.broken == 0
