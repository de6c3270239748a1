"""Signals in the database, SQLite and PostgreSQL alike."""

from typing import Any

import pytest

from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.signals.explain import decision_from_dict
from alphaforge.signals.model import Decision, Direction, FilterName, Outcome, Regime, Status
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.rows import Position
from alphaforge.storage.signals import NewSignal, SignalCriteria, SignalRepository
from alphaforge.storage.trade_results import TradeResultRepository
from builders import MONDAY, decision

WON = Outcome(Status.WON, MONDAY + 3_900, 1.253, 30.0, 2.0, 4.5, 30.0, 0.0001, ambiguous=True)


def by_hand(number: int = 0, **changes: Any) -> NewSignal:
    values: dict[str, Any] = {
        "instrument": "GBP_USD",
        "direction": Direction.BUY,
        "entry": 1.25,
        "stop_loss": 1.2485,
        "tp1": 1.253,
        "created_at": MONDAY + 60.0 * number,
    }
    return NewSignal(**(values | changes))


async def add(connection: Any, made: Decision, source: str = "sandbox") -> int | None:
    return await SignalRepository(connection).add(
        made, symbol="GBP/USD", source=source, simulated=source == "sandbox", expires_at=made.candle_time + 14_700
    )


async def page(database: Database, criteria: SignalCriteria, **part: Any) -> list[dict[str, Any]]:
    async with database.read() as connection:
        return await SignalRepository(connection).page(criteria, **({"limit": None} | part))


async def test_a_signal_keeps_all_that_was_decided(database: Database) -> None:
    made = decision(strength=100 / 3, as_of=MONDAY + 301.25)
    async with database.write() as connection:
        identity = await add(connection, made)
        assert identity == 1
    async with database.read() as connection:
        repository = SignalRepository(connection)
        row = await repository.get(1)
        stored = await repository.decision_of(1)
    assert row is not None
    assert stored is not None
    assert decision_from_dict(stored) == made
    expected = {
        "timestamp": MONDAY + 301.25,
        "symbol": "GBP/USD",
        "instrument": "GBP_USD",
        "direction": "BUY",
        "entry": 1.25,
        "stop_loss": 1.2485,
        "tp1": 1.253,
        "rr_ratio": "1:2.0",
        "status": "PENDING",
        "confidence_score": made.confidence,
        "market_condition": "trending_up_low_volatility",
        "origin": "strategy",
        "candle_time": MONDAY,
        "simulated": True,
        "expires_at": MONDAY + 14_700,
        "candle_hash": made.candle_hash,
        "strength": 100 / 3,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["reasoning"]
    assert "decision" not in row


async def test_one_candle_makes_one_signal(database: Database) -> None:
    for expected in (1, None):
        async with database.write() as connection:
            assert await add(connection, decision()) == expected
    assert len(await page(database, SignalCriteria())) == 1


async def test_simulated_and_real_signals_never_collide(database: Database) -> None:
    async with database.write() as connection:
        made = [await add(connection, decision(), source) for source in ("sandbox", "oanda-practice", "oanda-live")]
    assert made == [1, 2, 3]


@pytest.mark.parametrize("first", ["signal", "rejection"])
async def test_an_evaluation_is_a_signal_or_a_rejection_never_both(database: Database, first: str) -> None:
    refused = decision(reason=FilterName.TREND)
    async with database.write() as connection:
        rejections = RejectionRepository(connection)
        if first == "signal":
            assert await add(connection, decision()) == 1
            assert not await rejections.add(refused, source="sandbox", simulated=True)
        else:
            assert await rejections.add(refused, source="sandbox", simulated=True)
            assert await add(connection, decision()) is None
            assert not await rejections.add(refused, source="sandbox", simulated=True)
    async with database.read() as connection:
        stored = await SignalRepository(connection).count(SignalCriteria())
        stored += len(await RejectionRepository(connection).newest(None, 10))
    assert stored == 1


async def test_a_refused_decision_is_no_signal(database: Database) -> None:
    async with database.write() as connection:
        with pytest.raises(InvalidInput, match="trend"):
            await add(connection, decision(reason=FilterName.TREND))


async def test_a_rolled_back_signal_can_be_made_again(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            assert await add(connection, decision()) is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.write() as connection:
        assert await add(connection, decision()) is not None


async def test_lists_are_newest_first_and_equal_times_by_id(database: Database) -> None:
    async with database.write() as connection:
        ids = await SignalRepository(connection).create_many([by_hand(0), by_hand(2), by_hand(1), by_hand(2)])
    assert ids == [1, 2, 3, 4]
    assert [row["id"] for row in await page(database, SignalCriteria())] == [4, 2, 3, 1]
    assert [row["id"] for row in await page(database, SignalCriteria(), skip=1, limit=2)] == [2, 3]
    assert await page(database, SignalCriteria(), skip=10**30, limit=10**30) == []


async def test_a_list_goes_on_behind_a_row_whatever_was_added_meanwhile(database: Database) -> None:
    async with database.write() as connection:
        await SignalRepository(connection).create_many([by_hand(n // 3) for n in range(20)])
    seen: list[int] = []
    behind: Position | None = None
    while rows := await page(database, SignalCriteria(behind=behind), limit=3):
        seen += [row["id"] for row in rows]
        behind = Position(rows[-1]["timestamp"], rows[-1]["id"])
        async with database.write() as connection:
            await SignalRepository(connection).create(by_hand(1_000))
    assert seen == list(range(20, 0, -1))


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (SignalCriteria(statuses=(Status.WON,)), {2}),
        (SignalCriteria(statuses=(Status.WON, Status.PENDING)), {1, 2, 4}),
        (SignalCriteria(instrument="XAU_USD"), {3}),
        (SignalCriteria(direction=Direction.SELL), {4}),
        (SignalCriteria(start=MONDAY + 60, end=MONDAY + 180), {2, 3}),
        (SignalCriteria(min_confidence=50.0), {1, 3}),
        (SignalCriteria(origin="manual"), {1, 2, 3, 4}),
        (SignalCriteria(origin="strategy"), set()),
        (SignalCriteria(source="sandbox"), {4}),
        (SignalCriteria(statuses=(Status.PENDING,), instrument="GBP_USD", direction=Direction.BUY), {1}),
        (SignalCriteria(instrument="EUR_USD"), set()),
    ],
)
async def test_filters_hold(database: Database, criteria: SignalCriteria, expected: set[int]) -> None:
    async with database.write() as connection:
        await SignalRepository(connection).create_many(
            [
                by_hand(0, confidence_score=50.0),
                by_hand(1, status=Status.WON, confidence_score=49.9),
                by_hand(2, instrument="XAU_USD", status=Status.LOST, confidence_score=71.5),
                by_hand(3, direction=Direction.SELL, stop_loss=1.26, tp1=1.24, source="sandbox", simulated=True),
            ]
        )
    assert {row["id"] for row in await page(database, criteria)} == expected
    async with database.read() as connection:
        assert await SignalRepository(connection).count(criteria) == len(expected)


async def test_settling_happens_once(database: Database) -> None:
    async with database.write() as connection:
        await add(connection, decision())
        repository = SignalRepository(connection)
        assert await repository.settle(1, WON, at=MONDAY + 4_000)
        assert not await repository.settle(1, WON, at=MONDAY + 5_000)
        assert not await repository.expire_unseen(1, at=MONDAY + 5_000)
        row = await repository.get(1)
    assert row is not None
    expected = {
        "status": "WON",
        "outcome": "WIN",
        "exit_time": MONDAY + 3_900,
        "exit_price": 1.253,
        "pips_captured": 30.0,
        "r_multiple": 2.0,
        "mae": 4.5,
        "mfe": 30.0,
        "spread_paid": 0.0001,
        "ambiguous": True,
        "duration_hours": 1.0,
        "updated_at": MONDAY + 4_000,
    }
    assert {name: row[name] for name in expected} == expected


async def test_an_expired_signal_is_neither_win_nor_loss(database: Database) -> None:
    async with database.write() as connection:
        repository = SignalRepository(connection)
        await repository.create_many([by_hand(), by_hand()])
        expired = Outcome(Status.EXPIRED, MONDAY + 14_700, 1.251, 10.0, 0.67, 1.0, 12.0, 0.0001, ambiguous=False)
        assert await repository.settle(1, expired, at=MONDAY + 15_000)
        assert await repository.expire_unseen(2, at=MONDAY + 15_000)
        rows = await repository.page(SignalCriteria(statuses=(Status.EXPIRED,)), limit=None)
    assert [(row["outcome"], row["exit_price"]) for row in rows] == [(None, None), (None, 1.251)]


async def test_a_status_by_hand_ends_a_signal_and_opens_it_again(database: Database) -> None:
    async with database.write() as connection:
        repository = SignalRepository(connection)
        await repository.create(by_hand())
        assert await repository.set_status(1, Status.WON, exit_price=1.253, at=MONDAY + 500.5)
        won = await repository.get(1) or {}
        assert (won["status"], won["outcome"], won["exit_time"], won["exit_price"]) == (
            "WON",
            "WIN",
            MONDAY + 500.5,
            1.253,
        )
        assert await repository.set_status(1, Status.ACTIVE, exit_price=None, at=MONDAY + 600.0)
        active = await repository.get(1) or {}
        assert (active["status"], active["outcome"], active["exit_time"], active["exit_price"]) == (
            "ACTIVE",
            None,
            None,
            None,
        )
        assert not await repository.set_status(99, Status.WON, exit_price=None, at=MONDAY)


async def test_open_signals_are_as_the_rules_want_them(database: Database) -> None:
    async with database.write() as connection:
        repository = SignalRepository(connection)
        await add(connection, decision())
        await repository.create(by_hand(7, created_at=MONDAY + 421.5))
        await repository.create(by_hand(8, status=Status.CANCELLED))
        wrong_side = await repository.create(by_hand(9, stop_loss=1.26))
        own, manual = await repository.open_signals(own_only=True)
        assert await repository.open_signals(own_only=True, source="sandbox") == [own]
        (broken,) = await repository.unsettleable(own_only=False)
        assert await repository.unsettleable(own_only=False, source="oanda-live") == []
    assert (broken.id, broken.instrument, broken.expires_at) == (wrong_side, "GBP_USD", MONDAY + 600 + 14_400)
    assert "cannot have its stop at 1.26" in broken.why
    assert (own.id, own.opened_at, own.expires_at, own.spread) == (1, MONDAY + 300, MONDAY + 14_700, 0.0001)
    assert (own.entry, own.stop, own.target) == (1.25, 1.2485, 1.253)
    # by hand at 00:07:01.5: followed from the next candle on, for four hours
    assert (manual.opened_at, manual.expires_at) == (MONDAY + 600, MONDAY + 600 + 14_400)


async def test_the_last_signal_of_an_instrument_is_known_by_its_candles_close(database: Database) -> None:
    async with database.write() as connection:
        await add(connection, decision())
        await add(connection, decision(candle_time=MONDAY + 3_600))
        await add(connection, decision(candle_time=MONDAY + 7_200), "oanda-live")
        await SignalRepository(connection).create(by_hand(500))
        repository = SignalRepository(connection)
        assert await repository.last_signal_times() == {"GBP_USD": MONDAY + 7_500}
        assert await repository.last_signal_times("sandbox") == {"GBP_USD": MONDAY + 3_900}
        evaluated = RejectionRepository(connection).last_evaluated
        assert await evaluated("sandbox", ("GBP_USD", "XAU_USD")) == {"GBP_USD": MONDAY + 3_600}
        assert await evaluated("oanda-live", ("GBP_USD",)) == {"GBP_USD": MONDAY + 7_200}
        assert await evaluated("sandbox", ()) == {}


async def test_results_of_signals_and_of_the_trader_come_together_in_time(database: Database) -> None:
    async with database.write() as connection:
        repository, results = SignalRepository(connection), TradeResultRepository(connection)
        for number in range(3):
            identity = await add(connection, decision(candle_time=MONDAY + 3_600 * number))
            assert identity is not None
            ended = Outcome(
                Status.WON, MONDAY + 1_000 * (number + 1), 1.25, 1.0, float(number), 0.0, 0.0, 0.0, ambiguous=False
            )
            await repository.settle(identity, ended, at=MONDAY)
        assert await results.add("GBP_USD", 120.5, 60.25, MONDAY + 1_500.0) == 1
        assert await results.add("GBP_USD", -30.0, 60.0, MONDAY + 9_000.0, "oanda-live") == 2
        (everywhere,) = (await repository.results(None, ["GBP_USD"], 50)).values()
        assert [r for _, r in everywhere] == [0.0, 2.0, 1.0, 2.0, -0.5]
        assert await repository.results("sandbox", ["GBP_USD", "USD_JPY"], 2) == {
            "GBP_USD": [(MONDAY + 2_000, 1.0), (MONDAY + 3_000, 2.0)],
            "USD_JPY": [],
        }


@pytest.mark.parametrize(("profit", "risk"), [(1.0, 0.0), (1.0, -1.0), (float("nan"), 1.0), (1.0, float("inf"))])
async def test_an_impossible_result_is_refused(database: Database, profit: float, risk: float) -> None:
    async with database.write() as connection:
        with pytest.raises(InvalidInput):
            await TradeResultRepository(connection).add("GBP_USD", profit, risk, MONDAY)


async def test_performance_counts_what_was_settled_by_instrument(database: Database) -> None:
    async with database.write() as connection:
        repository = SignalRepository(connection)
        await repository.create_many(
            [
                by_hand(0, status=Status.WON),
                by_hand(1, status=Status.LOST),
                by_hand(2, status=Status.CLOSED),
                by_hand(3, status=Status.EXPIRED),
                by_hand(4, instrument="XAU_USD", status=Status.WON),
                by_hand(-900, status=Status.WON),
            ]
        )
        await repository.update_many([{"id": 1, "actual_pnl": 12.5}, {"id": 2, "actual_pnl": -2.25}])
        pound, gold = await repository.performance(MONDAY)
    assert pound == {
        "symbol": "GBP/USD",
        "trades": 3,
        "wins": 1,
        "losses": 1,
        "pnl": 10.25,
        "pips": None,
        "r_multiple": None,
    }
    assert (gold["symbol"], gold["trades"], gold["pnl"]) == ("GOLD", 1, None)


async def test_counts_by_status(database: Database) -> None:
    async with database.write() as connection:
        repository = SignalRepository(connection)
        await add(connection, decision())
        await add(connection, decision(candle_time=MONDAY + 300, regime=Regime.RANGING_LOW))
        await repository.create_many([by_hand(0, status=Status.LOST)])
        assert await repository.counts_by_status() == {"PENDING": 2, "LOST": 1}


async def test_many_are_changed_or_none(database: Database) -> None:
    async with database.write() as connection:
        repository = SignalRepository(connection)
        await repository.create_many([by_hand(n) for n in range(3)])
        changes = [{"id": 1, "notes": "a", "status": "ACTIVE"}, {"id": 2, "notes": "b"}, {"id": 3, "notes": None}]
        assert await repository.update_many(changes) == 3
    with pytest.raises(NotFound, match="99"):
        async with database.write() as connection:
            await SignalRepository(connection).update_many([{"id": 1, "notes": "c"}, {"id": 99, "notes": "d"}])
    notes = {row["id"]: row["notes"] for row in await page(database, SignalCriteria())}
    assert notes == {1: "a", 2: "b", 3: None}


@pytest.mark.parametrize(
    ("change", "said"),
    [({"instrument": "EUR_USD"}, "instrument cannot be changed"), ({"entry": None}, "entry cannot be empty")],
)
async def test_what_may_not_change_is_refused(database: Database, change: dict[str, Any], said: str) -> None:
    async with database.write() as connection:
        with pytest.raises(InvalidInput, match=said):
            await SignalRepository(connection).update_many([{"id": 1, **change}])


@pytest.mark.parametrize("identity", [0, -1, 2**31, 10**30])
async def test_an_id_that_cannot_be_finds_nothing(database: Database, identity: int) -> None:
    async with database.read() as connection:
        repository = SignalRepository(connection)
        assert await repository.get(identity) is None
        assert await repository.decision_of(identity) is None


async def test_times_come_back_to_the_microsecond(database: Database) -> None:
    moment = 1_750_000_000.123457
    async with database.write() as connection:
        await SignalRepository(connection).create(by_hand(created_at=moment))
    assert (await page(database, SignalCriteria()))[0]["created_at"] == moment
