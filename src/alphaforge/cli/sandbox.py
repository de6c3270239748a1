"""`alphaforge sandbox`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphaforge.cli.output import AsJson, print_json, say
from alphaforge.cli.state import state
from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from alphaforge.market.sandbox.protocol import SandboxMarket
    from alphaforge.market.sandbox.server import RunningSandbox
    from alphaforge.settings import Settings


def sandbox(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for any free one.")] = 5100,
    seed: Annotated[int | None, typer.Option(min=0, help="Which invented market; SANDBOX_SEED by default.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Market time to begin at (RFC 3339); now, if none.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.001, help="Market seconds that pass in a second.")] = 1.0,
    replay: Annotated[
        Path | None, typer.Option(help="A folder of candle files (GBP_USD_M5.csv, ...) to play instead; needs --from.")
    ] = None,
    latency: Annotated[float, typer.Option(min=0, help="Milliseconds before each answer.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Run an invented OANDA on this machine until it is interrupted, for trials of clients and of the desk."""
    settings = state.settings(sandbox_seed=seed)
    moment = parse_rfc3339(start) if start else None
    market = _invented(settings, moment, speed) if replay is None else _replayed(replay, moment, speed)
    asyncio.run(_serve(market, port, latency, as_json=as_json))


def _invented(settings: "Settings", start: float | None, speed: float) -> "SandboxMarket":
    from alphaforge.market.sandbox.clock import SandboxClock  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.market.sandbox.market import SimulatedMarket  # noqa: PLC0415 - the same

    clock = SandboxClock(speed=speed) if start is None else SandboxClock(start, speed)
    return SimulatedMarket(settings.sandbox_seed, settings.instruments, clock)


def _replayed(folder: Path, start: float | None, speed: float) -> "SandboxMarket":
    from alphaforge.market.sandbox.candle_files import candle_files  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.market.sandbox.replay import ReplayMarket  # noqa: PLC0415 - the same

    if start is None:
        raise InvalidInput("A replay begins at a moment of its files", advice="Say which: --from 2025-07-07T06:00:00Z")
    return ReplayMarket(candle_files(folder), start, speed)


async def _serve(market: "SandboxMarket", port: int, latency: float, *, as_json: bool) -> None:
    from alphaforge.market.sandbox.server import serve_sandbox  # noqa: PLC0415 - `--help` needs none of it

    try:
        running = await serve_sandbox(market, port=port, latency=latency)
    except OSError as error:
        raise InvalidInput(
            f"Port {port} cannot be listened on: {error.strerror}", advice="Choose another with --port, or 0 for any."
        ) from None
    try:
        _announce(running, as_json=as_json)
        await asyncio.Event().wait()
    finally:
        await running.aclose()


def _announce(running: "RunningSandbox", *, as_json: bool) -> None:
    now = rfc3339(running.market.clock.now())
    if as_json:
        print_json({"url": running.url, "time": now, "speed": running.market.clock.speed, "simulated": True})
        return
    say(f"A sandbox listens at {running.url}; its time is {now}. Any token will do:")
    say(f"  OANDA_API_KEY=sandbox OANDA_API_URL={running.url} alphaforge serve")
    say("Ctrl-C ends it.")
