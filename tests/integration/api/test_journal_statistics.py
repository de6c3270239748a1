"""What the journal comes to: all figures, by day, by group."""

from typing import Any

import pytest

from alphaforge.statistics.sections import Figures
from alphaforge.workflows import break_down_journal as breaking_down
from api_bench import SQLITE, Bench

TRADE: dict[str, Any] = {"openTime": "2026-03-02 09:00", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.31}


async def write(bench: Bench, closed: str | None, pl: float | None = None, **changes: Any) -> int:
    body = TRADE | {"closeTime": closed, "pl": pl} | changes
    if closed is not None and closed < body["openTime"]:
        body["openTime"] = closed
    return int((await bench.ask("POST", "/api/journal/entries", json=body))["id"])


async def plainly(bench: Bench, statement: str) -> None:
    async with bench.services.database.write("journal_entries") as connection:
        await connection.exec_driver_sql(statement)


async def test_the_seven_figures_count_every_entry_and_the_sections_those_that_are_closed(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", 30.0)
    await write(bench, "2026-03-03 10:00", -10.0)
    await write(bench, None)
    found = await bench.get("/api/journal/statistics", balance=1_000)
    stats = await bench.get("/api/stats")
    seven = ["total_trades", "wins", "losses", "win_rate", "total_pnl", "total_pips", "avg_r"]
    assert list(found)[:7] == seven
    assert {name: found[name] for name in seven} == {name: stats[name] for name in seven}
    assert (found["total_trades"], found["closed_entries"], found["open_entries"]) == (3, 2, 1)
    assert set(found) >= set(Figures.__dataclass_fields__)
    assert found["counts"]["trades"] == 2
    assert (found["money"]["net"], found["money"]["gross_loss"]) == (20.0, -10.0)
    assert (found["daily"]["equity"], found["drawdown"]["maximum"]) == (1_020.0, -10.0)


async def test_without_a_balance_nothing_is_said_in_percent(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", -30.0)
    found = await bench.get("/api/journal/statistics")
    assert found["drawdown"]["maximum"] == -30.0
    assert (found["drawdown"]["maximum_share"], found["daily"]["total_return"]) == (None, None)


@SQLITE
async def test_a_span_has_its_own_figures_on_the_equity_that_came_before(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", 500.0)
    await write(bench, "2026-03-03 10:00", -30.0)
    await write(bench, "2026-03-04 10:00", 90.0)
    await write(bench, None)
    span = {"from": "2026-03-03", "to": "2026-03-04"}
    found = await bench.get("/api/journal/statistics", balance=1_000, **span)
    assert (found["total_trades"], found["closed_entries"], found["open_entries"]) == (4, 1, 1)
    assert (found["money"]["net"], found["counts"]["trades"]) == (-30.0, 1)
    assert (found["daily"]["balance"], found["daily"]["equity"]) == (1_500.0, 1_470.0)
    assert found["drawdown"]["maximum_share"] == pytest.approx(-0.02)
    calendar = await bench.get("/api/journal/calendar", **span)
    assert calendar["net"] == found["money"]["net"]


async def test_the_entries_of_a_day_are_those_that_the_calendar_counts(bench: Bench) -> None:
    for opened, closed in (
        ("02 09:00", "02 21:59"),
        ("02 09:00", "02 22:00"),
        ("03 08:00", "03 21:30"),
        ("03 09:00", None),
    ):
        await write(bench, closed and f"2026-03-{closed}", 1.0, openTime=f"2026-03-{opened}")
    counted = {one["day"]: one["trades"] for one in (await bench.get("/api/journal/calendar"))["days"]}
    assert counted == {"2026-03-02": 1, "2026-03-03": 2}
    for day, trades in counted.items():
        assert len((await bench.get("/api/journal/entries", closed_on=day))["entries"]) == trades
    assert (await bench.get("/api/journal/entries", closed_on="2026-03-04"))["entries"] == []


@SQLITE
async def test_after_the_money_was_gone_nothing_is_said_in_percent(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", -500.0)
    await write(bench, "2026-03-03 10:00", 30.0)
    found = await bench.get("/api/journal/statistics", **{"balance": 500, "from": "2026-03-03"})
    assert (found["daily"]["balance"], found["daily"]["total_return"], found["money"]["net"]) == (None, None, 30.0)


@SQLITE
async def test_what_the_trader_did_not_say_is_null_and_never_zero(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00")
    found = await bench.get("/api/journal/statistics")
    assert found["counts"] | {"trades": 1, "unknown": 1, "wins": 0, "amounts": 0, "r_multiples": 0} == found["counts"]
    assert (found["money"]["net"], found["r"]["total"], found["pips"]["total"]) == (None, None, None)
    assert found["excursions"]["mae"]["value"] is None
    calendar = await bench.get("/api/journal/calendar")
    nothing = {"net": None, "r": None, "pips": None}
    assert calendar["days"] == [{"day": "2026-03-02", "trades": 1, "wins": 0, "losses": 0, **nothing}]
    assert calendar | nothing == calendar
    (group,) = (await bench.get("/api/journal/breakdown", by="side"))["groups"]
    assert group | {"key": "BUY", "net": None, "pips": None, "trades": 1} == group


@SQLITE
async def test_an_empty_journal_has_figures_of_nothing(bench: Bench) -> None:
    found = await bench.get("/api/journal/statistics", balance=100)
    assert (found["counts"]["trades"], found["money"]["net"], found["closed_entries"]) == (0, None, 0)
    equity = await bench.get("/api/journal/equity", balance=100)
    assert equity == {"balance": 100.0, "days": [], "trades": [], "net": [], "equity": [], "drawdown": [], "count": 0}
    assert (await bench.get("/api/journal/breakdown", by="tag"))["groups"] == []
    assert (await bench.get("/api/journal/calendar"))["days"] == []


@SQLITE
async def test_the_equity_has_every_trading_day_and_goes_on_from_what_came_before(bench: Bench) -> None:
    await write(bench, "2026-03-05 10:00", 50.0)  # a Thursday
    await write(bench, "2026-03-05 11:00", -20.0)
    await write(bench, "2026-03-10 10:00", -40.0)  # the Tuesday after
    await write(bench, "2026-03-07 10:00", 5.0)  # a Saturday: what was written counts
    found = await bench.get("/api/journal/equity", balance=1_000)
    assert found == {
        "balance": 1_000.0,
        "days": ["2026-03-05", "2026-03-06", "2026-03-07", "2026-03-09", "2026-03-10"],
        "trades": [2, 0, 1, 0, 1],
        "net": [30.0, 0.0, 5.0, 0.0, -40.0],
        "equity": [1_030.0, 1_030.0, 1_035.0, 1_035.0, 995.0],
        "drawdown": [0.0, 0.0, 0.0, 0.0, -40.0],
        "count": 5,
    }
    part = await bench.get("/api/journal/equity", **{"from": "2026-03-06", "to": "2026-03-10"})
    assert part["days"] == ["2026-03-06", "2026-03-07", "2026-03-09"]
    assert (part["equity"], part["net"]) == ([30.0, 35.0, 35.0], [0.0, 5.0, 0.0])
    assert (await bench.get("/api/journal/equity", **{"from": "2026-04-01"}))["count"] == 0


@SQLITE
async def test_a_day_ends_at_17_in_new_york(bench: Bench) -> None:
    await write(bench, "2026-03-02 21:59", 1.0)  # in winter
    await write(bench, "2026-03-02 22:00", 2.0)
    days = (await bench.get("/api/journal/calendar"))["days"]
    assert [(day["day"], day["net"]) for day in days] == [("2026-03-02", 1.0), ("2026-03-03", 2.0)]


@SQLITE
async def test_the_calendar_is_of_a_month_a_year_a_span_or_all(bench: Bench) -> None:
    for closed, pl in (("2025-12-31 10:00", 1.0), ("2026-02-27 10:00", -2.0), ("2026-03-02 10:00", 4.0)):
        await write(bench, closed, pl)

    async def nets(**asked: Any) -> list[float]:
        found = await bench.get("/api/journal/calendar", **asked)
        assert found["net"] == (sum(day["net"] for day in found["days"]) if found["days"] else None)
        assert found["count"] == len(found["days"])
        return [day["net"] for day in found["days"]]

    assert await nets() == [1.0, -2.0, 4.0]
    assert await nets(year=2026) == [-2.0, 4.0]
    assert await nets(year=2026, month=2) == [-2.0]
    assert await nets(year=2025, month=12) == [1.0]
    assert await nets(year=2024) == []
    assert await nets(**{"from": "2026-02-27", "to": "2026-03-02"}) == [-2.0]
    whole = await bench.get("/api/journal/calendar", year=2026)
    assert (whole["trades"], whole["wins"], whole["losses"]) == (2, 1, 1)


async def groups(bench: Bench, by: str, **asked: Any) -> dict[str | None, float | None]:
    found = await bench.get("/api/journal/breakdown", by=by, **asked)
    assert (found["by"], found["count"]) == (by, len(found["groups"]))
    return {group["key"]: group["net"] for group in found["groups"]}


async def test_entries_are_grouped_by_what_they_say(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", 1.0, tags="plan, news", setup="Breakout")
    await write(bench, "2026-03-02 11:00", 2.0, tags="News,news,,", symbol="GBP/USD", setup="breakout ")
    await write(bench, "2026-03-02 12:00", 4.0, type="SELL", symbol="GOLD")
    await write(bench, "2026-03-02 12:00", 8.0, symbol="DAX")
    await write(bench, None, 99.0, tags="open")
    assert await groups(bench, "instrument") == {"DAX": 8.0, "GBP_USD": 3.0, "XAU_USD": 4.0}
    assert await groups(bench, "side") == {"BUY": 11.0, "SELL": 4.0}
    assert list((await groups(bench, "tag")).items()) == [("News", 3.0), ("plan", 1.0), (None, 12.0)]
    assert await groups(bench, "setup") == {"Breakout": 3.0, None: 12.0}


@SQLITE
async def test_the_session_is_the_entrys_own_or_that_of_the_clocks_in_summer_and_winter(bench: Bench) -> None:
    await write(bench, "2026-07-06 20:00", 1.0, openTime="2026-07-06 07:30")  # 08:30 in London
    await write(bench, "2026-01-05 20:00", 2.0, openTime="2026-01-05 07:30")  # 07:30 in London, 16:30 in Tokyo
    await write(bench, "2026-01-05 20:00", 4.0, openTime="2026-01-05 07:30", session="OVERLAP")
    await write(bench, "2026-01-05 23:30", 8.0, openTime="2026-01-05 23:00")  # nobody is at work
    assert list((await groups(bench, "session")).items()) == [
        ("ASIAN", 2.0),
        ("LONDON", 1.0),
        ("OVERLAP", 4.0),
        ("OFF", 8.0),
    ]


@SQLITE
async def test_hour_weekday_and_month_are_those_of_the_opening(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", 1.0, openTime="2026-02-27 09:59")
    await write(bench, "2026-03-02 12:00", 2.0, openTime="2026-03-02 10:00")
    assert await groups(bench, "hour") == {"09:00": 1.0, "10:00": 2.0}
    assert list((await groups(bench, "weekday")).items()) == [("Monday", 2.0), ("Friday", 1.0)]
    assert await groups(bench, "month") == {"2026-02": 1.0, "2026-03": 2.0}


@SQLITE
async def test_groups_are_of_the_days_that_are_asked_for_and_the_same_in_any_parts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        closed = f"2026-03-{number // 3 + 2:02d} 1{number % 3}:00"
        await write(bench, closed, float(number - 10), setup=f"s{number % 4}", sl=1.3, exit=1.31 + number / 1000)
    for by in ("setup", "month"):
        whole = await bench.get("/api/journal/breakdown", by=by)
        with monkeypatch.context() as patch:
            patch.setattr(breaking_down, "_ROWS_AT_ONCE", 4)
            patch.setattr(breaking_down, "MANY", 2)
            parts = await bench.get("/api/journal/breakdown", by=by, to="2099-01-01")
        assert parts == whole
    assert sum((await groups(bench, "setup", **{"from": "2026-03-03", "to": "2026-03-05"})).values()) == sum(
        range(-7, -1)
    )
    assert await groups(bench, "setup", to="2026-03-02") == {}


@SQLITE
async def test_too_many_groups_are_refused_with_a_way_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking_down, "MOST_GROUPS", 2)
    for number in range(2):
        await write(bench, "2026-03-02 10:00", 1.0, setup=f"s{number}")
    await write(bench, "2026-03-04 10:00", 1.0)
    assert len(await groups(bench, "setup")) == 3
    await write(bench, "2026-03-05 10:00", 1.0, setup="s2")
    problem = await bench.get("/api/journal/breakdown", 422, by="setup")
    assert "more than 2 groups by setup" in problem["detail"]
    assert "from and to" in problem["advice"]
    assert len(await groups(bench, "setup", to="2026-03-05")) == 3


@SQLITE
@pytest.mark.parametrize(
    ("path", "asked", "word"),
    [
        ("statistics", {"balance": 0}, "balance"),
        ("statistics", {"balance": "nan"}, "balance"),
        ("equity", {"balance": "much"}, "balance"),
        ("equity", {"from": "2026-03-05", "to": "2026-03-05"}, "must lie after"),
        ("equity", {"from": "2026-02-30"}, "YYYY-MM-DD"),
        ("breakdown", {}, "by"),
        ("breakdown", {"by": "mood"}, "by"),
        ("breakdown", {"by": "tag", "from": "2026-03-05", "to": "2026-03-01"}, "must lie after"),
        ("calendar", {"month": 3}, "month needs a year"),
        ("calendar", {"year": 2026, "month": 13}, "month"),
        ("calendar", {"year": 1969}, "year"),
        ("calendar", {"year": 2026, "from": "2026-03-05"}, "year and month"),
    ],
)
async def test_what_cannot_be_meant_is_refused(bench: Bench, path: str, asked: dict[str, Any], word: str) -> None:
    assert word in str((await bench.get(f"/api/journal/{path}", 422, **asked))["detail"])


async def test_figures_that_no_trade_has_are_not_known(bench: Bench) -> None:
    await write(bench, "2026-03-02 10:00", 5.0)
    await plainly(bench, "UPDATE journal_entries SET profit_loss = 1e12, mae = -3, mfe = 1e300, outcome = NULL")
    found = await bench.get("/api/journal/statistics")
    assert (found["money"]["net"], found["counts"]["unknown"], found["counts"]["excursions"]) == (None, 1, 0)
    assert found["excursions"]["mae"]["value"] is None
