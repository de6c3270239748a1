import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from alphaforge.core.errors import MarketUnavailable, TokenRejected
from alphaforge.market.price_feed import FeedSettings, FeedState, PriceFeed
from alphaforge.market.source import Heartbeat, Quote
from market_builders import MONDAY, FakeBroker, HandClock

GBP, XAU = "GBP_USD", "XAU_USD"
SETTINGS = FeedSettings(
    pause=1.0, longest_pause=8.0, poll_every=2.0, mute_after=20.0, refused_pause=60.0, steady_after=60.0
)


def quote(seconds: float, instrument: str = GBP) -> Quote:
    return Quote(instrument, MONDAY + seconds, 1.264, 1.2641, None, None, tradeable=True)


class Over(Exception):
    """The script has come to its end."""


class Stage:
    """A market that plays a script: each entry is a stream's items, each call for quotes takes from `polls`."""

    def __init__(self, streams: Sequence[Sequence[Any]], polls: Sequence[Any] = ()) -> None:
        self.now = 0.0
        self.streams = list(streams)
        self.polls = list(polls)
        self.polled_at: list[float] = []
        self.opened_at: list[float] = []
        self.seen: list[tuple[FeedState, str]] = []
        self.market = FakeBroker(HandClock())
        self.market.quotes = self.quotes  # type: ignore[method-assign] - a script in place of a market
        self.market.stream = self.stream  # type: ignore[method-assign] - the same
        self.feed = PriceFeed(
            self.market, [GBP, XAU], SETTINGS, now=lambda: self.now, sleep=self.sleep, random=Middle()
        )

    async def quotes(self, _: Sequence[str]) -> list[Quote]:
        self.polled_at.append(self.now)
        answer = self.polls.pop(0) if self.polls else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def stream(self, _: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        if not self.streams:
            raise Over
        self.opened_at.append(self.now)
        for item in self.streams.pop(0):
            if isinstance(item, Exception):
                raise item
            if isinstance(item, float):
                self.now += item
                continue
            yield item
            self.seen.append((self.feed.status.state, self.feed.status.reason))

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.seen.append((self.feed.status.state, self.feed.status.reason))

    async def play(self) -> PriceFeed:
        with pytest.raises(Over):
            await self.feed.run()
        return self.feed


class Middle(Random):
    """Without chance: always the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


async def test_before_the_first_price_there_is_none() -> None:
    feed = Stage([]).feed
    assert feed.quote(GBP) is None
    assert feed.age(GBP) is None
    assert feed.status.state is FeedState.DOWN


async def test_prices_are_there_before_the_stream_brings_any() -> None:
    feed = await Stage([], polls=[[quote(1), quote(1, XAU)]]).play()
    assert feed.quote(GBP) == quote(1)
    assert feed.quote(XAU) == quote(1, XAU)
    assert feed.status.state is FeedState.POLLING


async def test_the_newest_quote_of_each_instrument_is_kept_with_its_age() -> None:
    stage = Stage([[quote(1), 3.0, quote(2), 4.0, quote(3, XAU), MarketUnavailable("gone")]])
    stage.streams.append([])
    await stage.play()
    assert stage.feed.quote(GBP) == quote(2)
    assert stage.feed.quote(XAU) == quote(3, XAU)
    assert stage.feed.age(GBP) == stage.now - 3.0
    assert (FeedState.STREAMING, "") in stage.seen


async def test_an_older_quote_never_takes_the_place_of_a_newer_one() -> None:
    feed = await Stage([[quote(5), MarketUnavailable("gone")]], polls=[[], [quote(4)], [quote(4)]]).play()
    assert feed.quote(GBP) == quote(5)


async def test_the_same_quote_asked_for_again_is_confirmed_but_not_news() -> None:
    heard: list[Quote] = []
    stage = Stage([[30.0, MarketUnavailable("gone")]], polls=[[quote(1)], [quote(1)]])
    stage.feed.subscribe(heard.append)
    await stage.play()
    assert stage.feed.age(GBP) < 30.0
    assert heard == [quote(1)]


async def test_while_the_stream_is_gone_prices_are_asked_for() -> None:
    gone = MarketUnavailable("gone")
    stage = Stage([[gone]] * 5, polls=[[quote(n)] for n in range(100)])
    await stage.play()
    assert (FeedState.POLLING, "gone") in stage.seen
    assert stage.feed.status.reconnects == 5
    pauses = [b - a for a, b in pairwise(stage.polled_at)]
    assert max(pauses) <= SETTINGS.poll_every


async def test_pauses_between_attempts_double_up_to_the_longest() -> None:
    stage = Stage([[MarketUnavailable("gone")]] * 6)
    await stage.play()
    assert [b - a for a, b in pairwise(stage.opened_at)] == [1, 2, 4, 8, 8]


async def test_after_a_stream_that_lasted_the_pause_is_short_again() -> None:
    gone = MarketUnavailable("gone")
    stage = Stage([[gone], [gone], [gone], [Heartbeat(0.0), 61.0, quote(1), gone], []])
    await stage.play()
    assert stage.opened_at[4] - stage.opened_at[3] == 61.0 + 1.0


async def test_pauses_are_spread_by_chance() -> None:
    openings = set()
    for seed in range(5):
        stage = Stage([[MarketUnavailable("gone")]] * 2)
        stage.feed._random = Random(seed)
        await stage.play()
        openings.add(stage.opened_at[1])
    assert len(openings) == 5
    assert all(0.5 <= opening <= 1.5 for opening in openings)


async def test_when_nothing_answers_the_feed_is_down_and_says_why() -> None:
    down = MarketUnavailable("OANDA cannot be reached")
    stage = Stage([], polls=[down] * 30)
    await stage.play()
    assert (FeedState.DOWN, "OANDA cannot be reached") in stage.seen
    assert FeedState.STREAMING not in {state for state, _ in stage.seen}


async def test_a_refused_token_is_tried_again_only_now_and_then() -> None:
    stage = Stage([[TokenRejected("not accepted")], []])
    await stage.play()
    assert stage.opened_at == [0.0, 60.0]
    assert (FeedState.DOWN, "not accepted") in stage.seen


def beats(count: int) -> list[Any]:
    """Heartbeats every five seconds."""
    return [item for number in range(count) for item in (5.0, Heartbeat(MONDAY + 5.0 * number))]


async def test_heartbeats_without_prices_are_held_against_an_answer() -> None:
    stage = Stage([[quote(1), *beats(5)], []], polls=[[], [quote(30)]])
    await stage.play()
    assert stage.polled_at[1] == 20.0
    assert "The price stream beats without prices" in [reason for _, reason in stage.seen]
    assert stage.feed.quote(GBP) == quote(30)
    assert len(stage.opened_at) == 2


async def test_a_quiet_market_does_not_end_the_stream() -> None:
    stage = Stage([[quote(1), *beats(13), Over()]], polls=[[], [quote(1)], [quote(1)], [quote(1)]])
    await stage.play()
    assert len(stage.opened_at) == 1
    assert stage.polled_at == [0.0, 20.0, 40.0, 60.0]
    assert stage.feed.status.mute
    assert stage.feed.status.last_heartbeat == 65.0


async def test_a_price_ends_the_muteness() -> None:
    stage = Stage([[quote(1), *beats(5), quote(31), Over()]])
    await stage.play()
    assert not stage.feed.status.mute


async def test_a_failed_answer_proves_nothing_against_the_stream() -> None:
    stage = Stage([[quote(1), *beats(9), Over()]], polls=[[], MarketUnavailable("503"), MarketUnavailable("503")])
    await stage.play()
    assert len(stage.opened_at) == 1
    assert stage.feed.status.state is FeedState.STREAMING


async def test_listeners_hear_every_new_quote_until_they_stop() -> None:
    stage = Stage([[quote(1), quote(2, XAU), quote(3), Over()]])
    heard: list[Quote] = []

    def hear(news: Quote) -> None:
        heard.append(news)
        if news.instrument == XAU:
            stop()

    stop = stage.feed.subscribe(hear)
    await stage.play()
    assert heard == [quote(1), quote(2, XAU)]


async def test_when_the_feed_ends_its_stream_is_closed() -> None:
    closed = asyncio.Event()
    streaming = asyncio.Event()
    stage = Stage([])

    async def endless(_: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        try:
            yield quote(1)
            streaming.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    stage.market.stream = endless  # type: ignore[method-assign] - as above
    running = asyncio.create_task(stage.feed.run())
    await streaming.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert closed.is_set()
