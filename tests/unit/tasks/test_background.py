import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from alphaforge.core.errors import MarketUnavailable
from alphaforge.core.market_hours import MarketHours, hours_of
from alphaforge.tasks import background
from alphaforge.tasks.background import RETRY_SECONDS, Background
from market_builders import HandClock

MONDAY = 1_736_121_600
FRIDAY_CLOSE = MONDAY + 4 * 86_400 + 21 * 3600 + 58 * 60  # 16:58 in New York


@dataclass
class FakeDatabase:
    is_shared: bool = False


@dataclass
class FakeDesk:
    names: tuple[str, ...] = ("GBP_USD",)
    database: FakeDatabase = field(default_factory=FakeDatabase)
    clock: HandClock = field(default_factory=lambda: HandClock(MONDAY + 1.0))

    def hours_of(self, name: str) -> MarketHours:
        return hours_of(name)


class NoJobs:
    """An engine that runs nothing, and a board on which every job has ended as soon as it is asked for."""

    def __init__(self, strategy: "FakeStrategy") -> None:
        self.strategy = strategy

    async def run(self) -> None:
        await asyncio.Event().wait()


class AlwaysLeading:
    async def run(self, lead: Any) -> None:
        await lead()


def background_of(strategy: "FakeStrategy", follow: Any, **how: Any) -> Background:
    """Background work without a database: what the schedule asks for is done at once."""
    return Background(strategy, None, follow, NoJobs(strategy), AlwaysLeading(), asyncio.Event(), **how)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _jobs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs need a database; tests/integration/tasks runs them. Here what they do is done at once."""

    async def scan_by_job(board: Any, names: Any) -> list[Any]:
        strategy = board._engine.strategy
        return list(await (strategy.scan(names) if strategy.is_running else strategy.collect(names)))

    monkeypatch.setattr(background, "scan_by_job", scan_by_job)


@dataclass
class FakeStrategy:
    desk: FakeDesk = field(default_factory=FakeDesk)
    is_running: bool = True
    scanned: asyncio.Event = field(default_factory=asyncio.Event)
    collected: asyncio.Event = field(default_factory=asyncio.Event)

    async def scan(self, names: Any) -> list[Any]:
        self.scanned.set()
        return []

    async def collect(self, names: Any) -> list[Any]:
        self.collected.set()
        return []

    async def settle_own(self) -> None:
        pass

    async def recall(self) -> None:
        pass


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A market that opens at the seventh attempt; the pauses before it are listed here, and cost no time."""
    pauses: list[float] = []

    async def open_market(desk: Any, scanned_next: Any) -> None:
        if len(pauses) < 6:
            raise MarketUnavailable("down")

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def warm_connections(desk: Any) -> None:
        pass

    monkeypatch.setattr(background, "open_market", open_market)
    monkeypatch.setattr(background, "warm_connections", warm_connections)
    monkeypatch.setattr(background.asyncio, "sleep", pause)
    return pauses


async def test_the_market_is_asked_ever_less_often_until_it_opens(opening: list[float]) -> None:
    async def never() -> None:
        raise AssertionError("nothing is scheduled")

    strategy = FakeStrategy()
    work = background_of(strategy, never, scheduled=False)
    await work.run()
    assert work.opened.is_set()
    assert opening == [*RETRY_SECONDS, RETRY_SECONDS[-1]]
    assert not strategy.scanned.is_set()


@pytest.mark.parametrize("running", [True, False])
async def test_once_open_all_work_begins_and_ends_together(opening: list[float], *, running: bool) -> None:
    following, ended = asyncio.Event(), asyncio.Event()

    async def follow() -> None:
        following.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    strategy = FakeStrategy(is_running=running)
    background_work = background_of(strategy, follow)
    work = asyncio.create_task(background_work.run())
    await following.wait()
    await (strategy.scanned if running else strategy.collected).wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert ended.is_set()
    assert strategy.scanned.is_set() is running


@pytest.mark.parametrize("keep_days", [0, 30])
async def test_old_rejections_are_forgotten_where_a_retention_is_set(
    opening: list[float], monkeypatch: pytest.MonkeyPatch, keep_days: int
) -> None:
    asked: list[int] = []

    async def prune_every_day(desk: Any, days: int) -> None:
        asked.append(days)

    monkeypatch.setattr(background, "prune_every_day", prune_every_day)
    strategy, following = FakeStrategy(), asyncio.Event()

    async def follow() -> None:
        following.set()
        await asyncio.Event().wait()

    work = asyncio.create_task(background_of(strategy, follow, keep_days=keep_days).run())
    await following.wait()
    await strategy.scanned.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert asked == [keep_days]


async def test_the_first_scan_has_all_connections_to_itself(
    opening: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy, warmed = FakeStrategy(), asyncio.Event()
    had_scanned: list[bool] = []

    async def warm_connections(desk: Any) -> None:
        had_scanned.append(strategy.scanned.is_set())
        warmed.set()

    monkeypatch.setattr(background, "warm_connections", warm_connections)
    work = asyncio.create_task(background_of(strategy, asyncio.Event().wait).run())
    await warmed.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert had_scanned == [True]


def test_a_close_is_due_where_any_of_its_minutes_traded() -> None:
    was_open = background_of(FakeStrategy(), FakeStrategy().settle_own)._was_open
    assert was_open("GBP_USD", FRIDAY_CLOSE - 180), "16:55"
    assert was_open("GBP_USD", FRIDAY_CLOSE + 120), "17:00, of which three minutes traded"
    assert not was_open("GBP_USD", FRIDAY_CLOSE + 420)
    assert not was_open("GBP_USD", MONDAY + 5 * 86_400 + 43_200)
