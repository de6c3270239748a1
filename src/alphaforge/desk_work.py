"""The work of a desk, put together: every kind of job, what runs beside them, and the channels of alerts."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from alphaforge.alerts.channel import Channel, channels_of, telegram_channel
from alphaforge.alerts.notifier import Notifier
from alphaforge.api.services import MarketFacts
from alphaforge.core.errors import InvalidSetting
from alphaforge.desk_services import trouble_of_market
from alphaforge.market.price_feed import PriceFeed
from alphaforge.settings import Settings
from alphaforge.tasks.alert_work import AlertWork
from alphaforge.tasks.background import Background
from alphaforge.tasks.backtest_jobs import backtest_kinds
from alphaforge.tasks.candle_jobs import candle_kinds
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.files import Export, Rows, file_kinds
from alphaforge.tasks.kinds import TaskKind
from alphaforge.tasks.leader import Leadership
from alphaforge.tasks.market_jobs import market_kinds
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)


async def background_of(
    settings: Settings, strategy: Strategy, watchlist: Watchlist, feed: PriceFeed, leadership: Leadership
) -> tuple[Background, AlertWork]:
    """All that this process does in the background, and what of it concerns alerts. Raises InvalidSetting."""
    desk, opened = strategy.desk, asyncio.Event()
    channels, notifier = await open_channels(settings)
    alerts = AlertWork.of(
        desk.database,
        channels,
        notifier,
        instrument=desk.instrument,
        market=partial(trouble_of_market, desk, feed),
        is_mine=lambda: leadership.is_leading or not opened.is_set(),
    )
    kinds = (
        *market_kinds(strategy, opened.is_set),
        *candle_kinds(desk, opened.is_set),
        *_file_kinds(desk),
        *backtest_kinds(desk.database),
        alerts.delivery.kind,
    )
    background = Background(
        strategy,
        watchlist,
        feed.run,
        Engine(desk.database, kinds, settings.async_workers, leadership.holder, alerts.watch.troubles.job_failed),
        leadership,
        opened,
        scheduled=settings.background_tasks,
        keep_days=settings.rejections_keep_days,
        beside={"alerts": alerts.dispatch.run, "troubles": alerts.watch.run},
    )
    return background, alerts


async def open_channels(settings: Settings) -> tuple[tuple[Channel, ...], Notifier | None]:
    """The channels for alerts, and who sends to them; where there are none, nothing is loaded.

    Raises InvalidSetting for an address of ALERT_URLS that cannot be meant. What the predecessor's settings for
    Telegram say has to go on starting whatever it is: there it is a warning.
    """
    channels = channels_of(settings.alert_urls.get_secret_value()) if settings.alert_urls else ()
    token, chat = settings.telegram_bot_token, settings.telegram_chat_id
    if not channels and (token is None or chat is None):
        return (), None
    from alphaforge.alerts.by_apprise import AppriseNotifier  # noqa: PLC0415 - 18 MiB that a desk without channels spares

    notifier = AppriseNotifier(allow_private=settings.alerts_allow_private)
    for channel in channels:
        await asyncio.to_thread(notifier.check, channel)
    if token is not None and chat is not None:
        telegram = telegram_channel(token.get_secret_value(), chat)
        try:
            await asyncio.to_thread(notifier.check, telegram)
        except InvalidSetting as error:
            log.warning("no_telegram_alerts", error=error.message, advice="See TELEGRAM_BOT_TOKEN, TELEGRAM_CHAT_ID.")
        else:
            channels += (telegram,)
    return channels, notifier


def _file_kinds(desk: Desk) -> tuple[TaskKind, ...]:
    """What files say is the interface's to know, which a worker loads when there is a file, beside its event loop."""

    async def export_of(payload: Mapping[str, Any]) -> Export:
        await asyncio.to_thread(_load_files)
        from alphaforge.api.exports import export_file  # noqa: PLC0415 - see above

        return export_file(desk.database, desk.clock.now(), payload)

    async def rows_of(payload: Mapping[str, Any], content: bytes) -> Rows:
        await asyncio.to_thread(_load_files)
        from alphaforge.api.imports import rows_of  # noqa: PLC0415 - see above

        market = MarketFacts(desk.source.name, desk.source.simulated, connected=True)
        return await rows_of(payload, content, market, desk.clock.now(), desk.instruments)

    return file_kinds(desk.database, export_of, rows_of)


def _load_files() -> None:
    import alphaforge.api.imports  # noqa: F401, PLC0415 - see `_file_kinds`
