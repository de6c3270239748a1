"""The tables of background work: what is to be done, what happened, who leads. See tables.py for all others."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table, Text, text

from alphaforge.storage.tables import identity, metadata

_IS_RUNNING = text("status = 'running'")

jobs = Table(
    "jobs",
    metadata,
    Column("id", identity, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(200)),
    Column("lane", String(100)),
    Column("payload", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("run_at", Double, nullable=False),
    Column("holder", String(80)),
    Column("held_until", Double),
    Column("cancelling", Boolean, nullable=False),
    Column("progress", Double),
    Column("result", Text),
    Column("error", Text),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("trace", String(55)),
    Index("ux_jobs_key", "key", unique=True),
    Index("ix_jobs_due", "status", "run_at", "id"),
    Index("ix_jobs_of_kind", "kind", "id"),
    Index("ux_jobs_lane", "lane", unique=True, sqlite_where=_IS_RUNNING, postgresql_where=_IS_RUNNING),
)
"""Background work: queued in the transaction that wants it, held by one process at a time, for as long as it says so.

`key`: of several jobs with one key only the first is ever made. `lane`: of one lane one runs at a time. Times are epoch
seconds by the database's clock. `trace`: whose trace it belongs to, as W3C's `traceparent` has it.
"""

job_chunks = Table(
    "job_chunks",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The file that a job reads (numbers below 0) or made (from 0), in compressed pieces."""

events = Table(
    "events",
    metadata,
    Column("id", identity, primary_key=True),
    Column("at", Double, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("instrument", String(24)),
    Column("ref", BigInteger, nullable=False),
    Column("trace", String(55)),
)
"""What happened, in the order of commits, for a day: see change_events.py. `ref`: the row's id, a candle's start.

`trace`: as jobs have it.
"""

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("until", Double, nullable=False),
)
"""What one process at a time may do, for as long as it renews its word; by the database's clock."""

alert_channels = Table(
    "alert_channels",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("disabled_at", Double),
    Column("last_error", Text),
    Column("last_sent_at", Double),
)
"""How sending to each channel goes. `key`: a digest of its address, which is a secret."""

process_figures = Table(
    "process_figures",
    metadata,
    Column("process", String(80), primary_key=True),
    Column("at", Double, nullable=False),
    Column("figures", LargeBinary, nullable=False),
)
"""What each of several processes measured since its start, so that any of them can answer for all. `at`: when it said
so, by the database's clock."""

performance_minutes = Table(
    "performance_minutes",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("process", String(80), primary_key=True),
    Column("figures", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The figures of each minute for a day. `at`: its start, epoch seconds."""

backtests = Table(
    "backtests",
    metadata,
    Column("id", identity, primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("asked", Text, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("summary", Text),
    Column("report", LargeBinary),
    Column("error", Text),
    Column("finished_at", Double),
)
"""Backtests until they are deleted. `asked`, `summary`: JSON; `report`: gzipped JSON; `parts`: how many it has."""

backtest_parts = Table(
    "backtest_parts",
    metadata,
    Column("backtest_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("result", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What the parts of a backtest under way have come to, whichever process ran them."""
