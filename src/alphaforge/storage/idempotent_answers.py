"""What was answered to writes that carried an Idempotency-Key, kept in the very transactions of those writes."""

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.tables import idempotent_answers
from alphaforge.storage.upsert import insert

KEPT_SECONDS = 86_400
"""How long a key is remembered, by the machine's clock."""

_c = idempotent_answers.c
_NOT_YET = 0
"""The status of a write that is still under way; no other transaction ever sees it."""


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What was answered to a key's first request. `request` is the digest of what was asked."""

    request: str
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class AnswerRepository:
    """Answers by key, within one transaction. Times in epoch seconds."""

    connection: AsyncConnection

    async def get(self, key: str, since: float) -> FirstAnswer | None:
        """What was answered to this key since a moment."""
        statement = select(_c.request, _c.status, _c.body).where(_c.key == key, _c.created_at >= since)
        row = (await self.connection.execute(statement)).one_or_none()
        return None if row is None else FirstAnswer(row.request, row.status, bytes(row.body))

    async def claim(self, key: str, request: str, at: float, since: float) -> FirstAnswer | None:
        """Take the key for this transaction's write; where it is taken since a moment, what was answered then.

        Two that want a key at once: the second waits here until the first has committed or given up.
        """
        await self.connection.execute(delete(idempotent_answers).where(_c.key == key, _c.created_at < since))
        row = {"key": key, "request": request, "status": _NOT_YET, "body": b"", "created_at": at}
        statement = insert(self.connection, idempotent_answers).values(row).on_conflict_do_nothing()
        if (await self.connection.execute(statement)).rowcount == 1:
            return None
        return await self.get(key, since)

    async def answer(self, key: str, status: int, body: bytes) -> None:
        """Keep what this transaction's write is answered with."""
        values = {"status": status, "body": body}
        await self.connection.execute(update(idempotent_answers).where(_c.key == key).values(values))

    async def prune(self, before: float, *, at_most: int) -> int:
        """Forget answers older than a moment, the oldest first; answers how many they were."""
        old = select(_c.key).where(_c.created_at < before).order_by(_c.created_at).limit(at_most)
        keys = (await self.connection.execute(old)).scalars().all()
        if keys:
            await self.connection.execute(delete(idempotent_answers).where(_c.key.in_(keys)))
        return len(keys)
