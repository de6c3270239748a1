"""The interface over a database, with its cache and without."""

import asyncio

from alphaforge.api.app import create_app
from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.api.layers import from_memory_first
from alphaforge.api.services import ApiOptions, Services
from alphaforge.cache.answers import SecondLevel
from alphaforge.storage.engine import Database
from alphaforge.storage.evaluation_counts import EvaluationTally
from alphaforge.storage.journal_days import JournalDays
from alphaforge.storage.tables import journal, signals
from api_bench import FakeAlerts, FakeClock, FakeDesk, FakeMarket, FakeStrategy, idle_board
from desk_traffic import App


def services_of(database: Database) -> Services:
    """A desk that stands still, over this database."""
    market = FakeMarket()
    return Services(
        database,
        FakeClock(),
        FakeDesk(),
        FakeStrategy(),
        market,
        market,
        market,
        market,
        EvaluationTally(database),
        idle_board(database),
        FakeAlerts(),
        JournalDays(database),
    )


def door(database: Database, second_level: SecondLevel[KeptAnswer] | None = None) -> App:
    """The interface of one process, as a server has it."""
    app = create_app(services_of(database), ApiOptions(max_page_size=1_000), second_level=second_level)
    return from_memory_first(app, lambda *_: None)


def fresh(database: Database) -> App:
    """The interface without its cache."""
    options = ApiOptions(max_page_size=1_000, enable_cache=False, enable_compression=False)
    return create_app(services_of(database), options)


async def emptied(database: Database) -> None:
    """Without a signal and without an entry, so that what is tried begins the same each time."""
    async with database.write() as connection:
        for table in (journal, signals):
            await connection.execute(table.delete())


async def heard(database: Database) -> None:
    """Until its connection for announcements is there."""
    async with asyncio.timeout(10):
        while not await database.freshness.ascertain():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
