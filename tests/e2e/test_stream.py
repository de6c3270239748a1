"""The stream of a real process: what it acknowledged before it was killed, and how it ends."""

import asyncio
import signal
from pathlib import Path

from processes import Server, server

from ears import Ear, listening

SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
SIGNALS = "?kinds=signal"


def port_of(desk: Server) -> int:
    return int(desk.url.rpartition(":")[2])


def new_signal(desk: Server) -> int:
    return int(desk.post("/api/signals", SIGNAL)["signal"]["id"])


async def heard(ear: Ear, number: int) -> str:
    """The id of the event that tells of a signal."""
    while True:
        told = await ear.next()
        if told.data["id"] == number:
            return told.id


async def before_the_kill(desk: Server) -> tuple[str, list[int]]:
    async with listening(port_of(desk), SIGNALS) as ear:
        first = await asyncio.to_thread(new_signal, desk)
        last_id = await heard(ear, first)
        missed = [await asyncio.to_thread(new_signal, desk) for _ in range(3)]
        desk.kill()
        return last_id, missed


async def after_the_kill(desk: Server, last_id: str, missed: list[int]) -> None:
    async with listening(port_of(desk), SIGNALS, last_id) as ear:
        new = await asyncio.to_thread(new_signal, desk)
        await heard(ear, new)
    ours = [one for one in ear.events if one.data["origin"] == "manual"]
    assert [one.data["id"] for one in ours] == [*missed, new]
    assert not [one for one in ear.events if one.kind == "reset"]


def test_what_was_acknowledged_before_a_kill_is_told_after_it_to_who_comes_back(tmp_path: Path) -> None:
    with server(tmp_path, None) as desk:
        last_id, missed = asyncio.run(before_the_kill(desk))
    with server(tmp_path, None) as desk:
        asyncio.run(after_the_kill(desk, last_id, missed))


def test_a_server_that_ends_parts_with_its_listeners_in_order(tmp_path: Path) -> None:
    async def listen(desk: Server) -> None:
        async with listening(port_of(desk)) as ear, listening(port_of(desk), "?kinds=outcome") as silent:
            await ear.next("status")
            desk.process.send_signal(signal.SIGTERM)
            await ear.end()
            await silent.end()
            assert ear.is_whole
            assert silent.is_whole

    with server(tmp_path, None) as desk:
        asyncio.run(listen(desk))
        assert desk.process.wait(20) == 0
        log = (tmp_path / "server.log").read_text()
    assert "graceful shutdown exceeded" not in log
    assert "Traceback" not in log
