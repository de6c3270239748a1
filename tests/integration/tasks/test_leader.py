"""One process leads, and another follows it."""

import asyncio
from contextlib import suppress

import pytest

from alphaforge.storage.engine import Database
from alphaforge.tasks import leader as leader_module
from alphaforge.tasks.leader import Leadership


class Candidate:
    """A process that wants to lead."""

    def __init__(self, database: Database, name: str) -> None:
        self.leadership = Leadership(database, name)
        self.leads, self.lost = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self.leadership.run(self._lead))

    async def _lead(self) -> None:
        self.leads.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.leads.clear()
            self.lost.set()

    async def end(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader_module, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(leader_module, "LEASE_SECONDS", 0.5)


async def test_the_only_process_of_a_file_leads_at_once(database: Database) -> None:
    if database.is_shared:
        pytest.skip("many may share it")
    one = Candidate(database, "a")
    await asyncio.wait_for(one.leads.wait(), 5)
    assert one.leadership.is_leading
    await one.end()


async def test_one_of_several_leads_and_another_follows_when_it_ends(database: Database) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has one process")
    both = [Candidate(database, "a"), Candidate(database, "b")]
    first = next(iter(await _leading(both)))
    other = both[1 - both.index(first)]
    assert not other.leads.is_set()
    await first.end()
    assert not first.leadership.is_leading
    await asyncio.wait_for(other.leads.wait(), 5)
    await other.end()


async def test_one_that_has_lost_its_lease_leads_no_more(database: Database) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has one process")
    one = Candidate(database, "a")
    await asyncio.wait_for(one.leads.wait(), 5)
    async with database.write("leases") as connection:  # as if it had been frozen, and another had taken over
        await connection.exec_driver_sql("UPDATE leases SET holder = 'b', until = until + 3600")
    await asyncio.wait_for(one.lost.wait(), 5)
    assert not one.leadership.is_leading
    async with database.write("leases") as connection:
        await connection.exec_driver_sql("UPDATE leases SET until = 0")  # the other has died
    await asyncio.wait_for(one.leads.wait(), 5)
    await one.end()


async def test_what_breaks_a_leader_is_not_hidden(database: Database) -> None:
    async def broken() -> None:
        raise ValueError("no schedule")

    with pytest.raises(ValueError, match="no schedule"):
        await Leadership(database, "a").run(broken)


async def _leading(candidates: list[Candidate]) -> list[Candidate]:
    waiting = {asyncio.create_task(one.leads.wait()): one for one in candidates}
    done, pending = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return [waiting[task] for task in done]
