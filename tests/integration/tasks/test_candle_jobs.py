"""The job that fetches candles from far back: page by page, and after whatever broke off from there on."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from alphaforge.core.errors import Conflict, MarketUnavailable, RequestRejected
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import rfc3339
from alphaforge.market.source import CandlePage
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import DONE, FAILED, JobRepository
from alphaforge.tasks.candle_jobs import candle_kinds
from alphaforge.tasks.kinds import Running, TaskKind
from alphaforge.workflows import download_candles
from builders import MONDAY, walk
from desks import MemoryMarket, desk_of
from engines import SOON, begun, working
from market_builders import HandClock

COUNT = 95
PAGE = 10 * 300
GBP_USD, XAU_USD = "GBP_USD", "XAU_USD"


@dataclass(slots=True)
class Pages(MemoryMarket):
    """A market that is asked for pages. `fails`: what is raised at which page, counted from 1."""

    pages: list[tuple[str, int]] = field(default_factory=list)
    fails: dict[int, Exception] = field(default_factory=dict)
    waits: dict[int, tuple[asyncio.Event, asyncio.Event]] = field(default_factory=dict)

    async def candles(self, instrument: str, granularity: Granularity, **how: Any) -> CandlePage:
        self.pages.append((instrument, (how["start"] - MONDAY) // PAGE))
        if error := self.fails.get(len(self.pages)):
            raise error
        if len(self.pages) in self.waits:
            reached, go_on = self.waits[len(self.pages)]
            reached.set()
            await go_on.wait()
        whole = self.history[instrument]
        return CandlePage(whole.after(how["start"]).until(how["end"]), forming=False)


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Pages:
    monkeypatch.setattr(download_candles, "_PAGE", PAGE)
    series = {name: walk(Instrument(name), COUNT, seed=1, gaps=0.0) for name in (GBP_USD, XAU_USD)}
    return Pages(HandClock(MONDAY + 300.0 * COUNT), series, name="sandbox", simulated=True)


def kind_of(database: Database, market: Pages) -> TaskKind:
    (kind,) = candle_kinds(desk_of(database, market, (GBP_USD, XAU_USD)), lambda: True)
    return TaskKind(kind.name, kind.run, attempts=kind.attempts, pauses=(0.01,))


def payload(*names: str) -> dict[str, object]:
    return {"instruments": list(names), "from": rfc3339(MONDAY), "to": rfc3339(MONDAY + 300 * COUNT)}


async def stored(database: Database, name: str) -> int:
    return len(await CandleStore(database, "sandbox").between(name, 0, 1e11))


async def test_candles_are_fetched_page_by_page_one_instrument_after_the_other(
    database: Database, market: Pages
) -> None:
    async with working(database, kind_of(database, market)) as board:
        done = await board.ended((await board.ask("download_candles", payload(GBP_USD, XAU_USD))).id, SOON)
    assert done.status == DONE
    assert done.result == {
        "source": "sandbox",
        "simulated": True,
        "instruments": [
            {"instrument": GBP_USD, "candles": COUNT, "new_or_changed": COUNT},
            {"instrument": XAU_USD, "candles": COUNT, "new_or_changed": COUNT},
        ],
    }
    assert market.pages == [(name, page) for name in (GBP_USD, XAU_USD) for page in range(10)]
    assert [await stored(database, name) for name in (GBP_USD, XAU_USD)] == [COUNT, COUNT]


async def test_after_a_failure_it_goes_on_with_the_page_that_failed(database: Database, market: Pages) -> None:
    market.fails = {4: MarketUnavailable("down"), 15: MarketUnavailable("down")}
    async with working(database, kind_of(database, market)) as board:
        done = await board.ended((await board.ask("download_candles", payload(GBP_USD, XAU_USD))).id, SOON)
    assert (done.status, done.attempts) == (DONE, 3)
    pages = [(name, page) for name in (GBP_USD, XAU_USD) for page in range(10)]
    assert market.pages == [*pages[:4], *pages[3:14], *pages[13:]], "each page that failed, and no other, comes twice"
    assert [one["candles"] for one in done.result["instruments"]] == [COUNT, COUNT]
    assert await stored(database, GBP_USD) == COUNT


async def test_what_the_broker_will_never_give_is_given_up_at_once(database: Database, market: Pages) -> None:
    market.fails = {1: RequestRejected("There is no such instrument")}
    async with working(database, kind_of(database, market)) as board:
        done = await board.ended((await board.ask("download_candles", payload(GBP_USD))).id, SOON)
    assert (done.status, done.attempts, done.error) == (FAILED, 1, "There is no such instrument")


async def test_another_process_goes_on_where_a_killed_one_was(database: Database, market: Pages) -> None:
    kind, reached, go_on = kind_of(database, market), asyncio.Event(), asyncio.Event()
    market.waits = {6: (reached, go_on)}
    async with database.write("jobs") as connection:
        number = await JobRepository(connection).add("download_candles", payload(GBP_USD))
    running = Running(await begun(database, kind, number or 0))
    frozen = asyncio.create_task(kind.run(running))
    await reached.wait()
    assert running.told == 0.5
    async with working(database, kind) as board:
        done = await board.ended(number or 0, SOON)
    assert (done.status, done.attempts) == (DONE, 2)
    assert done.result["instruments"] == [{"instrument": GBP_USD, "candles": COUNT, "new_or_changed": COUNT}]
    assert market.pages == [(GBP_USD, page) for page in (*range(6), *range(5, 10))]
    go_on.set()
    with pytest.raises(Conflict):  # it was only slow
        await frozen


def test_spans_begin_with_the_first_full_candle_and_end_with_the_time() -> None:
    spans_of = download_candles.spans_of
    assert spans_of(MONDAY, MONDAY + 600) == [(MONDAY, MONDAY + 600)]
    assert spans_of(MONDAY + 1, MONDAY + 1_500_300) == [(MONDAY + 300, MONDAY + 1_500_300)]
    assert spans_of(MONDAY, MONDAY + 1_500_301) == [
        (MONDAY, MONDAY + 1_500_000),
        (MONDAY + 1_500_000, MONDAY + 1_500_301),
    ]
    assert spans_of(MONDAY, MONDAY) == spans_of(MONDAY + 1, MONDAY + 300) == []
