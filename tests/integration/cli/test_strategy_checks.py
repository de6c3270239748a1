"""The checks of the strategy as commands: they pass, they fail, and they say why they cannot tell."""

import asyncio
from pathlib import Path

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from builders import GBP_USD, MONDAY, walk
from command_line import Run

SHORT = ("--set", "min_candles=200", "--set", "volatility_window=150", "--set", "window=2600")


def keep(path: Path, series: CandleSeries, source: str = "import") -> None:
    async def kept() -> None:
        database = await Database.open(f"sqlite:///{path}")
        async with database.write("candles") as connection:
            await CandleRepository(connection, source).keep(series)
        await database.close()

    asyncio.run(kept())


def test_a_decision_knows_no_future_and_the_command_says_so(run: Run, database: Path) -> None:
    keep(database, walk(GBP_USD, 4_000, seed=5))
    scope = ("--instruments", "gbpusd", "--from", "2025-01-20", "--rows", 5, *SHORT)
    answer = run("lookahead-check", *scope)
    assert answer.code == 0
    assert "No decision knows its future." in answer.out
    assert run("lookahead-check", *scope, "--json").json == [
        {"instrument": "GBP_USD", "passed": True, "decisions": 5, "differences": []}
    ]


def test_a_strategy_that_joins_too_early_fails(run: Run, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphaforge.backtests import checks  # noqa: PLC0415 - beside what replaces it

    keep(database, walk(GBP_USD, 4_000, seed=5))
    whole = checks.look_ahead
    monkeypatch.setattr(
        checks,
        "look_ahead",
        lambda *a, **k: whole(*a, **k, alignment=lambda m5, b, _: b.searchsorted(m5, side="right") - 1),
    )
    answer = run("lookahead-check", "-i", "GBP_USD", "--rows", 5, *SHORT)
    assert answer.code == 1
    assert "knows its future" in answer.out


def test_a_warm_up_too_short_fails_and_says_what_would_do(run: Run, database: Path) -> None:
    keep(database, walk(GBP_USD, 9_000, seed=5))
    scope = ("--instruments", "GBP_USD", "--from", "2025-02-10", "--rows", 4)
    failed = run("warmup-check", *scope, *SHORT, "--json")
    assert failed.code == 1
    [found] = failed.json
    assert (found["passed"], found["minimum_candles"]) == (False, 200)
    assert found["differences"][0]["told_by"] == "200 candles on every timeframe"
    said = run("warmup-check", *scope, *SHORT)
    assert "depends on where its history begins" in said.out
    assert run("warmup-check", *scope, "--set", "min_candles=650").code == 0


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--from", "2025-02-01", "--to", "2025-01-01"), 2, "There is no time between 2025-02-01T00:00:00Z"),
        (("--set", "minvotes=3"), 2, "no setting of the strategy"),
        (("--set", "min_votes=-1"), 2, "minimum_votes = -1.0 is impossible"),
        (("--instruments", "nonsense"), 2, "'nonsense' is not an instrument"),
        (("--instruments", "EUR_USD"), 1, "There are no candles of EUR_USD"),
        (("--from", "yesterday"), 2, "'yesterday' is not a time"),
    ],
)
def test_what_cannot_be_meant_is_said(run: Run, database: Path, more: tuple[str, ...], code: int, says: str) -> None:
    keep(database, walk(GBP_USD, 50, seed=5, start=MONDAY))
    scope = () if "--instruments" in more else ("--instruments", "GBP_USD")
    answer = run("lookahead-check", *scope, *more)
    assert (answer.code, says in answer.err) == (code, True), answer.err
