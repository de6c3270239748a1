"""How many statements an answer takes: as many for many rows as for few."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from alphaforge.api.services import ApiOptions
from alphaforge.signals.model import FilterName, Status
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.sqlite_driver import ThreadConnection
from api_bench import NOW, SQLITE, Bench, decided

pytestmark = SQLITE

MOST = {"/api/analysis/history": 2, "/api/signals": 2, "/signals": 2, "/api/journal": 2, "/api/journal/entries": 2}
MOST |= {"/api/journal/statistics": 2, "/api/journal/equity": 2, "/api/journal/calendar": 2}
MOST |= {"/api/journal/breakdown": 3}  # what changed, the days that did, and the trades themselves
MOST |= {"/api/signals/statistics": 2, "/api/rejections": 2, "/api/rejections/latest": 2}
"""Statements that read, by path; others take one at most."""
EXPLAINED = {"/api/instruments/{instrument}/explain": 3, "/api/signals/{signal_id}/explain": 2}
EXPLAINED |= {"/api/signals/{signal_id}/verify": 3}  # the signal, its decision, its candles
EXPLAINED |= {"/api/signals/track-record": 3}  # the settled, the others, and who followed them
EXPLAINED |= {"/api/metrics": 2}  # the jobs that wait, and the last minutes
ASKED = {"/api/signals/statistics": {"days": 7}, "/api/journal/breakdown": {"by": "tag"}}
ASKED |= {"/api/candles/{instrument}": {"granularity": "H1", "indicators": "ema_slow,adx"}}
OF_THE_MARKET = {"/api/signals/enhanced/statistics"}


@pytest.fixture
def options() -> ApiOptions:
    return ApiOptions(enable_cache=False)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What every connection is asked from here on, as SQLite itself says."""
    asked: list[str] = []
    within = ThreadConnection._within

    def watched(self: ThreadConnection, work: Any) -> Any:
        connection: sqlite3.Connection = self._living()
        connection.set_trace_callback(asked.append)
        try:
            return within(self, work)
        finally:
            connection.set_trace_callback(None)

    monkeypatch.setattr(ThreadConnection, "_within", watched)
    return iter([asked])


async def furnish(bench: Bench, many: int) -> None:
    newest = int(NOW) // 300 * 300 - 300
    async with bench.services.database.write() as connection:
        for at in range(many):
            await JournalRepository(connection).create(NewEntry(NOW - at, "GBPUSD", "BUY", 1.0, 1.31, close_time=NOW))
    for at in range(many):
        moment = {"candle_time": newest - 300 * at, "as_of": NOW - 300 * at}
        await bench.store(decided(**moment))
        await bench.store(decided(instrument="XAU_USD", reason=FilterName.COOLDOWN, **moment))
        await bench.signal(status=list(Status)[at % 7])


async def counted(bench: Bench, asked: list[str]) -> dict[str, int]:
    """By path, the statements of every GET that the document has."""
    found = {}
    for path, methods in bench.app.openapi()["paths"].items():
        if "get" not in methods or path in OF_THE_MARKET:
            continue
        address = path
        for name, value in {"instrument": "XAU_USD", "symbol": "GBP_USD", "signal_id": "1", "entry_id": "1"}.items():
            address = address.replace(f"{{{name}}}", value)
        asked.clear()
        await bench.client.get(address, params=ASKED.get(path))
        found[path] = sum(line.lstrip().upper().startswith(("SELECT", "WITH")) for line in asked)
    return found


async def test_no_answer_asks_more_for_more_rows(bench: Bench, statements: Iterator[list[str]]) -> None:
    asked = next(statements)
    await furnish(bench, 2)
    few = await counted(bench, asked)
    await furnish(bench, 12)
    many = await counted(bench, asked)
    assert many == few
    assert len(many) > 25
    wrong = {path: count for path, count in many.items() if count > (MOST | EXPLAINED).get(path, 1)}
    exports = {path for path in wrong if path.endswith("/export")}
    assert not wrong.keys() - exports
    assert many["/api/signals"] == 2, "what counts nothing counts no statement"
