"""The sandbox as a command: which market, and serving it until it is told to stop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphaforge.core.errors import InvalidSetting
from alphaforge.core.times import rfc3339
from alphaforge.market.sandbox.candle_files import candle_files
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.listings import LISTED_INSTRUMENTS
from alphaforge.market.sandbox.market import HISTORY_BEGINS, SimulatedMarket
from alphaforge.market.sandbox.protocol import SandboxMarket
from alphaforge.market.sandbox.replay import ReplayMarket
from alphaforge.market.sandbox.server import RunningSandbox, serve_sandbox


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """What can be said on the command line.

    `replay`: a folder of candle files, all of which are played; without one, prices are simulated from `seed`, of every
    listed instrument and of `instruments` beside them. `start`: where the clock begins in epoch seconds (`--from`), now
    where it is None; a replay needs it. `speed`: market seconds a second. `latency`: milliseconds before each answer.
    """

    port: int = 5100
    seed: int = 1
    instruments: tuple[str, ...] = ()
    replay: Path | None = None
    start: float | None = None
    speed: float = 1.0
    latency: float = 0.0


def market_of(options: SandboxOptions) -> SandboxMarket:
    """The market that the options describe; raises InvalidInput for what cannot be."""
    if options.replay is None:
        if options.start is not None and options.start < HISTORY_BEGINS:
            raise InvalidSetting(
                f"The simulated market has no prices at {rfc3339(options.start)}",
                advice=f"It begins at {rfc3339(HISTORY_BEGINS)}.",
            )
        clock = SandboxClock(speed=options.speed)
        if options.start is not None:
            clock = SandboxClock(options.start, options.speed)
        return SimulatedMarket(options.seed, (*options.instruments, *LISTED_INSTRUMENTS), clock)
    if options.start is None:
        raise InvalidSetting(
            "A replay needs a moment of its files to start from", advice="Say which: --from 2025-07-07T06:00:00Z."
        )
    return ReplayMarket(candle_files(options.replay), options.start, options.speed)


async def run_sandbox(options: SandboxOptions, *, ready: Callable[[RunningSandbox], None]) -> None:
    """Serve until cancelled; `ready` is told once it listens. Raises InvalidSetting where the port cannot be had."""
    market = market_of(options)
    try:
        sandbox = await serve_sandbox(market, port=options.port, latency=options.latency)
    except OSError as error:
        raise InvalidSetting(
            f"Port {options.port} cannot be listened on: {error.strerror}",
            advice="Choose another with --port, or 0 for any.",
        ) from None
    try:
        ready(sandbox)
        await asyncio.Event().wait()
    finally:
        await sandbox.aclose()
