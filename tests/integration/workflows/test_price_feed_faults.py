"""Each fault of the price stream once: prices go on being known, in order, and the stream comes back by itself."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from alphaforge.market.price_feed import FeedState
from alphaforge.market.source import Quote
from workflow_rooms import GBP, Room, room_at


@dataclass
class Listener:
    """Everything that the feed tells, each quote with the feed's state at that moment."""

    room: Room
    heard: asyncio.Queue[tuple[Quote, FeedState]] = field(default_factory=asyncio.Queue)
    quotes: list[Quote] = field(default_factory=list)

    def __call__(self, quote: Quote) -> None:
        assert quote.time <= self.room.client.clock.now() + 600, "a price of the future was believed"
        self.quotes.append(quote)
        self.heard.put_nowait((quote, self.room.feed.status.state))

    async def hear(self, count: int, *states: FeedState) -> None:
        """Wait for quotes that come in these states."""
        while count:
            async with asyncio.timeout(30):
                _, state = await self.heard.get()
            count -= state in states


@pytest.fixture
async def following(loaded_file: Path, tmp_path: Path) -> AsyncIterator[Listener]:
    """A room in which a market minute passes each second, so that there always is a newer price; nobody follows yet."""
    shutil.copyfile(loaded_file, tmp_path / "alphaforge.db")
    async with room_at(f"sqlite:///{tmp_path / 'alphaforge.db'}", silence=0.5) as room:
        await room.control.post("/sandbox/clock", json={"speed": 60})
        await room.client.connect()
        listener = Listener(room)
        room.feed.subscribe(listener)
        yield listener


async def follow(listener: Listener, fault: dict[str, Any], *states: FeedState) -> None:
    """Follow the prices under a fault and after it; `states` are those in which prices come meanwhile."""
    room = listener.room
    await room.fault(**fault)
    work = asyncio.create_task(room.feed.run())
    try:
        await listener.hear(8, *states)
        while FeedState.STREAMING not in states and not room.feed.status.reconnects:
            await listener.hear(1, *states)
        answer = await room.api.get("/api/prices/live")
        assert answer.status_code == 200
        assert not answer.json()["prices"][GBP]["stale"]
        assert (await room.api.get("/api/status")).status_code == 200
        await room.heal()
        await listener.hear(8, FeedState.STREAMING)
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    assert all(earlier.time < later.time for earlier, later in pairwise(listener.quotes))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "split_lines"},
        {"kind": "merged_lines"},
        {"kind": "duplicate_tick"},
        {"kind": "out_of_order_tick", "delay": 3_600},
        {"kind": "future_tick", "delay": 3_600},
        {"kind": "bad_json", "path": "stream", "chance": 0.5},
        {"kind": "nan_price", "path": "stream", "chance": 0.5},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_what_is_wrong_with_lines_of_the_stream_leaves_prices_in_order(
    following: Listener, fault: dict[str, Any]
) -> None:
    await follow(following, fault, FeedState.STREAMING)
    assert following.room.feed.status.reconnects == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "silent_stream"},
        {"kind": "heartbeats_only"},
        {"kind": "reset", "path": "stream"},
        {"kind": "truncated", "path": "stream"},
        {"kind": "revoked_token", "path": "stream"},
        {"kind": "status", "status": 503, "path": "stream"},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_prices_are_asked_for_while_the_stream_brings_none(following: Listener, fault: dict[str, Any]) -> None:
    await follow(following, fault, FeedState.POLLING, FeedState.DOWN)
    assert following.room.feed.status.reconnects > 0
