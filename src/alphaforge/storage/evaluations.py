"""The identity of an evaluation: one candle of one source, looked at by one strategy, becomes one thing only."""

from alphaforge.signals.model import Decision
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.tables import evaluations
from alphaforge.storage.upsert import insert


async def is_first(connection: AsyncConnection, decision: Decision, source: str) -> bool:
    """Claim the identity within this transaction; False where a signal or a rejection of it is stored already.

    The source is part of it: a candle of the sandbox is another candle than the broker's, and so is a practice
    account's, whose prices differ from the live one's. Two workers at once: the second waits for the first's end.
    """
    row = {
        "source": source,
        "instrument": decision.instrument,
        "candle_time": decision.candle_time,
        "strategy": decision.strategy,
    }
    statement = insert(connection, evaluations).on_conflict_do_nothing()
    return (await connection.execute(statement, row)).rowcount == 1
