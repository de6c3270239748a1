"""Candles that come side by side are stored together."""

import asyncio
from contextlib import suppress

from alphaforge.core.instruments import Instrument
from alphaforge.storage.candle_keeping import CandleKeeping
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.engine import Database
from builders import walk

NAMES = [f"A{number:02}_USD" for number in range(30)]


async def test_thirty_instruments_take_two_transactions_and_all_are_there(database: Database) -> None:
    written: list[object] = []
    database.commits.follow(lambda nouns, _: written.append(nouns) if "candles" in nouns else None)
    keeping = CandleKeeping(database)
    series = {name: walk(Instrument(name), 3, seed=number) for number, name in enumerate(NAMES)}
    await asyncio.gather(*(keeping.keep("sandbox", one) for one in series.values()))
    own = written if not database.is_shared else written[:2]  # PostgreSQL tells of each again
    assert len(own) <= 2
    store = CandleStore(database, "sandbox")
    for name, one in series.items():
        assert (await store.newest(name, 10)).time.tolist() == one.time.tolist()


async def test_long_histories_do_not_go_into_one_transaction(database: Database) -> None:
    keeping = CandleKeeping(database)
    long = [walk(Instrument(name), 3_000, seed=number) for number, name in enumerate(NAMES[:3])]
    tasks = [asyncio.create_task(keeping.keep("sandbox", one)) for one in long]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    await asyncio.gather(*tasks)
    assert len(await CandleStore(database, "sandbox").newest(NAMES[2], 5_000)) == 3_000


async def test_who_goes_away_takes_nobodys_candles_with_him(database: Database) -> None:
    keeping = CandleKeeping(database)
    first, second = walk(Instrument(NAMES[0]), 3, seed=1), walk(Instrument(NAMES[1]), 3, seed=2)
    gone = asyncio.create_task(keeping.keep("sandbox", first))
    stays = asyncio.create_task(keeping.keep("sandbox", second))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    with suppress(asyncio.CancelledError):
        await gone
    store = CandleStore(database, "sandbox")
    assert [len(await store.newest(name, 9)) for name in NAMES[:2]] == [3, 3]


async def test_all_of_a_transaction_that_fails_are_told_and_the_next_works(database: Database) -> None:
    keeping = CandleKeeping(database)
    good, odd = walk(Instrument(NAMES[0]), 3, seed=1), walk(Instrument(NAMES[1]), 3, seed=2)
    async with database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE candles RENAME TO candles_away")
    failed = await asyncio.gather(*(keeping.keep("sandbox", one) for one in (good, odd)), return_exceptions=True)
    assert all(isinstance(one, Exception) for one in failed)
    async with database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE candles_away RENAME TO candles")
    await keeping.keep("sandbox", good)
    assert len(await CandleStore(database, "sandbox").newest(NAMES[0], 9)) == 3
