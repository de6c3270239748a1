"""Who does what only one process may do: whoever said last that he does, for as long as he goes on saying so."""

from dataclasses import dataclass

from sqlalchemy import delete, or_

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.now import now
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import leases

_c = leases.c


@dataclass(frozen=True, slots=True)
class LeaseRepository:
    """Leases by name, within one transaction."""

    connection: AsyncConnection

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease for so long; False while somebody else has it."""
        until = now(self.connection) + seconds
        statement = insert(self.connection, leases).values(name=name, holder=holder, until=until)
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": holder, "until": until},
            where=or_(_c.holder == holder, _c.until < now(self.connection)),
        )
        return (await self.connection.execute(statement)).rowcount == 1

    async def give_back(self, name: str, holder: str) -> None:
        """Let the next one have it at once."""
        await self.connection.execute(delete(leases).where(_c.name == name, _c.holder == holder))
