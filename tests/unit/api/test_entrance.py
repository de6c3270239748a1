"""The server's entrance: open for the question whether it lives, a waiting room for everything else."""

import asyncio
from typing import Any

import pytest

from alphaforge.api.entrance import Entrance


def request(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": []}


class Caller:
    """One request's two ends."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def answering(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "the desk's own answer"})


async def test_it_lives_before_there_is_a_desk() -> None:
    caller = Caller()
    await Entrance()(request("/health/live"), caller.receive, caller.send)
    assert caller.sent[0]["status"] == 200
    assert caller.sent[1]["body"] == b'{"status":"alive"}'
    assert (b"content-length", b"18") in caller.sent[0]["headers"]


@pytest.mark.parametrize("path", ["/", "/api/signals", "/health/ready", "/health/live/"])
async def test_everything_else_waits_for_the_desk_and_is_answered_by_it(path: str) -> None:
    entrance, caller = Entrance(), Caller()
    waiting = asyncio.create_task(entrance(request(path), caller.receive, caller.send))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not caller.sent
    entrance.open(answering)
    await waiting
    assert caller.sent == [{"type": "the desk's own answer"}]


async def test_with_the_desk_there_the_desk_says_whether_it_lives() -> None:
    entrance, caller = Entrance(), Caller()
    entrance.open(answering)
    await entrance(request("/health/live"), caller.receive, caller.send)
    assert caller.sent == [{"type": "the desk's own answer"}]
