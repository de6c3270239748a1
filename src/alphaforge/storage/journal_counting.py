"""The journal's totals after many entries: counted once, where the triggers would count each of them.

PostgreSQL keeps every version of a row that a transaction makes, and looks through them all for the newest: ten
thousand additions to one row take ten seconds. So the row of totals is called by another id while many entries are
written, the triggers find nothing to add to, and what they would have added is added at the end. Whoever else wants
to add meanwhile waits for the end of this transaction, and finds the row under its own id again.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

from sqlalchemy import text

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.totals import COUNTS, SUMS, sums_statement

_TOTALS = (*COUNTS, *SUMS)
_AWAY = text("UPDATE journal_totals SET id = 2 WHERE id = 1")
_ADDED = ", ".join(f"{name} = {name} + CAST(:{name} AS numeric)" for name in _TOTALS)
_BACK = text(f"UPDATE journal_totals SET id = 1, {_ADDED} WHERE id = 2")  # noqa: S608 - names of ours only
_SUMS = text(sums_statement())


@asynccontextmanager
async def counted_once(connection: AsyncConnection, ids: Sequence[int]) -> AsyncIterator[None]:
    """Count the entries of these ids at the end of the block; ids may come to the list within it."""
    if connection.dialect.name != "postgresql":  # SQLite changes the row in its place
        yield
        return
    before = await _sums(connection, ids)
    await connection.execute(_AWAY)
    yield
    after = await _sums(connection, ids)
    await connection.execute(_BACK, {name: new - old for name, new, old in zip(_TOTALS, after, before, strict=True)})


async def _sums(connection: AsyncConnection, ids: Sequence[int]) -> list[Decimal]:
    row = (await connection.execute(_SUMS, {"ids": list(ids)})).one()
    return [Decimal(getattr(row, name)) for name in _TOTALS]
