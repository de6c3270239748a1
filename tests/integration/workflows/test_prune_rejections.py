import pytest

from alphaforge.core.errors import DatabaseBusy
from alphaforge.signals.model import FilterName
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.tasks import pruning
from alphaforge.tasks.pruning import BREATH, prune_every_day, prune_rejections
from alphaforge.workflows.desk import Desk
from api_bench import SQLITE
from builders import GBP_USD, MONDAY, decision, walk
from desks import desk_of, market_of

pytestmark = SQLITE

DAY = 86_400


async def desk_with(database: Database, *days: float, source: str = "sandbox") -> Desk:
    """A desk whose market is 400 days past Monday, with rejections that were made so many days after Monday."""
    async with database.write() as connection:
        for day in days:
            made = decision(candle_time=MONDAY + int(day * DAY), reason=FilterName.TREND)
            await RejectionRepository(connection).add(made, source=source, simulated=True)
    market = market_of(walk(GBP_USD, 20, seed=1), moment=MONDAY + 400.0 * DAY)
    return desk_of(database, market, ("GBP_USD",))


async def kept(database: Database) -> list[float]:
    async with database.read() as connection:
        return [(row["candle_time"] - MONDAY) / DAY for row in await RejectionRepository(connection).newest(None, 99)]


class Stopped(Exception):
    """The end of a task that never ends."""


async def test_rejections_older_than_the_retention_are_forgotten_in_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    desk, pauses = await desk_with(database, 0, 1, 2, 34, 36), []

    async def wait(seconds: float) -> None:
        pauses.append(seconds)

    assert await prune_rejections(desk, 365, wait) == 4
    assert await kept(database) == [36]
    assert pauses == [BREATH, BREATH], "whoever else writes comes in between"


async def test_another_markets_rejections_are_left_alone(database: Database) -> None:
    desk = await desk_with(database, 0, source="oanda-live")
    assert await prune_rejections(desk, 365) == 0
    assert await kept(database) == [0]


async def test_it_is_done_at_once_and_after_every_day_of_the_market_whatever_fails(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, waits, tries = await desk_with(database, 0, 36), [], []
    desk.clock.speed = 24.0  # type: ignore[misc] - a HandClock
    prune = RejectionRepository.prune

    async def failing_once(self: RejectionRepository, before: float, *, source: str, at_most: int) -> int:
        tries.append(before)
        if len(tries) == 1:
            raise DatabaseBusy("not now")
        return await prune(self, before, source=source, at_most=at_most)

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            raise Stopped

    monkeypatch.setattr(RejectionRepository, "prune", failing_once)
    with pytest.raises(Stopped):
        await prune_every_day(desk, 365, wait)
    assert waits == [DAY / 24] * 2
    assert await kept(database) == [36]
