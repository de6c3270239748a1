"""The newest quote of each instrument, from the stream while it lives and by asking while it does not."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import structlog

from alphaforge.core.errors import AccessDenied, MarketError, MarketUnavailable, TokenRejected
from alphaforge.market.feed_status import FeedSettings, FeedState, FeedStatus
from alphaforge.market.freshness import STALE_AFTER
from alphaforge.market.source import CandleSource, Heartbeat, Quote

__all__ = ["FeedSettings", "FeedState", "FeedStatus", "MuteStream", "PriceFeed", "PriceStream"]

log = structlog.get_logger(__name__)

PriceStream = Callable[[Sequence[str]], AsyncIterator[Quote | Heartbeat]]
"""Quotes and heartbeats of instruments, perhaps of others too. Ends with a MarketError, or just ends."""


@dataclass(frozen=True, slots=True)
class _Received:
    quote: Quote
    at: float


class MuteStream(MarketUnavailable):
    """The stream beats, but the market has newer prices than it brought."""


class PriceFeed:
    """Keeps the newest quote of each of `instruments`. `run` works until cancelled; `subscribe` hears new quotes.

    `is_open` says whether an instrument trades now. While none does, nothing is asked, a stream that ended is opened
    again only now and then, and nothing is stale. `stream`: where the stream comes from, if not from the source.
    """

    def __init__(
        self,
        source: CandleSource,
        instruments: Sequence[str],
        settings: FeedSettings | None = None,
        *,
        is_open: Callable[[str], bool] = lambda _: True,
        stream: PriceStream | None = None,
        now: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self._source = source
        self._stream = stream or source.stream
        self._instruments = tuple(instruments)
        self._settings = settings or FeedSettings()
        self._is_open = is_open
        self._now = now
        self._random = random or Random()  # noqa: S311 - jitter, not cryptography
        self._received: dict[str, _Received] = {}
        self._listeners: list[Callable[[Quote], None]] = []
        self._changed = asyncio.Event()
        self._state, self._since, self._reason = FeedState.DOWN, now(), "not started"
        self._reconnects = 0
        self._last_price: float | None = None
        self._last_heartbeat: float | None = None
        self._last_streamed: float | None = None
        self._mute = False
        self._token_rejected = False
        self._heard = self._streamed = self._quiet_since = self._asked = float("-inf")
        self._open_since: float | None = None
        self._tradeable = True

    def watch(self, instruments: Sequence[str]) -> None:
        """Follow these instruments from now on: the stream is opened anew with them as soon as limits allow."""
        wanted = tuple(dict.fromkeys(instruments))
        if set(wanted) != set(self._instruments):
            self._instruments = wanted
            self._received = {name: one for name, one in self._received.items() if name in wanted}
            self._asked = float("-inf")
            self._changed.set()

    def quote(self, instrument: str) -> Quote | None:
        """The newest quote, however old; None before the first."""
        received = self._received.get(instrument)
        return received.quote if received else None

    def age(self, instrument: str) -> float | None:
        """Seconds since the newest quote was received or confirmed; None before the first."""
        received = self._received.get(instrument)
        return self._now() - received.at if received else None

    @property
    def stream_age(self) -> float | None:
        """Seconds since the stream brought a price or a heartbeat; None before the first."""
        return None if self._last_streamed is None else self._now() - self._last_streamed

    @property
    def status(self) -> FeedStatus:
        """How the feed stands."""
        trading = self._trading()
        return FeedStatus(
            self._state,
            self._since,
            self._reason,
            self._reconnects,
            self._last_price,
            self._last_heartbeat,
            self._mute,
            trading,
            self._stale_since() if trading else None,
            self._token_rejected,
        )

    def subscribe(self, listener: Callable[[Quote], None]) -> Callable[[], None]:
        """Call `listener` with every new quote, in the feed's own task: it must be quick. Returns how to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def run(self) -> None:
        """Stream, and ask while the stream is not there, until cancelled."""
        pause = self._settings.pause
        while True:
            self._changed.clear()
            opened = self._now()
            try:
                await (self._follow() if self._instruments else self._changed.wait())
                self._enter(FeedState.POLLING, "the price stream is opened for other instruments")
            except MarketError as error:
                if self._now() - opened >= self._settings.steady_after:
                    pause = self._settings.pause
                self._reconnects += 1
                self._token_rejected = isinstance(error, TokenRejected)
                self._enter(FeedState.DOWN, error.message)
                refused = isinstance(error, TokenRejected | AccessDenied)
                await self._without_stream(self._settings.refused_pause if refused else pause)
                pause = min(self._settings.longest_pause, pause * 2)

    async def _follow(self) -> None:
        """Take what the stream brings, until other instruments are to be watched; or raise why it ended."""
        self._heard = self._streamed = self._quiet_since = self._now()
        began = self._heard
        listening = asyncio.create_task(self._listen(), name="price stream")
        watching = asyncio.create_task(self._look_after(began), name="watchdog of the price stream")
        changed = asyncio.create_task(self._changed.wait(), name="instruments changed")
        tasks = (listening, watching, changed)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_after(self, began: float) -> None:
        """Look after the stream that is being opened since `began`, until what is seen must end it."""
        while True:
            await self._look(opening=self._heard == began)
            await asyncio.sleep(max(0.0, self._next_look(opening=self._heard == began) - self._now()))

    async def _listen(self) -> None:
        """Take what the stream brings until it ends, which it does with a MarketError."""
        stream = self._stream(self._instruments)
        try:
            async for item in stream:
                self._heard = self._last_streamed = self._now()
                self._token_rejected = False
                self._enter(FeedState.STREAMING, "")
                if isinstance(item, Quote):
                    self._streamed = self._quiet_since = self._heard
                    self._mute = False
                    self._take(item)
                else:
                    self._last_heartbeat = self._heard
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        raise MarketUnavailable("The price stream ended")

    def _next_look(self, *, opening: bool) -> float:
        """When to look after the stream again."""
        settings, now = self._settings, self._now()
        if opening:
            return min(self._heard + settings.silence, now + settings.poll_every)
        return min(self._heard + settings.silence, self._quiet_since + self._mute_after(), now + settings.closed_look)

    async def _look(self, *, opening: bool) -> None:
        """Ask while the stream is being opened, and where it brings no prices; raise where it brings nothing."""
        if opening:
            await self._ask_if_needed()
        elif self._now() - self._quiet_since >= self._mute_after():
            await self._hold_against_an_answer()
        if self._now() - self._heard >= self._settings.silence:
            raise MarketUnavailable(f"The price stream was silent for {self._settings.silence:g} s")

    def _mute_after(self) -> float:
        """Seconds without a price after which to ask; never while the market is closed by its hours."""
        if self._trading():
            return self._settings.mute_after
        return float("inf") if self._open_since is None else self._settings.closed_pause

    async def _hold_against_an_answer(self) -> None:
        """Ask for prices: raises MuteStream where the market moved and the stream did not say so.

        An answer that fails proves nothing; where a second one fails too, opening the stream anew is all there is.
        """
        began = self._now()
        try:
            moved = await self._poll()
        except MarketError as error:
            settings = self._settings
            if self._trading() and self._now() - self._streamed >= settings.silence - settings.poll_every:
                raise MuteStream("The price stream brings no prices, and neither does an answer") from error
            log.info("stream_without_prices_unproven", reason=error.message)  # once, the stream is not to blame for it
            self._quiet_since = max(self._streamed, self._now() - self._mute_after() + self._settings.poll_every)
            return
        if moved:
            await asyncio.sleep(self._settings.grace)  # the price may have been on its way
            if self._streamed < began:
                raise MuteStream("The price stream brings no prices")
        self._mute = self._streamed < began
        self._quiet_since = max(began, self._streamed)

    async def _without_stream(self, pause: float) -> None:
        """Ask for prices every few seconds until the stream is to be tried again; failures leave the feed down."""
        settings, began, spread = self._settings, self._now(), self._random.uniform(0.5, 1.5)
        while not self._changed.is_set():
            was_trading = self._trading()
            longest = pause if was_trading else max(pause, settings.closed_pause)
            until = began + longest * spread
            if (left := until - self._now()) <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, settings.poll_every if was_trading else settings.closed_look)):
                    await self._changed.wait()
            if self._trading() and not was_trading:
                return  # the market opened
            if self._now() < until:
                await self._ask_if_needed()

    async def _ask_if_needed(self) -> None:
        """Ask, not too often, while the market trades or may trade; a failure is how the feed stands, and no more."""
        if self._now() - self._asked < self._ask_every():
            return
        try:
            await self._poll()
        except MarketError as error:
            self._token_rejected = isinstance(error, TokenRejected)
            asked, reason = FeedState.DOWN, error.message
        else:
            asked, reason = FeedState.POLLING, self._reason
        if self._state is not FeedState.STREAMING:  # which it may have become meanwhile
            self._enter(asked, reason)

    def _ask_every(self) -> float:
        """Seconds between questions while there is no stream; in a closed market only for what is not known at all."""
        if self._token_rejected:
            return self._settings.refused_pause
        if self._trading():
            return self._settings.poll_every
        known = all(name in self._received for name in self._instruments)
        return float("inf") if known and self._open_since is None else self._settings.closed_pause

    async def _poll(self) -> bool:
        """Ask once; whether there was anything new."""
        self._asked = self._now()
        try:
            async with asyncio.timeout(self._settings.answer_within):
                quotes = await self._source.quotes(self._instruments)
        except TimeoutError:
            raise MarketUnavailable(f"No prices came within {self._settings.answer_within:g} s") from None
        self._token_rejected = False
        self._tradeable = any(quote.tradeable for quote in quotes) or not quotes
        fresh = [self._take(quote) for quote in quotes]
        return any(fresh)

    def _take(self, quote: Quote) -> bool:
        """Remember a quote; one that is no newer than the last only confirms that."""
        if quote.instrument not in self._instruments:
            return False
        known = self._received.get(quote.instrument)
        now = self._now()
        if known and quote.time < known.quote.time:
            return False
        fresh = not known or quote.time > known.quote.time
        self._received[quote.instrument] = _Received(quote, now)
        if fresh:
            self._tradeable = self._tradeable or quote.tradeable
            self._last_price = now
            for listener in tuple(self._listeners):
                listener(quote)
        return fresh

    def _trading(self) -> bool:
        """Whether there can be prices: some instrument is open by its hours, and the broker does not say otherwise."""
        is_open = any(self._is_open(name) for name in self._instruments)
        if not is_open:
            self._open_since = None
        elif self._open_since is None:
            self._open_since = self._quiet_since = self._now()
            self._tradeable = True  # what the broker said was of another day
        return is_open and self._tradeable

    def _stale_since(self) -> float | None:
        """Since when no price of an instrument that trades has come or been confirmed for too long."""
        newest = max((one.at for name, one in self._received.items() if self._is_open(name)), default=float("-inf"))
        since = max(newest, self._open_since or newest) + STALE_AFTER
        return since if since <= self._now() else None

    def _enter(self, state: FeedState, reason: str) -> None:
        if state != self._state:
            log.info("price_feed", state=str(state), reason=reason)
            self._state, self._since = state, self._now()
        self._reason = reason
