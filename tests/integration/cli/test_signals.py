import asyncio
from functools import cache
from pathlib import Path

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.core.market_hours import FOREX_HOURS
from alphaforge.signals.analysis import analyse_last
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Decision, Direction, Levels
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.store_evaluation import context_to_dict
from builders import GBP_USD, MONDAY, decision, walk
from command_line import Run, spoil


def context(made: Decision) -> Context:
    return Context(made.as_of, market_open=True, exposure={}, last_signal_at=None, r_multiples=(), instrument=GBP_USD)


def keep(database: Path, *made: Decision, candles: CandleSeries | None = None) -> None:
    """Store signals of the strategy, and the candles that they were made from."""

    async def work() -> None:
        opened = await Database.open(f"sqlite:///{database}")
        async with opened.write() as connection:
            for one in made:
                await SignalRepository(connection).add(
                    one,
                    symbol="GBP/USD",
                    source="sandbox",
                    simulated=True,
                    expires_at=one.candle_time + 14_700,
                    context=context_to_dict(context(one)),
                )
            if candles is not None:
                await CandleRepository(connection, "sandbox").keep(candles)
        await opened.close()

    asyncio.run(work())


def three() -> list[Decision]:
    sell = Levels(Direction.SELL, 1.25, 1.2515, 1.247)
    return [
        decision(candle_time=MONDAY, as_of=MONDAY + 300.0),
        decision(candle_time=MONDAY + 300, as_of=MONDAY + 600.0, direction=Direction.SELL, levels=sell),
        decision(candle_time=MONDAY + 600, as_of=MONDAY + 900.0, confidence=12.5),
    ]


@cache
def computed() -> tuple[Decision, CandleSeries]:
    """A signal that the strategy really made, and its candles."""
    candles = walk(GBP_USD, 13_600, seed=5)
    analysis = analyse_last(candles, rows=300)
    for row in range(-300, 0):
        closed = float(candles.time[row]) + 300
        if not FOREX_HOURS.is_open(closed):
            continue
        there = Context(closed, market_open=True, exposure={}, last_signal_at=None, r_multiples=(), instrument=GBP_USD)
        made = decide(analysis, row, there)
        if made.is_signal:
            return made, candles
    pytest.fail("this market has no signal: take another seed")


def test_list_shows_the_newest_first_and_says_how_many_there_are(run: Run, database: Path) -> None:
    keep(database, *three())
    answer = run("signals", "list", "--limit", 2, "--json")
    assert answer.code == 0
    assert [row["id"] for row in answer.json["signals"]] == [3, 2]
    assert answer.json["total"] == 3
    assert answer.json["signals"][0]["timestamp"] == "2025-01-06T00:15:00Z"
    shown = run("signals", "list", "--limit", 2).out
    assert "Signals 1-2 of 3" in shown
    assert "simulated" in shown


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (("--direction", "SELL"), [2]),
        (("--instrument", "gbp-usd", "--skip", 1), [2, 1]),
        (("--instrument", "gold"), []),
        (("--from", "2025-01-06T00:10:00Z"), [3, 2]),
        (("--to", "2025-01-06T00:10:00Z"), [1]),
        (("--min-confidence", 40), [2, 1]),
        (("--status", "WON", "--status", "LOST"), []),
        (("--status", "PENDING"), [3, 2, 1]),
    ],
)
def test_list_is_filtered(run: Run, database: Path, filters: tuple[object, ...], ids: list[int]) -> None:
    keep(database, *three())
    assert [row["id"] for row in run("signals", "list", *filters, "--json").json["signals"]] == ids


@pytest.mark.parametrize("confidence", ["nan", "-1", "100.5"])
def test_a_confidence_that_cannot_be_is_refused(run: Run, database: Path, confidence: str) -> None:
    del database
    refused = run("signals", "list", f"--min-confidence={confidence}")
    assert (refused.code, refused.out) == (2, "")
    assert "--min-confidence" in refused.err


def test_show_tells_the_votes_and_filters(run: Run, database: Path) -> None:
    keep(database, *three())
    answer = run("signals", "show", 1, "--json").json
    assert answer["decision"]["timeframes"][0]["granularity"] == "M5"
    assert len(answer["decision"]["filters"]) == 11
    assert answer["entry"] == 1.25
    shown = run("signals", "show", 1).out
    for word in ("BUY", "ema_ribbon", "cooldown", "smallest change"):
        assert word in shown


def test_no_signals_is_an_answer_and_a_missing_one_is_none(run: Run, database: Path) -> None:
    del database
    assert run("signals", "list").out == "No signals.\n"
    answer = run("signals", "show", 7)
    assert (answer.code, answer.out) == (1, "")
    assert "There is no signal 7" in answer.err


def test_verify_says_the_same_as_long_as_the_candles_do(run: Run, database: Path) -> None:
    made, candles = computed()
    keep(database, made, candles=candles)
    answer = run("signals", "verify", 1, "--json")
    assert (answer.code, answer.json) == (0, {"id": 1, "same": True, "differences": []})
    assert "says the same" in run("signals", "verify", 1).out


def test_verify_is_negative_where_a_candle_is_gone(run: Run, database: Path) -> None:
    made, candles = computed()
    keep(database, made, candles=candles)
    spoil(database, "DELETE FROM candles WHERE time = ?", made.candle_time)
    answer = run("signals", "verify", 1)
    assert answer.code == 1
    assert "differs" in answer.out


def test_reading_works_beside_a_running_server(run: Run, held: Path) -> None:
    del held
    assert run("signals", "list").code == 0


def test_a_database_that_is_not_there_is_code_4_and_is_not_made(run: Run, folder: Path) -> None:
    answer = run("signals", "list")
    assert answer.code == 4
    assert "trading_signals.db is not there yet" in answer.err
    assert "Start the server once" in answer.err
    assert list(folder.iterdir()) == []
