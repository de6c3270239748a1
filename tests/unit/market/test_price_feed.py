import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from alphaforge.core.errors import MarketUnavailable, TokenRejected
from alphaforge.market.freshness import STALE_AFTER
from alphaforge.market.price_feed import FeedSettings, FeedState, FeedStatus, PriceFeed
from alphaforge.market.source import Heartbeat, Quote
from market_builders import MONDAY, FakeBroker, HandClock
from virtual_time import in_virtual_time

GBP, XAU = "GBP_USD", "XAU_USD"
SETTINGS = FeedSettings()
GONE = MarketUnavailable("gone")
HOUR = 3_600.0


def quote(seconds: float, instrument: str = GBP, *, tradeable: bool = True) -> Quote:
    return Quote(instrument, MONDAY + seconds, 1.264, 1.2641, None, None, tradeable=tradeable)


class Middle(Random):
    """Without chance: always the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@dataclass
class Stage:
    """A market with a price every second of virtual time, and a feed that is watched for a while.

    `streams`: what the first streams do, each a list of items, errors and pauses in seconds; those after them are well.
    `price_at`: the newest price's time at a moment. `answer`: an error in place of an answer at a moment.
    """

    streams: list[Sequence[Any]] = field(default_factory=list)
    price_at: Callable[[float], float] = lambda now: now // 1
    answer: Callable[[float], Exception | None] = lambda now: None
    is_open: Callable[[float], bool] = lambda now: True
    well: bool = True
    tradeable: Callable[[float], bool] = lambda now: True
    settings: FeedSettings = SETTINGS
    luck: Random = field(default_factory=Middle)
    opened: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    seen: list[tuple[float, FeedStatus]] = field(default_factory=list)
    heard: list[Quote] = field(default_factory=list)
    closed: int = 0
    given: bool = False
    step: float = 0.25

    async def quotes(self, names: Sequence[str]) -> list[Quote]:
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        if error := self.answer(now):
            raise error
        return [quote(self.price_at(now), name, tradeable=self.tradeable(now)) for name in names]

    async def stream(self, names: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        loop = asyncio.get_running_loop()
        self.opened.append((loop.time(), tuple(names)))
        try:
            for item in self.streams.pop(0) if self.streams else self.script():
                if isinstance(item, Exception):
                    raise item
                if isinstance(item, float):
                    await asyncio.sleep(item)
                    continue
                yield quote(self.price_at(loop.time()), names[0]) if item is quote else item
        finally:
            self.closed += 1

    def script(self) -> Any:
        """A healthy stream, without end; or one that cannot be opened."""
        while True:
            yield from (1.0, quote) if self.well else (GONE,)

    async def watch(self, seconds: float, also: Callable[[PriceFeed, float], None] = lambda feed, now: None) -> None:
        loop = asyncio.get_running_loop()
        market = FakeBroker(HandClock())
        market.quotes = self.quotes  # type: ignore[method-assign] - a script in place of a market
        if not self.given:
            market.stream = self.stream  # type: ignore[method-assign] - the same
        feed = PriceFeed(
            market,
            [GBP, XAU],
            self.settings,
            is_open=lambda _: self.is_open(loop.time()),
            stream=self.stream if self.given else None,
            now=loop.time,
            random=self.luck,
        )
        feed.subscribe(self.heard.append)
        work = asyncio.create_task(feed.run())
        while loop.time() < seconds:
            await asyncio.sleep(self.step)
            also(feed, loop.time())
            self.seen.append((loop.time(), feed.status))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        self.feed = feed

    def play(self, seconds: float, also: Callable[[PriceFeed, float], None] = lambda feed, now: None) -> "Stage":
        """Watch the feed for so many virtual seconds."""
        in_virtual_time(self.watch(seconds, also))
        return self

    def states(self, start: float = 0.0, end: float = float("inf")) -> set[FeedState]:
        return {status.state for now, status in self.seen if start <= now < end}

    def moments(self) -> list[float]:
        return [now for now, _ in self.opened]


def beats(seconds: float) -> list[Any]:
    """Heartbeats every five seconds."""
    return [5.0, Heartbeat(0.0)] * int(seconds // 5)


def priced(seconds: int) -> list[Any]:
    """A price every second."""
    return [1.0, quote] * seconds


# A stream that is well


def test_the_age_of_the_stream_is_that_of_its_last_word_though_prices_are_asked_for_meanwhile() -> None:
    ages: dict[float, float | None] = {}
    stage = Stage([[1.0, quote, 5.0, Heartbeat(0.0), GONE]], well=False)
    stage.play(30, lambda feed, now: ages.update({now: feed.stream_age}))
    assert (ages[0.5], ages[5.0], ages[30.0]) == (None, 4.0, 24.0)
    last_price = stage.seen[-1][1].last_price
    assert last_price is not None
    assert last_price >= 28.0


def test_prices_are_there_at_once_and_the_stream_brings_those_that_follow() -> None:
    stage = Stage().play(30)
    assert stage.asked == [0.0], "asked once, while the stream was being opened"
    assert [one.time - MONDAY for one in stage.heard if one.instrument == GBP] == [float(n) for n in range(31)]
    assert stage.states(2) == {FeedState.STREAMING}
    assert stage.seen[-1][1].reconnects == 0


def test_an_older_quote_never_takes_the_place_of_a_newer_one() -> None:
    stage = Stage([[0.5, quote(50), quote(49), quote(50), *beats(60)]], price_at=lambda now: 10.0).play(20)
    assert [one.time - MONDAY for one in stage.heard if one.instrument == GBP] == [10.0, 50.0]


def test_the_same_quote_asked_for_again_is_confirmed_but_not_news() -> None:
    stage = Stage([[*beats(HOUR)]], price_at=lambda now: 0.0).play(60)
    assert len(stage.heard) == 2
    assert max(status.stale_since is not None for _, status in stage.seen) is False, "confirmed, and so not stale"


def test_the_stream_may_come_from_elsewhere_than_the_source() -> None:
    stage = Stage(given=True).play(10)
    assert stage.states(2) == {FeedState.STREAMING}


def test_what_a_shared_stream_brings_of_other_instruments_is_left_alone() -> None:
    stage = Stage([[quote(5, "EUR_USD"), quote(6), *beats(60)]], price_at=lambda now: 0.0).play(3)
    assert stage.feed.quote("EUR_USD") is None
    assert stage.feed.quote(GBP) == quote(6)


def test_listeners_hear_every_new_quote_until_they_stop() -> None:
    stage = Stage()
    heard: list[Quote] = []
    stops: list[Callable[[], None]] = []

    def at(feed: PriceFeed, now: float) -> None:
        if not stops:
            stops.append(feed.subscribe(heard.append))
        if now == 5.5:
            stops[0]()

    stage.play(20, at)
    assert [one.time - MONDAY for one in heard] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_when_the_feed_ends_its_stream_is_closed() -> None:
    stage = Stage().play(5)
    assert stage.closed == len(stage.opened) == 1


# A stream that fails


@pytest.mark.parametrize("fault", [[GONE], [*priced(3), GONE], priced(3)], ids=["at once", "later", "it just ends"])
def test_a_stream_that_ends_is_opened_again_soon(fault: list[Any]) -> None:
    stage = Stage([fault]).play(20)
    assert len(stage.opened) == 2
    assert stage.moments()[1] - 3.0 * (len(fault) > 1) == pytest.approx(SETTINGS.pause)


@pytest.mark.parametrize("given", [False, True], ids=["the source's", "a shared one"])
def test_silence_is_noticed_within_ten_seconds(given: bool) -> None:  # noqa: FBT001 - a parameter
    stage = Stage([[*priced(20), HOUR]], given=given, settings=FeedSettings(mute_after=60.0)).play(40)
    silent = 20.0
    first = next(now for now, status in stage.seen if now > silent and status.state is not FeedState.STREAMING)
    assert first - silent <= 10.0 + 0.25
    assert stage.moments()[1] - silent <= 15.0


def test_heartbeats_without_prices_are_held_against_an_answer() -> None:
    stage = Stage([[*priced(20), *beats(HOUR)]]).play(40)
    assert "The price stream brings no prices" in {status.reason for _, status in stage.seen}
    assert stage.moments()[1] - 20.0 <= 10.0


def test_a_quiet_market_does_not_end_the_stream() -> None:
    stage = Stage([[1.0, quote(1), *beats(HOUR)]], price_at=lambda now: 1.0).play(600)
    assert len(stage.opened) == 1
    assert {b - a for a, b in pairwise(stage.asked[1:])} == {SETTINGS.mute_after}
    assert stage.seen[-1][1].mute
    assert all(status.stale_since is None for _, status in stage.seen), "what was confirmed is not stale"


def test_a_price_that_was_on_its_way_is_not_held_against_the_stream() -> None:
    stage = Stage([[0.1, quote, 7.5, quote, HOUR]], price_at=lambda now: now // 7.05).play(9)
    assert stage.asked == [0.0, pytest.approx(7.1)]
    assert len(stage.opened) == 1


def test_a_price_ends_the_muteness() -> None:
    stage = Stage([[*beats(20), *priced(60)]], price_at=lambda now: max(0.0, now - 20.0) // 1).play(40)
    assert any(status.mute for now, status in stage.seen if now < 20)
    assert not stage.seen[-1][1].mute


def test_one_failed_answer_proves_nothing_against_the_stream() -> None:
    failing = MarketUnavailable("503")
    stage = Stage([[*beats(HOUR)]], price_at=lambda now: 0.0, answer=lambda now: failing if 5 < now < 8 else None)
    stage.play(60)
    assert len(stage.opened) == 1


def test_where_neither_the_stream_nor_an_answer_brings_prices_the_stream_is_opened_anew_within_ten_seconds() -> None:
    stage = Stage([[*priced(20), *beats(HOUR)]], answer=lambda now: MarketUnavailable("503")).play(40)
    first = next(now for now, status in stage.seen if now > 20 and status.state is not FeedState.STREAMING)
    assert first <= 30
    assert len(stage.opened) == 2


def test_after_a_failed_answer_a_mute_stream_is_soon_held_against_the_next() -> None:
    stage = Stage(
        [[*priced(20), *beats(HOUR)]], answer=lambda now: MarketUnavailable("503") if 20 <= now < 27.5 else None
    ).play(40)
    assert stage.moments()[1] - 28.0 <= SETTINGS.poll_every + SETTINGS.grace + SETTINGS.pause + 0.1


def test_while_the_stream_is_gone_prices_are_asked_for() -> None:
    stage = Stage(well=False).play(120)
    assert stage.states(1) <= {FeedState.POLLING, FeedState.DOWN}
    assert max(b - a for a, b in pairwise(stage.asked)) <= 2 * SETTINGS.poll_every
    assert all(status.stale_since is None for _, status in stage.seen)


def test_while_the_stream_is_being_opened_for_long_prices_are_asked_for() -> None:
    stage = Stage([[HOUR]]).play(9)
    assert stage.asked == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert stage.states(1) == {FeedState.POLLING}


def test_pauses_between_attempts_double_up_to_the_longest() -> None:
    stage = Stage(well=False).play(60)
    assert [b - a for a, b in pairwise(stage.moments())][:6] == pytest.approx([0.5, 1, 2, 4, 8, 8])


def test_after_a_stream_that_lasted_the_pause_is_short_again() -> None:
    stage = Stage([[GONE], [GONE], [GONE], [*priced(61), GONE]]).play(80)
    assert stage.moments()[4] - stage.moments()[3] == pytest.approx(61.0 + SETTINGS.pause)


def test_pauses_are_spread_by_chance() -> None:
    second = {Stage([[GONE]], luck=Random(seed)).play(3).moments()[1] for seed in range(5)}
    assert len(second) == 5
    assert all(0.5 * SETTINGS.pause <= moment <= 1.5 * SETTINGS.pause for moment in second)


def test_prices_are_back_within_fifteen_seconds_after_a_long_outage() -> None:
    def answer(now: float) -> Exception | None:
        return GONE if now < 600 else None

    class Unlucky(Middle):
        def uniform(self, a: float, b: float) -> float:
            return b

    stage = Stage([[GONE]] * 200, answer=answer, luck=Unlucky())
    stage.play(630, lambda feed, now: stage.streams.clear() if now >= 600 else None)
    first = next(one.time for one in stage.heard) - MONDAY
    assert 600 <= first <= 615
    streaming = next(now for now, status in stage.seen if status.state is FeedState.STREAMING)
    assert streaming <= 615


def test_an_answer_that_does_not_come_holds_up_nothing() -> None:
    class Slow(Stage):
        async def quotes(self, names: Sequence[str]) -> list[Quote]:
            self.asked.append(asyncio.get_running_loop().time())
            await asyncio.sleep(HOUR)
            return []

    stage = Slow([[GONE]]).play(20)
    assert stage.states(7) == {FeedState.STREAMING}


# What an alarm needs to know


def test_when_nothing_answers_the_feed_is_down_says_why_and_since_when_prices_are_stale() -> None:
    down = MarketUnavailable("OANDA cannot be reached")
    stage = Stage([[*priced(20), GONE]], answer=lambda now: down if now > 15 else None, well=False).play(60)
    assert stage.states(40) == {FeedState.DOWN}
    assert stage.seen[-1][1].stale_since == 20.0 + STALE_AFTER
    assert next(now for now, status in stage.seen if status.stale_since is not None) == 20.0 + STALE_AFTER


def test_a_refused_token_is_said_and_tried_again_only_now_and_then() -> None:
    refused = TokenRejected("not accepted")
    stage = Stage([[refused]] * 4, answer=lambda now: refused if now < 30 else None).play(60)
    assert all(status.token_rejected for now, status in stage.seen if 1 <= now < 24)
    assert len([now for now in stage.asked if now < 30]) <= 5, "the token is not offered again and again"
    assert not stage.seen[-1][1].token_rejected
    assert stage.seen[-1][1].state is FeedState.STREAMING


def test_a_token_revoked_midway_ends_the_stream_and_nothing_else() -> None:
    refused = TokenRejected("not accepted")
    stage = Stage([[*priced(20), GONE], *[[refused]] * 3], answer=lambda now: refused if 20 <= now < 40 else None).play(
        60
    )
    assert any(status.token_rejected for now, status in stage.seen if now < 40)
    assert len([now for now in stage.asked if 20 <= now < 40]) <= 4
    assert stage.states(56) == {FeedState.STREAMING}


# While nothing trades


def closed_until(moment: float) -> dict[str, Any]:
    """A market that opens at a moment, with a price of an hour before it began until then."""
    return {
        "is_open": lambda now: now >= moment,
        "price_at": lambda now: now // 1 if now >= moment else -HOUR,
        "tradeable": lambda now: now >= moment,
    }


def test_over_a_weekend_a_stream_that_beats_is_left_in_peace() -> None:
    stage = Stage([[*beats(20 * HOUR)]], step=10.0, **closed_until(40 * HOUR)).play(10 * HOUR)
    assert stage.asked == [0.0]
    assert len(stage.opened) == 1
    assert all(status.stale_since is None and not status.trading for _, status in stage.seen)


def test_over_a_weekend_a_stream_that_will_not_open_is_tried_now_and_then_and_nothing_is_asked() -> None:
    stage = Stage(well=False, step=10.0, **closed_until(40 * HOUR)).play(4 * HOUR)
    assert len(stage.asked) <= 2, "only for what was not known at all"
    assert min(b - a for a, b in pairwise(stage.moments())) >= SETTINGS.closed_pause
    assert all(status.stale_since is None for _, status in stage.seen)


@pytest.mark.parametrize("well", [True, False], ids=["streaming", "down"])
def test_the_open_comes_back_by_itself(well: bool) -> None:  # noqa: FBT001 - a parameter
    opens = 3 * HOUR
    stage = Stage([[GONE]] * 20, well=well, step=1.0, **closed_until(opens)).play(opens + 20)
    first = next(one.time - MONDAY for one in stage.heard if one.time - MONDAY > 0)
    assert first <= opens + 5
    assert all(status.stale_since is None for _, status in stage.seen)


def test_a_stream_that_stays_mute_at_the_open_is_noticed_within_ten_seconds() -> None:
    opens = HOUR
    stage = Stage([[*beats(20 * HOUR)]], **closed_until(opens)).play(opens + 30)
    assert opens < stage.moments()[1] <= opens + 12


def test_a_feed_that_is_down_at_the_open_is_stale_fifteen_seconds_after_it() -> None:
    stage = Stage(well=False, **(closed_until(HOUR) | {"answer": lambda now: GONE})).play(HOUR + 30)
    assert stage.seen[-1][1].stale_since == pytest.approx(HOUR + STALE_AFTER, abs=SETTINGS.closed_look)


def test_a_holiday_that_the_hours_do_not_know_is_asked_about_once_a_minute_and_is_no_alarm() -> None:
    ends = 2 * HOUR
    told = closed_until(ends) | {"is_open": lambda now: True}
    stage = Stage([[*beats(20 * HOUR)]], step=1.0, **told).play(ends + 90)
    assert len([now for now in stage.asked if now < ends]) <= ends / 60 + 2
    assert all(status.stale_since is None for now, status in stage.seen if now < ends)
    assert max(one.time for one in stage.heard) - MONDAY > ends, "and its end is noticed"


# Other instruments


def test_other_instruments_are_followed_at_once() -> None:
    stage = Stage()
    stage.play(30, lambda feed, now: feed.watch([GBP, "EUR_USD"]) if now == 10.5 else None)
    assert [(round(now), names) for now, names in stage.opened] == [(0, (GBP, XAU)), (10, (GBP, "EUR_USD"))]
    assert stage.closed == 2
    assert stage.feed.quote(XAU) is None
    assert stage.feed.quote("EUR_USD") is not None
    assert stage.seen[-1][1].reconnects == 0


def test_the_same_instruments_in_another_order_change_nothing() -> None:
    stage = Stage()
    stage.play(20, lambda feed, now: feed.watch([XAU, GBP, XAU]))
    assert len(stage.opened) == 1


def test_instruments_changed_during_a_pause_end_it() -> None:
    stage = Stage(well=False, **closed_until(40 * HOUR))
    stage.play(20, lambda feed, now: feed.watch([GBP]) if now == 5 else None)
    assert stage.moments()[1] == pytest.approx(5.0, abs=0.3)


def test_without_instruments_nothing_is_asked_until_there_are_some() -> None:
    stage = Stage()

    def change(feed: PriceFeed, now: float) -> None:
        if now in (5, 20):
            feed.watch([] if now == 5 else [XAU])

    stage.play(30, change)
    assert stage.moments() == pytest.approx([0, 20], abs=0.3)
    assert not [now for now in stage.asked if 5.5 < now < 20]
