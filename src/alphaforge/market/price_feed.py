"""The newest quote of each instrument, from the stream while it lives and by asking while it does not."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import structlog

from alphaforge.core.errors import AccessDenied, MarketError, MarketUnavailable, TokenRejected
from alphaforge.market.source import CandleSource, Quote

log = structlog.get_logger(__name__)


class FeedState(StrEnum):
    """Whether prices are streamed, asked for every few seconds, or not to be had."""

    STREAMING = "streaming"
    POLLING = "polling"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Seconds. The pause before the stream is opened again is `pause`, doubled each time up to `longest_pause`.

    `poll_every`: between questions while there is no stream. `mute_after`: when a stream that beats without prices is
    held against an answer. `refused_pause`: between attempts with a token that was refused. `steady_after`: how long
    a stream must have lasted for the next pause to be short again.
    """

    pause: float = 0.5
    longest_pause: float = 30.0
    poll_every: float = 2.0
    mute_after: float = 20.0
    refused_pause: float = 60.0
    steady_after: float = 60.0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How the feed stands. `since`, `last_price` and `last_heartbeat` are monotonic moments; `reason` is for people."""

    state: FeedState
    since: float
    reason: str
    reconnects: int
    last_price: float | None
    last_heartbeat: float | None
    mute: bool


@dataclass(frozen=True, slots=True)
class _Received:
    quote: Quote
    at: float


class MuteStream(MarketUnavailable):
    """The stream beats, but the market has newer prices than it brought."""


class PriceFeed:
    """Keeps the newest quote of each of `instruments`. `run` works until cancelled; `subscribe` hears new quotes."""

    def __init__(
        self,
        source: CandleSource,
        instruments: Sequence[str],
        settings: FeedSettings | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Random | None = None,
    ) -> None:
        self._source = source
        self._instruments = tuple(instruments)
        self._settings = settings or FeedSettings()
        self._now = now
        self._sleep = sleep
        self._random = random or Random()  # noqa: S311 - jitter, not cryptography
        self._received: dict[str, _Received] = {}
        self._listeners: list[Callable[[Quote], None]] = []
        self._state, self._since, self._reason = FeedState.DOWN, now(), "not started"
        self._reconnects = 0
        self._last_price: float | None = None
        self._last_heartbeat: float | None = None
        self._mute = False

    def quote(self, instrument: str) -> Quote | None:
        """The newest quote, however old; None before the first."""
        received = self._received.get(instrument)
        return received.quote if received else None

    def age(self, instrument: str) -> float | None:
        """Seconds since the newest quote was received or confirmed; None before the first."""
        received = self._received.get(instrument)
        return self._now() - received.at if received else None

    @property
    def status(self) -> FeedStatus:
        """How the feed stands."""
        return FeedStatus(
            self._state,
            self._since,
            self._reason,
            self._reconnects,
            self._last_price,
            self._last_heartbeat,
            self._mute,
        )

    def subscribe(self, listener: Callable[[Quote], None]) -> Callable[[], None]:
        """Call `listener` with every new quote, in the feed's own task: it must be quick. Returns how to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def run(self) -> None:
        """Stream, and ask while the stream is gone, until cancelled."""
        pause = self._settings.pause
        while True:
            opened = self._now()
            try:
                await self._poll()  # prices at once, and the market's time, without which ticks cannot be judged
                self._enter(FeedState.POLLING, "the price stream is being opened")
                opened = self._now()
                await self._listen()
            except MarketError as error:
                if self._now() - opened >= self._settings.steady_after:
                    pause = self._settings.pause
                self._reconnects += 1
                refused = isinstance(error, TokenRejected | AccessDenied)
                self._enter(FeedState.DOWN, error.message)
                await self._poll_for(
                    self._settings.refused_pause if refused else pause * self._random.uniform(0.5, 1.5)
                )
                pause = min(self._settings.longest_pause, pause * 2)

    async def _listen(self) -> None:
        """Take what the stream brings until it ends, which it does with a MarketError."""
        stream = self._source.stream(self._instruments)
        quiet_since = self._now()
        try:
            async for item in stream:
                self._enter(FeedState.STREAMING, "")
                if isinstance(item, Quote):
                    self._take(item)
                    quiet_since, self._mute = self._now(), False
                    continue
                self._last_heartbeat = self._now()
                if self._now() - quiet_since >= self._settings.mute_after:
                    await self._hold_against_an_answer()
                    quiet_since, self._mute = self._now(), True
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        raise MarketUnavailable("The price stream ended")

    async def _hold_against_an_answer(self) -> None:
        """Ask for prices: raises MuteStream where the market moved and the stream did not say so."""
        try:
            moved = await self._poll()
        except MarketError as error:
            log.info("stream_without_prices_unproven", reason=error.message)  # the stream is not to blame for that
            return
        if moved:
            raise MuteStream("The price stream beats without prices")

    async def _poll_for(self, seconds: float) -> None:
        """Ask for prices every few seconds, for about so long; failures leave the feed down."""
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            await self._sleep(min(left, self._settings.poll_every))
            if self._now() < until:
                try:
                    await self._poll()
                except MarketError as error:
                    self._enter(FeedState.DOWN, error.message)
                else:
                    self._enter(FeedState.POLLING, self._reason)

    async def _poll(self) -> bool:
        """Ask once; whether there was anything new."""
        quotes = await self._source.quotes(self._instruments)
        fresh = [self._take(quote) for quote in quotes]
        return any(fresh)

    def _take(self, quote: Quote) -> bool:
        """Remember a quote; one that is no newer than the last only confirms that."""
        known = self._received.get(quote.instrument)
        now = self._now()
        if known and quote.time < known.quote.time:
            return False
        fresh = not known or quote.time > known.quote.time
        self._received[quote.instrument] = _Received(quote, now)
        if fresh:
            self._last_price = now
            for listener in tuple(self._listeners):
                listener(quote)
        return fresh

    def _enter(self, state: FeedState, reason: str) -> None:
        if state != self._state:
            log.info("price_feed", state=str(state), reason=reason)
            self._state, self._since = state, self._now()
        self._reason = reason
