"""The composition root: builds every part from the settings, starts the background work, and closes it all."""

import hashlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.api.middleware.allowance import SharedCounts
from alphaforge.api.services import ApiOptions, Services
from alphaforge.cache.answers import SecondLevel
from alphaforge.core.candles import CandleSeries
from alphaforge.core.clock import MarketClock
from alphaforge.desk_services import desk_services
from alphaforge.desk_work import background_of
from alphaforge.market.oanda.access import OandaAccess
from alphaforge.market.oanda.client import OandaClient
from alphaforge.market.price_feed import PriceFeed, PriceStream
from alphaforge.market.rolling import RollingCandles
from alphaforge.measuring import Measuring, measure_desk, open_measuring
from alphaforge.setting_values import header_pairs, hours_as_set
from alphaforge.settings import Settings
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.storage.candle_keeping import CandleKeeping
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.engine import Database, PoolSettings
from alphaforge.streaming import open_shared_prices, open_stream, running
from alphaforge.tasks.leader import Leadership
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist
from alphaforge.telemetry import tracing
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)

CATCH_UP = 1_900
"""M5 candles beside a decision's window: after a week's outage each missed candle still has its whole window.

Together they fit on three pages of the broker.
"""


_FOR_EVER = 2.0**62


@asynccontextmanager
async def open_database(settings: Settings, *, read_only: bool = False) -> AsyncIterator[Database]:
    """The database of these settings. Raises StorageError."""
    pool = PoolSettings(
        settings.db_pool_size,
        settings.db_max_overflow,
        settings.db_pool_recycle,
        settings.db_pool_timeout,
        settings.slow_query_ms / 1_000,
    )
    database = await Database.open(settings.database_url.get_secret_value(), pool, read_only=read_only)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_source(settings: Settings, also: Sequence[str] = ()) -> AsyncIterator[OandaClient]:
    """The market of these settings: OANDA with a token, else a sandbox of our own on a free loopback port.

    `also`: instruments that a sandbox of our own is to have besides those of the settings.
    """
    async with AsyncExitStack() as stack:
        client = OandaClient(await _access(settings, stack, also), MarketClock())
        stack.push_async_callback(client.aclose)
        yield client


async def _access(settings: Settings, stack: AsyncExitStack, also: Sequence[str]) -> OandaAccess:
    if settings.oanda_api_key is not None:
        return OandaAccess.of(
            settings.oanda_environment,
            settings.oanda_api_key.get_secret_value(),
            account_id=settings.oanda_account_id,
            api_url=settings.oanda_api_url,
            stream_url=settings.oanda_stream_url,
        )
    from alphaforge.market.sandbox.listings import USUAL_INSTRUMENTS  # noqa: PLC0415 - only a desk without a token
    from alphaforge.market.sandbox.market import (  # noqa: PLC0415 - the same
        DAYS_BETWEEN_PAGES,
        SimulatedMarket,
    )
    from alphaforge.market.sandbox.server import serve_sandbox  # noqa: PLC0415 - the same

    asked = (*settings.instruments, *also)
    days = DAYS_BETWEEN_PAGES * len(asked)  # its one client keeps what it was sent
    offered = tuple(dict.fromkeys((*asked, *USUAL_INSTRUMENTS)))
    sandbox = await serve_sandbox(SimulatedMarket(settings.sandbox_seed, offered, days=days))
    stack.push_async_callback(sandbox.aclose)
    log.warning("simulated_market", advice="Prices are invented. Set OANDA_API_KEY for real ones.", url=sandbox.url)
    return OandaAccess.of("sandbox", "sandbox", api_url=sandbox.url)


@dataclass(frozen=True, slots=True)
class _Archive:
    """The stored candles of whoever `source` turns out to be: a sandbox says so with its first answer."""

    database: Database
    source: OandaClient
    keeping: CandleKeeping

    async def newest(self, instrument: str, count: int) -> CandleSeries:
        return await CandleStore(self.database, self.source.name).newest(instrument, count)

    async def since(self, instrument: str, start: int) -> CandleSeries:
        return await CandleStore(self.database, self.source.name).between(instrument, start, _FOR_EVER)

    async def keep(self, series: CandleSeries) -> None:
        await self.keeping.keep(self.source.name, series)


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """The desk without background work, as the command line uses it."""
    async with open_database(settings) as database, open_source(settings) as source:
        capacity, keeping = DEFAULT_SETTINGS.window + CATCH_UP, CandleKeeping(database)
        candles = RollingCandles(
            source,
            _Archive(database, source, keeping),
            source.clock,
            capacity,
            lambda: database.commits.happened(("candles",)),
        )
        hours = {name: hours_as_set(settings.market_hours, name) for name in settings.instruments}
        try:
            yield Desk(database, source, candles, source.clock, settings.instruments, DEFAULT_SETTINGS, hours=hours)
        finally:
            await candles.aclose()
            await keeping.aclose()


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Everything the interface needs, with the background work running while the block lasts."""
    async with open_desk(settings) as desk:
        strategy, watchlist = Strategy(desk), Watchlist(desk)
        await strategy.restore()
        await watchlist.restore()
        leadership = Leadership(desk.database, f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}")
        async with _price_stream(settings, desk, leadership) as stream:
            feed = PriceFeed(
                desk.source,
                desk.names,
                stream=stream,
                is_open=lambda name: desk.hours_of(name).is_open(desk.clock.now()),
            )
            watchlist.changed = feed.watch
            background, alerts = await background_of(settings, strategy, watchlist, feed, leadership)
            async with _measuring(settings, desk, leadership) as measuring:
                if measuring is not None:
                    measure_desk(measuring, desk, feed, background.engine, leadership)
                services = desk_services(
                    strategy,
                    watchlist,
                    feed,
                    background.board,
                    alerts.delivery,
                    gemini_configured=settings.gemini_api_key is not None,
                    measurements=measuring,
                )
                async with open_stream(services, feed), running("background", background.run()):
                    yield services


@asynccontextmanager
async def _measuring(settings: Settings, desk: Desk, leadership: Leadership) -> AsyncIterator[Measuring | None]:
    """The figures of this process; None where nothing is to be measured."""
    if not settings.enable_metrics:
        yield None
        return
    async with open_measuring(desk.database, leadership.holder) as measuring:
        yield measuring


@asynccontextmanager
async def _price_stream(settings: Settings, desk: Desk, leadership: Leadership) -> AsyncIterator[PriceStream | None]:
    """The price stream of all processes of the desk, where there may be several and a Redis for it; else None."""
    if settings.redis_url is None or not desk.database.is_shared:
        yield None
        return
    url, channel = settings.redis_url.get_secret_value(), f"alphaforge:prices:{_desk_digest(settings)}"
    async with open_shared_prices(url, channel, desk.source, lambda: leadership.is_leading) as stream:
        yield stream


@asynccontextmanager
async def open_second_level(settings: Settings) -> AsyncIterator[SecondLevel[KeptAnswer] | None]:
    """What several processes keep of their answers, where there is a Redis for it."""
    if settings.redis_url is None or not settings.enable_cache:
        yield None
        return
    from alphaforge.cache.redis import RedisAnswers  # noqa: PLC0415 - 24 MB that few need

    prefix = f"alphaforge:answers:{ApiOptions().version}:{_desk_digest(settings)}"
    url = settings.redis_url.get_secret_value()
    second_level = RedisAnswers(url, prefix, settings.cache_ttl, KeptAnswer.packed, KeptAnswer.unpacked)
    try:
        yield second_level
    finally:
        await second_level.aclose()


@asynccontextmanager
async def open_shared_counts(settings: Settings) -> AsyncIterator[SharedCounts | None]:
    """Where several processes count together what clients write, where there is a Redis for it."""
    if settings.redis_url is None or not settings.rate_limit_per_minute:
        yield None
        return
    from alphaforge.cache.allowance import SharedAllowance  # noqa: PLC0415 - 24 MB that few need

    prefix = f"alphaforge:spent:{_desk_digest(settings)}"
    counts = SharedAllowance(settings.redis_url.get_secret_value(), prefix)
    try:
        yield counts
    finally:
        await counts.aclose()


def _desk_digest(settings: Settings) -> str:
    """Tells desks apart that share a Redis."""
    return hashlib.sha256(settings.database_url.get_secret_value().encode()).hexdigest()[:16]


def traces_of(settings: Settings) -> AbstractAsyncContextManager[None]:
    """Traces of what this process does, sent while the block lasts; nothing without a collector.

    Raises InvalidSetting where what sends them is not installed.
    """
    headers = settings.otel_exporter_otlp_headers
    return tracing.traces(
        settings.otel_exporter_otlp_endpoint,
        header_pairs(headers.get_secret_value()) if headers else {},
        settings.otel_traces_sampler_arg,
        ApiOptions().version,
    )


def api_options(settings: Settings) -> ApiOptions:
    """What of the settings the interface follows."""
    return ApiOptions(
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        max_page_size=settings.max_page_size,
        allowed_origins=settings.allowed_origins,
        rate_limit_per_minute=settings.rate_limit_per_minute,
        enable_cache=settings.enable_cache,
        cache_ttl=settings.cache_ttl,
        cache_bytes=settings.cache_bytes,
        enable_compression=settings.enable_compression,
        slow_request=settings.slow_request_ms / 1000,
    )
