"""Of all processes of a desk one leads: it keeps the schedule and holds the market's price stream.

It leads for as long as it renews its lease, by the database's clock. A leader that dies, freezes or loses the database
is followed by another within `LEASE_SECONDS` and a look; one that ends in order, at once. Two that lead for a moment
do no harm: what the schedule asks for is done once. On SQLite the one process leads.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from alphaforge.core.errors import StorageError
from alphaforge.storage.engine import Database
from alphaforge.storage.leases import LeaseRepository

log = structlog.get_logger(__name__)

LEASE_SECONDS = 8.0
RENEW_SECONDS = 2.0
_NAME = "leader"
_ENDING_SECONDS = 3.0


class Leadership:
    """Leads while it can. `is_leading` tells whether this process does."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self.holder = holder
        self.is_leading = False

    async def run(self, lead: Callable[[], Awaitable[object]]) -> None:
        """Run `lead` whenever this process leads, and cancel it when it does so no more; until cancelled."""
        if not self._database.is_shared:
            self.is_leading = True
            await lead()
            return
        while True:
            if await self._takes():
                log.info("leading", holder=self.holder)
                await self._lead(lead)
                log.warning("leads_no_more", holder=self.holder)
            await asyncio.sleep(RENEW_SECONDS)

    async def _lead(self, lead: Callable[[], Awaitable[object]]) -> None:
        self.is_leading = True
        leading = asyncio.ensure_future(lead())
        renewing = asyncio.create_task(self._renew())
        try:
            await asyncio.wait({leading, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.is_leading = False
            for task in (leading, renewing):
                task.cancel()
            await asyncio.wait({leading, renewing})
            await self._give_back()
        if not leading.cancelled():
            leading.result()  # it is not meant to end; how it did is for whoever supervises

    async def _renew(self) -> None:
        """Renew the lease until somebody else has it, or may have it by now."""
        renewed = time.monotonic()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            asked = time.monotonic()
            with suppress(StorageError, TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    if not await self._take():
                        return
                renewed = asked
            if time.monotonic() - renewed > LEASE_SECONDS - RENEW_SECONDS:
                return

    async def _takes(self) -> bool:
        try:
            return await self._take()
        except StorageError as error:
            log.warning("leader_unknown", error=error.message)
            return False

    async def _take(self) -> bool:
        async with self._database.write("leases") as connection:
            return await LeaseRepository(connection).take(_NAME, self.holder, LEASE_SECONDS)

    async def _give_back(self) -> None:
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(_ENDING_SECONDS), self._database.write("leases") as connection:
                await LeaseRepository(connection).give_back(_NAME, self.holder)
