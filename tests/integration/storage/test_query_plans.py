"""Every query that the interface makes goes by an index: the databases' own plans say so."""

import re
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from sqlalchemy import ClauseElement, Executable, Select, String, Table, cast, func, insert, literal, select
from sqlalchemy.ext.compiler import compiles

from alphaforge.signals.model import Direction, Status
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import page_statement as jobs_page
from alphaforge.storage.jobs import waiting_statement
from alphaforge.storage.journal import EntryCriteria
from alphaforge.storage.journal import page_statement as journal_page
from alphaforge.storage.listing import Listing, Values
from alphaforge.storage.lists import (
    DAY_OF_REJECTIONS,
    ENTRY_COLUMNS,
    EVALUATED_REJECTIONS,
    EVALUATED_SIGNALS,
    JOURNAL_LIST,
    OLDEST_SIGNALS,
    REJECTION_COLUMNS,
    SIGNAL_COLUMNS,
    SIGNAL_LIST,
)
from alphaforge.storage.rejections import day_statement, last_evaluated_statement, newest_statement, old_statement
from alphaforge.storage.results import open_statement, settled_results_statement, trader_results_statement
from alphaforge.storage.rows import Position
from alphaforge.storage.signal_results import followers_statement, others_statement, settled_statement
from alphaforge.storage.signals import SignalCriteria, page_statement, performance_statement
from alphaforge.storage.tables import (
    candles,
    evaluations,
    journal,
    journal_totals,
    rejections,
    signals,
    trade_results,
)
from alphaforge.storage.work_tables import jobs
from api_bench import SQLITE
from builders import MONDAY


def page(**criteria: Any) -> Select[Any]:
    return page_statement(SignalCriteria(**criteria), 0, 100)


def entries(**criteria: Any) -> Select[Any]:
    return JOURNAL_LIST.page_statement(ENTRY_COLUMNS, EntryCriteria(**criteria).values(), limit=101)


def part(of: Listing, columns: tuple[str, ...], values: Values) -> Select[Any]:
    return of.page_statement(columns, values, limit=101)


def total(**criteria: Any) -> Select[Any]:
    return SIGNAL_LIST.counted(SignalCriteria(**criteria).values())


BEHIND = Position(MONDAY + 60_000.0, 100)
NEWEST = "ix_signals_newest|ix_trading_signals_timestamp"
OPENED = "ix_journal_newest|ix_journal_entries_open_time"
DAY: Values = {"start": (MONDAY,), "end": (MONDAY + 86_400,)}


@dataclass(frozen=True, slots=True)
class Query:
    """A statement, the index (or table's key) that must serve it, and whether its order must come from that."""

    statement: Select[Any]
    index: str
    ordered: bool = True


QUERIES = {
    "signals, newest first": Query(page(), "ix_signals_newest|ix_trading_signals_timestamp"),
    "signals, behind a row": Query(
        page(behind=Position(MONDAY + 60_000.0, 100)), "ix_signals_newest|ix_trading_signals_timestamp"
    ),
    "signals of a span": Query(
        page(start=MONDAY + 6_000.0, end=MONDAY + 12_000.0), "ix_signals_newest|ix_trading_signals_timestamp"
    ),
    "signals of a status": Query(page(statuses=(Status.ACTIVE,)), "ix_signals_of_status"),
    "signals of an instrument": Query(page(instrument="XAU_USD"), "ix_signals_of_instrument"),
    "signals of an instrument and a span": Query(
        page(instrument="XAU_USD", start=MONDAY + 6_000.0, end=MONDAY + 90_000.0), "ix_signals_of_instrument"
    ),
    "signals of a direction": Query(page(direction=Direction.BUY), "ix_signals_newest|ix_trading_signals_timestamp"),
    "one signal": Query(
        select(signals.c.id).where(signals.c.id == 5), "trading_signals_pkey|ix_trading_signals_id|PRIMARY KEY"
    ),
    "open signals": Query(
        open_statement(own_only=True, source=None), "ix_signals_of_status|ix_trading_signals_status", ordered=False
    ),
    "signals by status": Query(
        select(signals.c.status, func.count()).group_by(signals.c.status),
        "ix_signals_of_status|ix_trading_signals_status",
        ordered=False,
    ),
    "performance": Query(
        performance_statement(MONDAY + 590_000.0),
        "ix_signals_newest|ix_trading_signals_timestamp|ix_signals_of_status",
        ordered=False,
    ),
    "results of signals": Query(settled_results_statement("GBP_USD", 50, None), "ix_signals_result"),
    "results of the trader": Query(trader_results_statement("GBP_USD", 50, None), "ix_trade_results_newest"),
    "rejections of a day": Query(day_statement(MONDAY, MONDAY + 86_400), "ix_rejections_newest"),
    "oldest rejections": Query(old_statement(MONDAY, "sandbox", 500), "ix_rejections_newest"),
    "newest rejections": Query(newest_statement(None, 100), "ix_rejections_newest"),
    "newest rejections of an instrument": Query(newest_statement("XAU_USD", 1), "ix_rejections_of_instrument"),
    "last evaluated": Query(
        last_evaluated_statement("sandbox", ("GBP_USD", "XAU_USD")),
        "evaluations_pkey|PRIMARY KEY|sqlite_autoindex",
        ordered=False,
    ),
    "journal, newest first": Query(journal_page(0, 100, None, pictures=True), "ix_journal_newest|open_time"),
    "signals of two statuses": Query(page(statuses=(Status.ACTIVE, Status.PENDING)), f"status|{NEWEST}", ordered=False),
    "signals of a status, behind a row": Query(page(statuses=(Status.ACTIVE,), behind=BEHIND), "ix_signals_of_status"),
    "signals of an instrument, behind a row": Query(
        page(instrument="XAU_USD", behind=BEHIND), "ix_signals_of_instrument"
    ),
    "signals of an instrument and a status": Query(
        page(instrument="XAU_USD", statuses=(Status.ACTIVE,)), "ix_signals_of_(instrument|status)"
    ),
    "signals of a confidence": Query(page(min_confidence=70.0), NEWEST),
    "signals of a confidence, behind a row": Query(page(min_confidence=70.0, behind=BEHIND), NEWEST),
    "signals, oldest first": Query(part(OLDEST_SIGNALS, SIGNAL_COLUMNS, {}), NEWEST),
    "signals of a status, oldest first, behind a row": Query(
        part(OLDEST_SIGNALS, SIGNAL_COLUMNS, SignalCriteria(statuses=(Status.ACTIVE,), behind=BEHIND).values()),
        "ix_signals_of_status",
    ),
    "how many signals": Query(total(), "ix_"),
    "how many signals of a status": Query(total(statuses=(Status.ACTIVE,)), "ix_(trading_)?signals_(of_)?status"),
    "how many signals of an instrument": Query(total(instrument="XAU_USD"), "ix_signals_(of_instrument|result)"),
    "how many signals of a span": Query(total(start=MONDAY + 6_000.0, end=MONDAY + 12_000.0), NEWEST),
    "signals by candle": Query(
        part(EVALUATED_SIGNALS, ("id", "candle_time"), {"origin": ("strategy",), "evaluated": ()}),
        "ix_signals_by_candle",
    ),
    "signals by candle, behind a row": Query(
        part(
            EVALUATED_SIGNALS,
            ("id", "candle_time"),
            {"origin": ("strategy",), "evaluated": (), "behind": (300 * 2_000, 5)},
        ),
        "ix_signals_by_candle",
    ),
    "rejections by candle": Query(part(EVALUATED_REJECTIONS, REJECTION_COLUMNS, {}), "ix_rejections_by_candle"),
    "rejections by candle, behind a row": Query(
        part(EVALUATED_REJECTIONS, REJECTION_COLUMNS, {"behind": (300 * 2_000, 5)}), "ix_rejections_by_candle"
    ),
    "a day's rejections": Query(part(DAY_OF_REJECTIONS, REJECTION_COLUMNS, DAY), "ix_rejections_newest"),
    "a day's rejections, behind a row": Query(
        part(DAY_OF_REJECTIONS, REJECTION_COLUMNS, {**DAY, "behind": (MONDAY + 600.0, 5)}), "ix_rejections_newest"
    ),
    "a day's rejections of an instrument": Query(
        part(DAY_OF_REJECTIONS, REJECTION_COLUMNS, {"instrument": ("XAU_USD",), **DAY}), "ix_rejections_of_instrument"
    ),
    "newest rejection's time": Query(select(cast(func.max(rejections.c.decided_at), String)), "ix_rejections_newest"),
    "entries of a symbol": Query(entries(symbols=("XAUUSD",)), "ix_journal_of_symbol"),
    "entries of a symbol, behind a row": Query(entries(symbols=("XAUUSD",), behind=BEHIND), "ix_journal_of_symbol"),
    "entries of a symbol in several spellings": Query(
        entries(symbols=("XAUUSD", "XAU_USD", "GOLD")),
        f"ix_journal_of_symbol|ix_journal_entries_symbol|{OPENED}",
        ordered=False,
    ),
    "entries of a span": Query(entries(start=MONDAY + 6_000.0, end=MONDAY + 12_000.0), OPENED),
    "entries of a type": Query(entries(trade_type="BUY"), OPENED),
    "entries of an outcome": Query(entries(outcome="WIN", behind=BEHIND), OPENED),
    "entries of a session": Query(entries(session="LONDON"), OPENED),
    "entries of a setup": Query(entries(setup="Breakout"), OPENED),
    "entries of a tag": Query(entries(tag="plan", behind=BEHIND), OPENED),
    "entries of a signal": Query(entries(signal_id=40), "ix_journal_of_signal"),
    "entries of a signal, behind a row": Query(entries(signal_id=40, behind=BEHIND), "ix_journal_of_signal"),
    "jobs, behind a row": Query(jobs_page((), (), 2_000, 101), "jobs_pkey|PRIMARY KEY"),
    "jobs of a kind": Query(jobs_page(("export",), (), None, 101), "ix_jobs_of_kind"),
    "jobs of a kind, behind a row": Query(jobs_page(("export",), (), 2_000, 101), "ix_jobs_of_kind"),
    "jobs of a kind and a status": Query(jobs_page(("scan",), ("failed",), None, 101), "ix_jobs_of_kind|jobs_pkey"),
    "jobs that wait": Query(waiting_statement(literal(float(MONDAY))), "ix_jobs_due", ordered=False),
    "journal, behind a row": Query(
        journal_page(0, 100, Position(MONDAY + 6_000.0, 100), pictures=False), "ix_journal_newest|open_time"
    ),
}


_ROWS = 3_000


def rows_of(number: int) -> dict[Table, dict[str, Any]]:
    """A row for every table; one instrument, status and source is frequent, others are rare."""
    instrument = {0: "XAU_USD", 1: "USD_JPY"}.get(number % 40, "GBP_USD")
    at = float(MONDAY + 60 * number)
    signal = {"timestamp": at, "symbol": "x", "instrument": instrument, "direction": ("BUY", "SELL")[number % 2]}
    signal |= {"entry": 1.0, "stop_loss": 1.0, "tp1": 1.0, "origin": "strategy", "created_at": at, "updated_at": at}
    signal |= {"status": {0: "ACTIVE", 1: "PENDING"}.get(number % 50, "WON"), "exit_time": at, "r_multiple": 1.5}
    votes = dict.fromkeys(("strength", "agreement", "buy_votes", "sell_votes", "confidence", "last_price"), 1.0)
    rejection = {"strategy": "s", "source": "sandbox", "simulated": True, "instrument": instrument, "reason": "trend"}
    rejection |= {"candle_time": 300 * number, "decided_at": at, "regime": "r", "decision": "{}", **votes}
    return {
        signals: signal,
        journal: {
            "open_time": at,
            "symbol": instrument.replace("_", ""),
            "trade_type": "BUY",
            "lots": 1.0,
            "entry_price": 1.0,
            "signal_id": number if number % 40 == 0 else None,
        },
        rejections: rejection,
        evaluations: {
            "source": ("sandbox", "oanda-live", "oanda-practice")[number % 3],
            "instrument": instrument,
            "candle_time": 300 * number,
            "strategy": "s",
        },
        trade_results: {
            "instrument": instrument,
            "profit_loss": 1.0,
            "risk": 1.0,
            "r_multiple": 1.0,
            "at": at,
            "source": "trader",
        },
        jobs: {
            "kind": "export" if number % 40 == 0 else "scan",
            "payload": "{}",
            "status": "failed" if number % 50 == 0 else "done",
            "attempts": 1,
            "cancelling": False,
            **dict.fromkeys(("run_at", "created_at", "started_at", "finished_at"), at),
        },
        candles: {"source": "sandbox", "instrument": instrument, "time": 300 * number, "packed": bytes(104)},
    }


@pytest.fixture
async def filled(database: Database, database_url: str) -> Database:
    """A few thousand rows in every table, so that a plan is worth making."""
    rows = [rows_of(number) for number in range(_ROWS)]
    async with database.write() as connection:
        for table in rows[0]:
            await connection.execute(insert(table), [row[table] for row in rows])
    if database.dialect == "postgresql":  # which sees to this by itself; SQLite never has statistics here
        maintenance = await asyncpg.connect(database_url)
        await maintenance.execute("VACUUM ANALYZE")
        await maintenance.close()
    return database


class Explain(Executable, ClauseElement):
    """`EXPLAIN` before a statement."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explain)
def _explained(element: Explain, compiler: Any, **kw: Any) -> str:
    words = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN (COSTS OFF)"
    return f"{words} {compiler.process(element.statement, **kw)}"


async def plan_of(database: Database, statement: Select[Any], *, page_cost: int = 1) -> str:
    async with database.read() as connection:
        if database.dialect == "postgresql":
            # not which way is the cheapest for so few rows, but whether there is one without scan and sort
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort", "hashagg"):
                await connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
            for kind in ("seq", "random"):
                await connection.exec_driver_sql(f"SET LOCAL {kind}_page_cost = {page_cost}")
        return "\n".join(str(row[-1]) for row in (await connection.execute(Explain(statement))).all())


async def test_every_query_goes_by_its_index(filled: Database) -> None:
    wrong = []
    async with filled.read() as connection:
        repository = CandleRepository(connection, "sandbox")
        newest = repository._of("GBP_USD").order_by(candles.c.time.desc()).limit(100)
        within = repository._of("GBP_USD").where(candles.c.time >= 0, candles.c.time < 90_000).order_by(candles.c.time)
    by_key = {"newest candles": newest, "candles of a span": within}
    queries = QUERIES | {name: Query(part, "candles_pkey|PRIMARY KEY") for name, part in by_key.items()}
    for name, query in queries.items():
        plan = await plan_of(filled, query.statement)
        scans = re.search(r"SCAN \w+$|Seq Scan", plan, re.MULTILINE)
        sorts = query.ordered and re.search(r"TEMP B-TREE|^ *(->)? *Sort\b", plan, re.MULTILINE)
        if scans or sorts or not re.search(query.index, plan):
            wrong.append(f"{name}:\n{plan}")
    assert not wrong, "\n\n".join(wrong)
    # the journal's statistics cost the same whatever the journal holds
    assert "journal_entries" not in await plan_of(filled, select(journal_totals))


UNSERVED: dict[str, tuple[Listing, Values]] = {
    "signals of a direction": (SIGNAL_LIST, SignalCriteria(direction=Direction.BUY).values()),
    "signals of a rare confidence": (SIGNAL_LIST, SignalCriteria(min_confidence=99.0).values()),
    "signals of a status, a direction and a confidence": (
        SIGNAL_LIST,
        SignalCriteria(statuses=(Status.WON,), direction=Direction.BUY, min_confidence=99.0).values(),
    ),
    "signals of an instrument, two statuses and a confidence": (
        SIGNAL_LIST,
        SignalCriteria(
            statuses=(Status.WON, Status.LOST), instrument="GBP_USD", min_confidence=99.0, behind=BEHIND
        ).values(),
    ),
    "entries of a type": (JOURNAL_LIST, EntryCriteria(trade_type="SELL").values()),
    "entries of a rare outcome": (JOURNAL_LIST, EntryCriteria(outcome="BREAKEVEN", behind=BEHIND).values()),
    "entries of a rare session": (JOURNAL_LIST, EntryCriteria(session="ASIAN").values()),
    "entries of a rare setup": (JOURNAL_LIST, EntryCriteria(setup="rare").values()),
    "entries of a rare tag": (JOURNAL_LIST, EntryCriteria(tag="rare").values()),
    "entries that closed on a day": (JOURNAL_LIST, EntryCriteria(closed=(int(MONDAY), int(MONDAY) + 86_400)).values()),
    "entries of a symbol, an outcome and a tag": (
        JOURNAL_LIST,
        EntryCriteria(symbols=("GBPUSD",), outcome="WIN", tag="rare").values(),
    ),
}
"""What a list passes over row by row, for no order has it together."""


_IN_AN_INDEX = r"USING COVERING INDEX|Index Only Scan"


@pytest.mark.parametrize("name", UNSERVED)
async def test_rows_that_a_filter_passes_over_are_not_read_from_the_table(filled: Database, name: str) -> None:
    listing, values = UNSERVED[name]
    ids = listing.page_statement(("id",), values, limit=101)
    for statement in (ids, listing.counted(values)):
        plan = await plan_of(filled, statement, page_cost=1_000)  # as with many rows: does the index do alone?
        assert re.search(_IN_AN_INDEX, plan), plan
    # and those that are found are read one by one
    rows = listing.rows_statement(("id", "notes"), tuple((key, len(given)) for key, given in values.items()))
    plan = await plan_of(filled, rows.params(ids.compile().params))
    assert re.search(r"SEARCH \w+ USING INTEGER PRIMARY KEY|Index Scan using \w+_(id|pkey) on", plan), plan


@SQLITE  # PostgreSQL weighs pages: with so few it reads them
async def test_performance_is_added_up_from_an_index(filled: Database) -> None:
    assert re.search(_IN_AN_INDEX, await plan_of(filled, performance_statement(MONDAY)))


@SQLITE  # the same
@pytest.mark.parametrize("own", [("by_strategy", "source"), ("by_manual", "source", "strategy"), ("by_predecessor",)])
async def test_the_track_record_is_read_from_one_index(filled: Database, own: tuple[str, ...]) -> None:
    async with filled.read() as connection:
        dialect = connection.dialect
    for within in ((), ("instrument", "start", "end")):
        for statement in (settled_statement(own, within, dialect), others_statement(own, within)):
            plan = await plan_of(filled, statement)
            assert re.search(r"COVERING INDEX ix_signals_record", plan), plan


async def test_who_followed_is_found_among_those_that_name_a_signal(filled: Database) -> None:
    async with filled.read() as connection:
        statement = followers_statement(connection.dialect)
    plan = await plan_of(filled, statement)
    assert re.search("ix_journal_of_signal", plan), plan
    assert not re.search(r"SCAN \w+$|Seq Scan", plan, re.MULTILINE), plan


async def test_postgresql_walks_an_index_rather_than_the_table_for_what_is_rare(filled: Database) -> None:
    statement = JOURNAL_LIST.page_statement(("id",), EntryCriteria(outcome="BREAKEVEN").values(), limit=101)
    async with filled.read() as connection:  # as it is configured
        plan = "\n".join(str(row[-1]) for row in (await connection.execute(Explain(statement))).all())
    assert "Seq Scan" not in plan
    assert "ix_journal_newest" in plan
