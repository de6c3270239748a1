"""What events carry: the rows of what was committed, read many at a time, and what this process alone knows."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from alphaforge.api.encoding import json_bytes
from alphaforge.api.errors import public_words
from alphaforge.api.prices import price_body
from alphaforge.api.rejections import rejection_body
from alphaforge.api.services import MarketFacts, Services
from alphaforge.api.signal_body import signal_body
from alphaforge.core.candles import CandleSeries
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339
from alphaforge.market.source import Quote
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.events import Event, EventRepository
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalRepository
from alphaforge.stream.following import Happened
from alphaforge.stream.log import Kind, Told

MOST_REASONING = 200
"""Characters of a signal's reasoning; the whole is at /api/signals/{id}."""
LOOK_SECONDS = 1.0
"""Between two looks at what a status says."""

Bodies = Mapping[tuple[str | None, int], bytes]
"""What to tell of a row, by instrument and reference; the instrument is None where the reference alone is an id."""


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """The database's events, each with what is to be told of it. `market`: whose candles they are."""

    database: Database
    market: Callable[[], MarketFacts]

    async def newest_before(self, seconds: float) -> int:
        """The number of the newest event that is older than so many seconds, 0 where none is."""
        async with self.database.read() as connection:
            return await EventRepository(connection).newest_before(seconds)

    async def after(self, number: int, at_most: int) -> Sequence[Happened]:
        """The events behind a number, in their order; rows as they are now."""
        async with self.database.read() as connection:
            events = await EventRepository(connection).after(number, at_most)
            signals = await _signals(connection, _refs(events, Kind.SIGNAL, Kind.OUTCOME))
            rejections = await _rejections(connection, _refs(events, Kind.REJECTION))
            candles = await self._candles(connection, [one for one in events if one.kind == Kind.CANDLE])
        bodies = {"signal": signals, "outcome": signals, "rejection": rejections, "candle": candles}
        return [_happened(one, bodies) for one in events]

    async def _candles(self, connection: AsyncConnection, events: Sequence[Event]) -> Bodies:
        market = self.market()
        bodies: dict[tuple[str | None, int], bytes] = {}
        starts = {one.ref for one in events}
        names = {one.instrument for one in events if one.instrument is not None}
        if not starts:
            return bodies
        for series in await CandleRepository(connection, market.source).several(names, min(starts), max(starts) + 1):
            bodies.update(_candle_bodies(series, starts, market))
        return bodies


def _refs(events: Iterable[Event], *kinds: Kind) -> list[int]:
    return sorted({one.ref for one in events if one.kind in kinds})


def _happened(event: Event, bodies: Mapping[str, Bodies]) -> Happened:
    """Of a row that is gone, or of a kind that a later version writes, there is nothing to tell."""
    key = (event.instrument if event.kind == Kind.CANDLE else None), event.ref
    body = bodies.get(event.kind, {}).get(key)
    told = None if body is None else Told(Kind(event.kind), event.instrument, body)
    return Happened(event.id, event.at, told)


async def _signals(connection: AsyncConnection, ids: Sequence[int]) -> Bodies:
    rows = await SignalRepository(connection).some(ids)
    return {(None, row["id"]): json_bytes(_signal_body(row)) for row in rows}


def _signal_body(row: Mapping[str, Any]) -> dict[str, object]:
    body = signal_body(row)
    del body["notes"]
    reasoning = row["reasoning"]
    if reasoning is not None and len(reasoning) > MOST_REASONING:
        body["reasoning"] = reasoning[: MOST_REASONING - 1] + "…"
    return body


async def _rejections(connection: AsyncConnection, ids: Sequence[int]) -> Bodies:
    rows = await RejectionRepository(connection).some(ids)
    times = ("decided_at", "candle_time")
    return {
        (None, row["id"]): json_bytes(rejection_body(row | {name: rfc3339(row[name]) for name in times}))
        for row in rows
    }


def _candle_bodies(series: CandleSeries, starts: set[int], market: MarketFacts) -> dict[tuple[str | None, int], bytes]:
    length = Granularity.M5
    bodies: dict[tuple[str | None, int], bytes] = {}
    for at, start in enumerate(series.time.tolist()):
        if start in starts:
            sides = {
                side: {name: float(getattr(prices, name)[at]) for name in ("open", "high", "low", "close")}
                for side, prices in (("mid", series.mid), ("bid", series.bid), ("ask", series.ask))
            }
            body = {
                "instrument": series.instrument,
                "granularity": length.value,
                "time": rfc3339(start),
                "end_time": rfc3339(start + length.seconds),
                **sides,
                "volume": int(series.volume[at]),
                "source": market.source,
                "simulated": market.simulated,
            }
            bodies[series.instrument, start] = json_bytes(body)
    return bodies


@dataclass(slots=True)
class LiveEvents:
    """What this process alone tells: prices as they come, and the status as it changes.

    `prices`: how the price feed stands, in a word.
    """

    services: Services
    prices: Callable[[], str]
    _newest: dict[str, Quote] = field(default_factory=dict)
    _status: bytes = b""

    def price(self, quote: Quote) -> None:
        """A new quote."""
        self._newest[quote.instrument] = quote
        self.services.stream.tell(self._price(quote))

    def opening(self) -> list[Told]:
        """The status and the newest price of each instrument."""
        newest = [self._newest[name] for name in self.services.instruments.watched if name in self._newest]
        return [Told(Kind.STATUS, None, self._words()), *map(self._price, newest)]

    async def watch_status(self) -> NoReturn:
        """Tell of the status whenever it has changed."""
        while True:
            words = self._words()
            if words != self._status:
                self._status = words
                self.services.stream.tell(Told(Kind.STATUS, None, words))
            await asyncio.sleep(LOOK_SECONDS)

    def _price(self, quote: Quote) -> Told:
        body = price_body(quote, self.services, self.services.status.market())
        return Told(Kind.PRICE, quote.instrument, json_bytes(body))

    def _words(self) -> bytes:
        market, strategy = self.services.status.market(), self.services.strategy
        failure = strategy.last_failure
        return json_bytes(
            {
                "oanda": "connected" if market.connected else "disconnected",
                "strategy": "running" if strategy.is_running else "stopped",
                "prices": self.prices(),
                "market_problem": market.problem,
                "scan_problem": None if failure is None else public_words(failure),
                "source": market.source,
                "simulated": market.simulated,
            }
        )
