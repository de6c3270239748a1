"""Connections that are open before they are needed: a new one costs half a second of the broker's patience each."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import structlog

from alphaforge.core.clock import Clock
from alphaforge.core.errors import MarketError
from alphaforge.core.granularity import Granularity
from alphaforge.market.oanda.calls import Caller
from alphaforge.market.oanda.connections import Connections

log = structlog.get_logger(__name__)

AHEAD = 40.0
"""Seconds before a close in which connections are opened: thirty take seventeen."""

LOOK = 5.0
"""Seconds between two looks at the connections."""

IDLE = 2.0 * Granularity.M5.seconds + 60.0
"""Seconds without a question for candles after which none are kept ready: over a weekend nobody needs them."""


@dataclass(slots=True)
class Readiness:
    """Keeps `wanted` connections of `pool` open. `used`: the monotonic moment at which candles were asked for last.

    Without a pool, where something else takes the network's place, it does nothing.
    """

    caller: Caller
    pool: Connections | None
    clock: Clock
    wanted: int = 0
    used: float = float("-inf")
    now: Callable[[], float] = monotonic
    _keeping: asyncio.Task[None] | None = field(default=None)

    async def fill(self) -> None:
        """Open what is missing, one after the other. Raises MarketError."""
        if self.pool is None:
            return
        await self.pool.drop_closed()
        for _ in range(self.wanted - len(self.pool.connections)):
            if len(self.pool.connections) < self.wanted:  # others open some, too
                await self.caller.open("/v3/accounts")

    def begin(self) -> None:
        """From now on see to it before every close."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="connections")

    def is_due(self) -> bool:
        """Whether connections are soon needed."""
        step = Granularity.M5.seconds
        ahead = (step - self.clock.now() % step) / self.clock.speed
        return ahead <= AHEAD and self.now() - self.used <= IDLE

    async def aclose(self) -> None:
        """Leave it."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            if self.is_due():
                try:
                    await self.fill()
                except MarketError as error:  # a comfort, not a need: the scan opens what it lacks
                    log.info("connections_not_prepared", reason=error.message)
