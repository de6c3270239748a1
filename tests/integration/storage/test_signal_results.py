"""What became of signals, as columns: SQLite and PostgreSQL say the same."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, update

from alphaforge.signals.model import Direction, Outcome, Status
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.signal_results import SETTLED, Followers, Maker, Others, Settled, Whose, read_results
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.storage.tables import signals
from builders import MONDAY, decision

OURS = Whose(Maker.STRATEGY, "sandbox")


def outcome(status: Status, at: float, r: float, **changes: Any) -> Outcome:
    made = Outcome(status, int(at), 1.3125, r * 12, r, 3.5, 14.25, 0.00012, ambiguous=False)
    return replace(made, **changes)


async def made(database: Database, number: int, ended: Outcome | None, *, source: str = "sandbox", **how: Any) -> int:
    """A signal of the strategy on the `number`th candle, settled unless it is still open."""
    moment = {"candle_time": MONDAY + 300 * number, "as_of": MONDAY + 300.0 * number + 301.5}
    async with database.write() as connection:
        repository = SignalRepository(connection)
        identity = await repository.add(
            decision(**(moment | how)), symbol="x", source=source, simulated=True, expires_at=MONDAY + 300 * number
        )
        assert identity is not None
        if ended is not None:
            assert await repository.settle(identity, ended, MONDAY + 1e6)
    return identity


async def by_hand(database: Database, status: Status, exit_price: float | None, **changes: Any) -> int:
    new = NewSignal("GBP_USD", Direction.SELL, 1.31, 1.312, 1.306, MONDAY + 50.5, source="sandbox", simulated=True)
    async with database.write() as connection:
        repository = SignalRepository(connection)
        identity = await repository.create(replace(new, **changes))
        if status is not Status.PENDING:
            await repository.set_status(identity, status, exit_price=exit_price, at=MONDAY + 900.0)
    return identity


async def read(database: Database, whose: Whose = OURS) -> tuple[Settled, list[Others], Followers]:
    async with database.read() as connection:
        return (await read_results(connection, whose)).columns()


async def test_settled_signals_come_back_as_columns_in_the_order_of_their_closing(database: Database) -> None:
    end = MONDAY + 9_000.0
    won = await made(database, 1, outcome(Status.WON, end + 300, 2.0))
    lost = await made(
        database, 2, outcome(Status.LOST, end, -1.000125, ambiguous=True), instrument="XAU_USD", confidence=41.7
    )
    expired = await made(database, 3, outcome(Status.EXPIRED, end + 300, 0.1 + 0.2))
    settled, others, followers = await read(database)
    assert settled.id.tolist() == [lost, won, expired]
    assert settled.closed.tolist() == [end, end + 300, end + 300]
    assert settled.opened.tolist() == [MONDAY + 300.0 * (n + 1) for n in (2, 1, 3)]
    assert [SETTLED[code] for code in settled.status] == [Status.LOST, Status.WON, Status.EXPIRED]
    assert [settled.instruments[code] for code in settled.instrument] == ["XAU_USD", "GBP_USD", "GBP_USD"]
    assert [settled.regimes[code] for code in settled.regime] == [decision().regime.value] * 3
    assert settled.r.tolist() == [-1.000125, 2.0, 0.1 + 0.2]
    assert settled.pips.tolist() == [-1.000125 * 12, 24.0, (0.1 + 0.2) * 12]
    assert (settled.mae.tolist(), settled.mfe.tolist()) == ([3.5] * 3, [14.25] * 3)
    assert settled.ambiguous.tolist() == [True, False, False]
    assert not settled.said.any()
    assert settled.simulated.tolist() == [1, 1, 1]
    assert settled.confidence.tolist() == [41.7, decision().confidence, decision().confidence]
    levels = decision().levels
    assert levels is not None
    assert settled.side.tolist() == [1 if levels.direction is Direction.BUY else -1] * 3
    assert settled.cost == pytest.approx(np.full(3, 0.00012 / levels.risk))
    assert (others, len(followers)) == ([], 0)


async def test_real_prices_are_told_from_invented_ones(database: Database) -> None:
    for number, simulated in enumerate((True, False, None)):
        await by_hand(database, Status.WON, 1.306, simulated=simulated, created_at=MONDAY + 60.0 * number)
    settled, _, _ = await read(database, Whose(Maker.HAND, "sandbox"))
    assert settled.simulated.tolist() == [1, 0, -1]
    assert (await read(database, Whose(Maker.HAND, "sandbox", simulated=False)))[0].id.tolist() == [2]


async def test_where_nothing_is_settled_there_are_columns_of_no_length(database: Database) -> None:
    settled, others, followers = await read(database)
    assert (len(settled), others, len(followers)) == (0, [], 0)
    assert {len(getattr(settled, field.name)) for field in fields(settled)} == {0}


async def test_what_is_not_settled_is_counted_by_what_it_has_in_common(database: Database) -> None:
    await made(database, 1, outcome(Status.WON, MONDAY + 9_000, 2.0))
    await made(database, 2, None)
    await made(database, 3, None)
    await made(database, 4, outcome(Status.WON, MONDAY + 9_000, 2.0), source="oanda-live")
    said = await made(database, 5, None)
    async with database.write() as connection:
        await SignalRepository(connection).set_status(said, Status.WON, exit_price=1.4, at=MONDAY + 900.0)
    unseen = await made(database, 6, None)
    async with database.write() as connection:
        await SignalRepository(connection).expire_unseen(unseen, MONDAY + 900.0)
    await by_hand(database, Status.CANCELLED, None)
    settled, others, _ = await read(database)
    assert len(settled) == 1
    strategy = decision().strategy
    assert sorted(others, key=str) == sorted(
        [
            Others("sandbox", "strategy", strategy, simulated=True, status="PENDING", known=False, count=2),
            Others("oanda-live", "strategy", strategy, simulated=True, status="WON", known=True, count=1),
            Others("sandbox", "strategy", strategy, simulated=True, status="WON", known=True, count=1),
            Others("sandbox", "strategy", strategy, simulated=True, status="EXPIRED", known=False, count=1),
            Others("sandbox", "manual", None, simulated=True, status="CANCELLED", known=False, count=1),
        ],
        key=str,
    )


async def test_what_somebody_said_of_signals_by_hand_counts_as_said(database: Database) -> None:
    won = await by_hand(database, Status.WON, 1.306)
    await by_hand(database, Status.WON, None)  # at what price?
    await by_hand(database, Status.LOST, 1.312, stop_loss=1.31)  # what did it risk?
    measured = await by_hand(database, Status.PENDING, None)
    async with database.write() as connection:
        await SignalRepository(connection).settle(measured, outcome(Status.LOST, MONDAY + 600.0, -1.0), MONDAY)
    settled, others, _ = await read(database, Whose(Maker.HAND, "sandbox"))
    assert settled.id.tolist() == [measured, won]
    assert settled.said.tolist() == [False, True]
    assert settled.r == pytest.approx([-1.0, 2.0])
    assert settled.opened.tolist() == [MONDAY + 50.5] * 2
    assert np.isnan(settled.pips).tolist() == [False, True]
    assert sum(one.count for one in others) == 2


async def test_the_predecessors_signals_are_a_market_of_their_own(database: Database) -> None:
    number = await by_hand(database, Status.WON, 1.306, source=None, simulated=None)
    async with database.write() as connection:
        await connection.execute(update(signals).where(signals.c.id == number).values(origin=None))
    assert (await read(database))[0].id.tolist() == []
    assert (await read(database, Whose(Maker.PREDECESSOR)))[0].id.tolist() == [number]


CHOSEN: list[tuple[dict[str, Any], list[int]]] = [
    ({"instrument": "XAU_USD"}, [2]),
    ({"instrument": "USD_JPY"}, []),
    ({"start": MONDAY + 301.5 + 600}, [2, 3]),
    ({"end": MONDAY + 301.5 + 600}, [1]),
    ({"start": MONDAY + 301.5 + 600, "end": MONDAY + 301.5 + 900, "instrument": "XAU_USD"}, [2]),
    ({"strategy": decision().strategy}, [1, 2, 3]),
    ({"strategy": "another"}, []),
    ({"simulated": True}, [1, 2, 3]),
    ({"simulated": False}, []),
    ({"source": "oanda-live"}, []),
]


async def test_filters_choose(database: Database) -> None:
    for number, instrument in ((1, "GBP_USD"), (2, "XAU_USD"), (3, "GBP_USD")):
        await made(database, number, outcome(Status.WON, MONDAY + 9_000, 2.0), instrument=instrument)
    for whose, found in CHOSEN:
        settled, others, _ = await read(database, replace(OURS, **whose))
        assert settled.id.tolist() == found, whose
        if not {"instrument", "start", "end"} & whose.keys():
            assert len(settled) + sum(one.count for one in others) == 3, "every signal is in one of them"


async def test_followers_come_with_the_levels_of_their_signal(database: Database) -> None:
    signal = await made(database, 1, None)
    entry = NewEntry(MONDAY + 700.5, "GBPUSD", "SELL", 1.0, 1.3101, r_value=1.25, signal_id=signal)
    async with database.write() as connection:
        repository = JournalRepository(connection)
        await repository.create_many([entry, replace(entry, signal_id=None), replace(entry, r_value=None)])
    _, _, followers = await read(database)
    levels = decision().levels
    assert levels is not None
    assert followers.signal.tolist() == [signal] * 2
    assert followers.opened.tolist() == [MONDAY + 700.5] * 2
    assert followers.side.tolist() == [-1, -1]
    assert followers.price.tolist() == [1.3101] * 2
    assert sorted(followers.r.tolist(), key=str) == [1.25, pytest.approx(np.nan, nan_ok=True)]
    assert followers.symbol == ("GBPUSD", "GBPUSD")
    assert (followers.entry[0], followers.stop[0]) == (levels.entry, levels.stop)


async def test_moments_of_the_predecessor_are_read_as_it_wrote_them(database: Database) -> None:
    row = {"timestamp": MONDAY + 0.25, "symbol": "GOLD", "direction": "BUY", "entry": 1.0, "stop_loss": 0.5, "tp1": 2.0}
    row |= {"status": "WON", "exit_price": 2.0, "exit_time": MONDAY + 1.000001, "created_at": 0.0, "updated_at": 0.0}
    async with database.write() as connection:
        await connection.execute(insert(signals).values(row))
    settled, _, _ = await read(database, Whose(Maker.PREDECESSOR))
    assert settled.opened.tolist() == [MONDAY + 0.25]
    assert settled.closed == pytest.approx([MONDAY + 1.000001], abs=1e-6)
    assert (settled.instrument.tolist(), settled.regime.tolist(), settled.r.tolist()) == ([-1], [-1], [2.0])
    assert np.isnan(settled.confidence).all()
    assert (settled.said.tolist(), settled.simulated.tolist()) == ([True], [-1])
