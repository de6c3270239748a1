"""Instruments that are added and removed while the desk runs."""

from collections.abc import AsyncIterator

import pytest

from alphaforge.core.errors import Conflict, InvalidInput, NoData, UnknownInstrument
from alphaforge.core.granularity import Granularity
from alphaforge.storage.engine import Database
from alphaforge.storage.settings import SettingRepository
from alphaforge.tasks.watchlist import KEY, MOST, Changes, Watchlist
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.scan_market import scan_market
from alphaforge.workflows.settle_signals import settle_signals
from builders import GBP_USD, USD_JPY, XAU_USD, walk
from desks import MemoryMarket, desk_of, market_of

M5 = Granularity.M5.seconds
HISTORY = {one.name: walk(one, 800, seed=3, gaps=0.0) for one in (GBP_USD, USD_JPY, XAU_USD)}
CLOSE = int(HISTORY["GBP_USD"].time[700]) + M5
NAMES = ("GBP_USD", "USD_JPY")
ALL = (*NAMES, "XAU_USD")


def open_desk(database: Database, *, listed: bool = True) -> Desk:
    opened = desk_of(database, market_of(*HISTORY.values(), moment=CLOSE + 5.0), NAMES)
    opened.listed = listed
    return opened


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    opened = open_desk(database)
    yield opened
    await opened.candles.aclose()  # a new instrument's candles may be on their way
    await opened.candles.archive.keeping.aclose()  # type: ignore[attr-defined] - as bootstrap makes it


def pass_candles(desk: Desk, count: int) -> None:
    assert isinstance(desk.source, MemoryMarket)
    desk.source.clock.time += count * M5


async def test_an_added_instrument_is_evaluated_from_then_on_and_after_a_restart(desk: Desk) -> None:
    told: list[tuple[str, ...]] = []
    watchlist = Watchlist(desk, lambda names: told.append(tuple(names)))
    assert await watchlist.add("XAU_USD")
    assert not await watchlist.add("XAU_USD")
    assert desk.names == ALL
    assert told == [ALL]
    assert [result.instrument for result in await scan_market(desk)] == list(ALL)
    after = open_desk(desk.database, listed=False)
    await Watchlist(after).restore()
    assert after.names == ALL


async def test_a_removed_instrument_is_evaluated_no_more_and_its_open_signal_is_followed(desk: Desk) -> None:
    results = {result.instrument: result for result in await scan_market(desk)}
    assert results["USD_JPY"].signal_id is not None, "this market signals at once"
    await Watchlist(desk).remove("USD_JPY")
    assert desk.names == ("GBP_USD",)
    assert desk.followed() == NAMES
    pass_candles(desk, 60)
    assert [result.instrument for result in await scan_market(desk)] == ["GBP_USD"]
    assert desk.candles.series("USD_JPY").end == CLOSE + 60 * M5, "its candles go on coming"
    await settle_signals(desk, own_only=True, scanning=True)
    asked = "SELECT status, exit_price FROM trading_signals WHERE instrument = 'USD_JPY'"
    async with desk.database.read() as connection:
        ((status, price),) = (await connection.exec_driver_sql(asked)).all()
    assert status in {"WON", "LOST", "EXPIRED"}
    assert price is not None


async def test_what_the_account_cannot_trade_is_not_watched(desk: Desk) -> None:
    with pytest.raises(UnknownInstrument, match="The account cannot trade EUR_HUF"):
        await Watchlist(desk).add("EUR_HUF")
    assert desk.names == NAMES


async def test_before_the_account_has_said_what_it_trades_nothing_is_added(database: Database) -> None:
    with pytest.raises(NoData, match="has not said yet"):
        await Watchlist(open_desk(database, listed=False)).add("XAU_USD")


async def test_the_last_instrument_stays_and_an_unwatched_one_cannot_go(desk: Desk) -> None:
    watchlist = Watchlist(desk)
    with pytest.raises(UnknownInstrument, match="XAU_USD is not watched"):
        await watchlist.remove("XAU_USD")
    await watchlist.remove("GBP_USD")
    with pytest.raises(Conflict, match="USD_JPY is the only one"):
        await watchlist.remove("USD_JPY")
    assert desk.names == ("USD_JPY",)


async def test_no_more_are_watched_than_settings_may_name(desk: Desk) -> None:
    desk.names = tuple(f"A{number:02}_USD" for number in range(MOST))
    with pytest.raises(Conflict, match="60 instruments are watched"):
        await Watchlist(desk).add("XAU_USD")


async def test_a_damaged_list_is_named_and_not_taken_for_none(desk: Desk) -> None:
    async with desk.database.write("app_settings") as connection:
        await SettingRepository(connection).put(KEY, "[1]")
    with pytest.raises(InvalidInput, match="'instruments' in the database is damaged"):
        await Watchlist(desk).restore()


async def test_another_process_takes_the_change_up(desk: Desk) -> None:
    other = open_desk(desk.database)
    await Watchlist(desk).add("XAU_USD")
    watchlist = Watchlist(other)
    await watchlist.restore()
    for task in set(watchlist._loading):
        await task
    assert other.names == ALL
    assert len(other.candles.series("XAU_USD")) > 0


def test_what_is_added_and_removed_again_is_as_in_the_settings() -> None:
    names = ("A_B", "C_D")
    changed = Changes().adding("E_F", names).removing("A_B", names)
    assert changed.applied(names) == ("C_D", "E_F")
    assert changed.removing("E_F", names).adding("A_B", names).applied(names) == names
