"""However much there is and whatever is asked for, a part of an export is found by its ids."""

import re
from typing import Any

import pytest
from sqlalchemy import Select, insert

from alphaforge.signals.model import Status
from alphaforge.storage.engine import Database
from alphaforge.storage.exports import Export, journal_export, signal_export
from alphaforge.storage.journal import EntryCriteria
from alphaforge.storage.signals import SignalCriteria
from alphaforge.storage.tables import journal, signals
from alphaforge.storage.types import Moment
from builders import MONDAY

_ROWS = 3_000
EXPORTS = {
    "signals": signal_export(SignalCriteria(), 500),
    "signals of a status": signal_export(SignalCriteria((Status.ACTIVE,)), 500),
    "signals of some": signal_export(SignalCriteria((Status.WON, Status.LOST), "XAU_USD"), 500),
    "signals of a span": signal_export(SignalCriteria(start=MONDAY + 60.0, end=MONDAY + 9e9), 500),
    "journal": journal_export(EntryCriteria(), 500, pictures=False),
    "journal with pictures": journal_export(EntryCriteria(), 4, pictures=True),
    "journal of some": journal_export(
        EntryCriteria(("GBPUSD", "GBP/USD"), start=MONDAY + 60.0, end=MONDAY + 9e9), 500, pictures=False
    ),
    "journal of a tag": journal_export(EntryCriteria(tag="late", setup="Pullback", signal_id=3), 500, pictures=False),
}


async def fill(database: Database) -> None:
    made = {"created_at": 0.0, "updated_at": 0.0, "symbol": "GBPUSD"}
    signal = made | {"direction": "BUY", "entry": 1.0, "stop_loss": 1.0, "tp1": 1.0, "instrument": "GBP_USD"}
    entry = made | {"trade_type": "BUY", "lots": 1.0, "entry_price": 1.0}
    async with database.write() as connection:
        await connection.execute(
            insert(signals), [signal | {"timestamp": MONDAY + 60.0 * i, "status": "WON"} for i in range(_ROWS)]
        )
        await connection.execute(insert(journal), [entry | {"open_time": MONDAY + 60.0 * i} for i in range(_ROWS)])
    if database.dialect == "postgresql":
        async with database.write() as connection:
            await connection.exec_driver_sql("ANALYZE")


async def plan_of(database: Database, statement: Select[Any]) -> str:
    words = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN (COSTS OFF)"
    async with database.read() as connection:
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        values = []
        for name in compiled.positiontup or ():
            kind, value = compiled.binds[name].type if name in compiled.binds else None, compiled.params[name]
            write = kind.bind_processor(connection.dialect) if isinstance(kind, Moment) else None
            values.append(write(value) if write else value)
        rows = (await connection.exec_driver_sql(f"{words} {compiled}", tuple(values))).all()
    return "\n".join(str(row[-1]) for row in rows)


async def test_every_part_goes_by_its_ids_or_by_what_is_rarer(database: Database) -> None:
    await fill(database)
    by_id = re.compile(r"INTEGER PRIMARY KEY|_pkey|ix_\w+")
    for name, export in EXPORTS.items():
        for statement in (export.end_statement(1_000, _ROWS), export.part_statement(1_000, 1_020)):
            plan = await plan_of(database, statement)
            assert by_id.search(plan), f"{name}:\n{plan}"
            assert not re.search(r"^SCAN \w*(signals|entries)$|Seq Scan", plan, re.MULTILINE), plan


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_a_part_is_bounded_on_both_sides(export: Export) -> None:
    text = " ".join(str(export.part_statement(5, 9)).split())
    assert f"WHERE {export.table.name}.id > :after AND {export.table.name}.id <= :until" in text
    assert text.endswith(f"ORDER BY {export.table.name}.id")
