"""`alphaforge sandbox`."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphaforge.cli.output import AsJson, print_json, say
from alphaforge.cli.state import state
from alphaforge.core.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from alphaforge.market.sandbox.server import RunningSandbox


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
    latency: Annotated[float, typer.Option(min=0, max=600_000, help="Milliseconds before each answer.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Run an invented OANDA on this machine until it is interrupted, for trials of clients and of the desk.

    Its account has the usual pairs, metals and indices, and those of INSTRUMENTS.
    """
    from alphaforge.market.sandbox.run import SandboxOptions, run_sandbox  # noqa: PLC0415 - `--help` needs none of it

    settings = state.settings(sandbox_seed=seed)
    options = SandboxOptions(
        port=port,
        seed=settings.sandbox_seed,
        instruments=settings.instruments,
        replay=replay,
        start=parse_rfc3339(start) if start else None,
        speed=speed,
        latency=latency,
    )
    asyncio.run(run_sandbox(options, ready=partial(_announce, as_json=as_json)))


def _announce(running: "RunningSandbox", *, as_json: bool) -> None:
    now = rfc3339(running.market.clock.now())
    if as_json:
        print_json({"url": running.url, "time": now, "speed": running.market.clock.speed, "simulated": True})
        return
    say(f"A sandbox listens at {running.url}; its time is {now}. Any token will do:")
    say(f"  OANDA_API_KEY=sandbox OANDA_API_URL={running.url} alphaforge serve")
    say("Ctrl-C ends it.")
