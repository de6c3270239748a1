"""Alerts about the desk itself: told once, and their end once."""

import asyncio
from dataclasses import replace

import pytest

from alert_builders import HOOK, PHONE, messages, titles
from alphaforge.alerts.model import Kind
from alphaforge.market.feed_status import FeedState, FeedStatus
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import Job, JobRepository
from alphaforge.tasks.alert_troubles import MarketTrouble, Troubles, TroubleWatch, market_trouble
from alphaforge.tasks.alerts import Alerts

GOOD = FeedStatus(
    *(FeedState.STREAMING, 1_000.0, "", 0, 1_500.0, 1_500.0),
    mute=False,
    trading=True,
    stale_since=None,
    token_rejected=False,
)
STALE = replace(GOOD, stale_since=1_515.0, reason="reset")
UNOPENED = replace(GOOD, state=FeedState.DOWN, stale_since=float("-inf"), last_price=None, reason="not started")


class Market:
    def __init__(self) -> None:
        self.trouble: MarketTrouble | None = None

    def __call__(self) -> MarketTrouble | None:
        return self.trouble


def watch(database: Database, market: Market) -> TroubleWatch:
    return TroubleWatch(Troubles(database, Alerts((HOOK,))), market, lambda: True)


async def job(database: Database, kind: str, status: str) -> Job:
    """One that has ended."""
    async with database.write("jobs") as connection:
        repository = JobRepository(connection)
        await repository.add(kind, {})
        taken = await repository.claim((kind,), "me", 60)
        assert taken is not None
        await repository.finish(taken, "me", status)
        return taken


async def test_prices_that_stay_away_are_told_once_over_restarts_and_so_is_their_return(database: Database) -> None:
    market = Market()
    first = watch(database, market)
    await first.look()
    market.trouble = MarketTrouble("The price stream ended")
    await first.look()
    await first.look()
    await watch(database, market).look()  # after a restart
    market.trouble = None
    later = watch(database, market)
    await later.look()
    await later.look()
    assert [title for _, title in await titles(database)] == ["No prices", "Prices again"]
    began, ended = await messages(database)
    assert "The price stream ended" in began.payload["body"]
    assert (began.payload["kind"], ended.payload["kind"]) == ("feed", "feed")
    market.trouble = MarketTrouble("again")
    await later.look()
    assert len(await messages(database)) == 3


async def test_a_refused_token_is_told_as_that(database: Database) -> None:
    market = Market()
    market.trouble = MarketTrouble("OANDA does not accept the token", refused=True)
    one = watch(database, market)
    await one.look()
    market.trouble = None
    await one.look()
    assert [title for _, title in await titles(database)] == [
        "OANDA refuses the token",
        "OANDA accepts the token again",
    ]


async def test_of_processes_that_notice_at_once_one_tells(database: Database) -> None:
    troubles = [Troubles(database, Alerts((HOOK,))) for _ in range(5)]
    await asyncio.gather(*(one.begin("feed", Kind.FEED, "No prices", "x") for one in troubles))
    await asyncio.gather(*(one.end("feed", Kind.FEED, "Prices again") for one in troubles))
    assert [title for _, title in await titles(database)] == ["No prices", "Prices again"]


async def test_failing_work_is_told_once_and_when_it_works_again(database: Database) -> None:
    one = watch(database, Market())
    for _ in range(2):
        await one.troubles.job_failed(await job(database, "scan", "failed"), "The disk `sda` is full")
    await one.look()
    assert [title for _, title in await titles(database)] == ["Task failing: scan"]
    assert "The disk 'sda' is full" in (await messages(database))[0].payload["body"]
    await job(database, "settle", "done")
    await one.look()
    assert len(await messages(database)) == 1
    await job(database, "scan", "done")
    await one.look()
    assert [title for _, title in await titles(database)] == ["Task failing: scan", "Task works again: scan"]


async def test_alerts_that_fail_are_no_trouble_to_alert_of(database: Database) -> None:
    failed = replace(await job(database, "scan", "failed"), kind="alert")
    await Troubles(database, Alerts((HOOK,))).job_failed(failed, "503")
    assert await messages(database) == []


async def test_without_a_channel_that_wants_it_nothing_is_queued(database: Database) -> None:
    await Troubles(database, Alerts(())).begin("feed", Kind.FEED, "No prices", "x")
    await Troubles(database, Alerts((PHONE,))).begin("feed", Kind.FEED, "No prices", "x")
    assert await messages(database) == []


@pytest.mark.parametrize(
    ("status", "now", "reason"),
    [
        (GOOD, 9_999.0, None),
        (STALE, 1_559.0, None),
        (STALE, 1_560.0, "No new price for 45 s in an open market. reset"),
        (UNOPENED, 1_044.0, None),
        (UNOPENED, 1_045.0, "No new price for 45 s in an open market. not started"),
    ],
)
def test_what_is_wrong_with_prices(status: FeedStatus, now: float, reason: str | None) -> None:
    found = market_trouble(status, now)
    assert (found.reason if found else None) == reason


def test_a_refused_token_comes_before_all_else() -> None:
    assert market_trouble(STALE, 1_500.0, problem="no", refused=True) == MarketTrouble("no", refused=True)
