"""A process that only works: scans, settlements, alerts, files. Many may share one PostgreSQL, on any hosts."""

import asyncio
import signal

import structlog
import uvloop

from alphaforge.core.errors import InvalidSetting
from alphaforge.core.memory import settle_down
from alphaforge.settings import Settings

log = structlog.get_logger(__name__)


def work(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM. Raises InvalidSetting where there is nothing to share, and StorageError."""
    if not settings.background_tasks:
        raise InvalidSetting("BACKGROUND_TASKS is false, which leaves a worker nothing to do")
    if settings.database_url.get_secret_value().startswith("sqlite"):
        raise InvalidSetting(
            "A SQLite file has one process, and that is the server",
            advice="`alphaforge serve` does the work itself. Several processes need PostgreSQL in DATABASE_URL.",
        )
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    from alphaforge.bootstrap import open_services, traces_of  # noqa: PLC0415 - `--help` needs none of it

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for end in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(end, ended.set)
    async with traces_of(settings), open_services(settings) as services:
        settle_down()
        log.info("working", database=services.database.url_for_people, places=settings.async_workers)
        await ended.wait()
