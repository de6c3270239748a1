"""One process holds the market's price stream, and the others take from it what it brings."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import pytest

from alphaforge.core.errors import MarketUnavailable
from alphaforge.market import shared_stream
from alphaforge.market.shared_stream import SharedStream, packed, unpacked
from alphaforge.market.source import Heartbeat, Quote
from market_builders import FakeBroker, HandClock

QUOTE = Quote("GBP_USD", 1.5, 1.31, 1.3101, None, 100, tradeable=True)
GOLD = Quote("XAU_USD", 2.5, 2650.5, 2650.9, 1, 2, tradeable=False)
BEAT = Heartbeat(3.0)


@dataclass
class Channel:
    """A messenger in memory, and a market that streams what it is given."""

    items: "asyncio.Queue[Quote | Heartbeat | Exception]" = field(default_factory=asyncio.Queue)
    sent: "asyncio.Queue[bytes | Exception]" = field(default_factory=asyncio.Queue)
    leads: bool = True
    open: int = 0

    def publish(self, message: bytes) -> None:
        self.sent.put_nowait(message)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        self.open += 1
        try:
            while not isinstance(message := await self.sent.get(), Exception):
                yield message
            raise message
        finally:
            self.open -= 1

    async def stream(self, instruments: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        self.open += 1
        try:
            while not isinstance(item := await self.items.get(), Exception):
                yield item
            raise item
        finally:
            self.open -= 1


def of(channel: Channel) -> SharedStream:
    broker = FakeBroker(HandClock())
    broker.stream = channel.stream  # type: ignore[method-assign] - a fake's
    return SharedStream(broker, channel.publish, channel.messages, lambda: channel.leads)


@pytest.mark.parametrize("item", [QUOTE, GOLD, BEAT])
def test_what_is_passed_on_is_what_came(item: Quote | Heartbeat) -> None:
    assert unpacked(packed(item)) == item


@pytest.mark.parametrize(
    "message", [b"", b"x", b"\x91\xc0", packed(QUOTE)[:-1], b"\x92\x01\x96\xa1x\x02\x01\xc0\xc0\xc3"]
)
def test_what_nobody_of_ours_passed_on_is_an_error_of_the_market(message: bytes) -> None:
    with pytest.raises(MarketUnavailable, match="cannot be read"):
        unpacked(message)


async def test_who_holds_the_stream_passes_on_all_of_it_and_the_others_hear_what_they_watch() -> None:
    channel = Channel()
    held = of(channel).stream(["GBP_USD", "XAU_USD"])
    for item in (QUOTE, GOLD, BEAT):
        channel.items.put_nowait(item)
    assert [await anext(held) for _ in range(3)] == [QUOTE, GOLD, BEAT]
    channel.leads = False
    heard = of(channel).stream(["XAU_USD"])
    assert [await anext(heard) for _ in range(2)] == [GOLD, BEAT]
    await heard.aclose()
    await held.aclose()
    assert channel.open == 0


@pytest.mark.parametrize("leads", [True, False])
async def test_who_begins_or_ceases_to_lead_lets_go_though_nothing_comes(
    *, leads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_stream, "LOOK_SECONDS", 0.001)
    channel = Channel(leads=leads)
    waiting = asyncio.ensure_future(anext(of(channel).stream(["GBP_USD"])))
    while not channel.open:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    channel.leads = not leads
    with pytest.raises(MarketUnavailable, match="changes hands"):
        await waiting
    assert channel.open == 0


@pytest.mark.parametrize("leads", [True, False])
async def test_a_failure_is_the_streams_and_leaves_nothing_open(*, leads: bool) -> None:
    channel = Channel(leads=leads)
    (channel.items if leads else channel.sent).put_nowait(MarketUnavailable("gone"))  # type: ignore[attr-defined] - a queue either way
    with pytest.raises(MarketUnavailable, match="gone"):
        await anext(of(channel).stream(["GBP_USD"]))
    assert channel.open == 0


async def test_who_is_cancelled_while_he_waits_leaves_nothing_open() -> None:
    channel = Channel(leads=False)

    async def follow() -> None:
        async for _ in of(channel).stream(["GBP_USD"]):
            pass

    task = asyncio.create_task(follow())
    while not channel.open:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert channel.open == 0
