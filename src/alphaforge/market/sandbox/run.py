"""The sandbox as a command: which market, and serving it until it is told to stop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphaforge.core.errors import InvalidSetting
from alphaforge.market.sandbox.candle_files import candle_files, instrument_of
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.listings import USUAL_INSTRUMENTS, listings_of
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.protocol import SandboxMarket
from alphaforge.market.sandbox.replay import ReplayMarket
from alphaforge.market.sandbox.server import RunningSandbox, serve_sandbox


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """What can be said on the command line.

    `replay`: a folder of candle files; without one, prices are simulated from `seed`. `start`: where the clock
    begins in epoch seconds (`--from`), now where it is None; a replay needs it. `speed`: market seconds a second.
    `latency`: milliseconds before each answer. `instruments`: of the simulated market, or fewer than the files have.
    `token`, `account`: the only ones accepted, any where None.
    """

    host: str = "127.0.0.1"
    port: int = 5100
    seed: int = 1
    instruments: tuple[str, ...] = ()
    replay: Path | None = None
    start: float | None = None
    speed: float = 1.0
    latency: float = 0.0
    token: str | None = None
    account: str | None = None


def market_of(options: SandboxOptions) -> SandboxMarket:
    """The market that the options describe; raises InvalidInput for what cannot be."""
    if options.replay is None:
        clock = SandboxClock(speed=options.speed)
        if options.start is not None:
            clock = SandboxClock(options.start, options.speed)
        return SimulatedMarket(options.seed, options.instruments or USUAL_INSTRUMENTS, clock)
    if options.start is None:
        raise InvalidSetting("A replay needs a moment to start from", advice="Give --from 2025-06-02T06:00:00Z.")
    files = candle_files(options.replay)
    if options.instruments:
        wanted = listings_of(options.instruments)
        files = [path for path in files if instrument_of(path) in wanted]
        if missing := set(wanted) - {instrument_of(path) for path in files}:
            raise InvalidSetting(f"There are no candle files of {', '.join(sorted(missing))} in {options.replay}")
    return ReplayMarket(files, options.start, options.speed)


async def run_sandbox(options: SandboxOptions, *, ready: Callable[[RunningSandbox], None] | None = None) -> None:
    """Serve until cancelled. `ready` is told once it listens, e.g. to print the address."""
    sandbox = await serve_sandbox(
        market_of(options),
        host=options.host,
        port=options.port,
        token=options.token,
        account=options.account,
        latency=options.latency,
    )
    try:
        if ready is not None:
            ready(sandbox)
        await asyncio.Event().wait()
    finally:
        await sandbox.aclose()
