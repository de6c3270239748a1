"""`alphaforge signals`: list, show, verify. All of it reads only and works beside a running server."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from alphaforge.cli.opening import reading
from alphaforge.cli.output import AsJson, note, print_json, print_table, say
from alphaforge.cli.state import state
from alphaforge.core.errors import NotFound
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.signals.model import Direction, Status

app = typer.Typer(help="Signals: list them, see what they were made from, compute them again.", no_args_is_help=True)

_TIMES = ("timestamp", "entry_time", "exit_time", "created_at", "updated_at", "candle_time", "expires_at")
SignalId = Annotated[int, typer.Argument(metavar="ID", help="The signal's number.")]


@app.command("list")
def list_signals(
    *,
    status: Annotated[list[Status] | None, typer.Option(help="Only of this status; may be given again.")] = None,
    instrument: Annotated[str | None, typer.Option(help="Only of this instrument, in any spelling.")] = None,
    direction: Annotated[Direction | None, typer.Option(help="Only this side.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Not before this time (RFC 3339).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Before this time (RFC 3339).")] = None,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=100, help="At least this confidence.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    skip: Annotated[int, typer.Option(min=0, help="How many of the newest to leave out.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List signals, newest first."""
    from alphaforge.core.instruments import instrument_name  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.storage.signal_values import SignalCriteria  # noqa: PLC0415 - the same

    criteria = SignalCriteria(
        statuses=tuple(status or ()),
        instrument=instrument_name(instrument) if instrument else None,
        direction=direction,
        start=parse_rfc3339(start) if start else None,
        end=parse_rfc3339(end) if end else None,
        min_confidence=min_confidence,
    )
    rows, total = asyncio.run(_page(criteria, skip, limit))
    if as_json:
        print_json({"signals": [readable(row) for row in rows], "total": total})
        return
    if not rows:
        say("No signals.")
        return
    names = ("id", "timestamp", "instrument", "direction", "entry", "stop_loss", "tp1", "status", "r_multiple")
    table = []
    for row in map(readable, rows):
        named = row | {"instrument": row["instrument"] or row["symbol"]}
        table.append([*(named[name] for name in names), "simulated" if row["simulated"] else ""])
    headings = ("id", "time", "instrument", "side", ">entry", ">stop", ">target", "status", ">R", "prices")
    print_table(f"Signals {skip + 1}-{skip + len(rows)} of {total}", headings, table)


async def _page(criteria: Any, skip: int, limit: int) -> tuple[list[dict[str, Any]], int]:  # noqa: ANN401 - see list
    from alphaforge.storage.signals import SignalRepository  # noqa: PLC0415 - `--help` needs none of it

    async with reading(state.settings()) as database, database.read() as connection:
        repository = SignalRepository(connection)
        return await repository.page(criteria, skip=skip, limit=limit), await repository.count(criteria)


@app.command()
def show(signal: SignalId, *, as_json: AsJson = False) -> None:
    """Show a signal with the votes, filters and data that it was made from."""
    row, decision = asyncio.run(_one(signal))
    if as_json:
        print_json(readable(row) | {"decision": decision})
        return
    facts = [(name, value) for name, value in readable(row).items() if value is not None and name != "reasoning"]
    print_table(f"Signal {signal}", ("what", "value"), facts)
    if row["reasoning"]:
        say(str(row["reasoning"]) + "\n")
    if decision is None:
        note("No votes are on record: this signal was not made by the strategy.")
        return
    print_table("Votes", ("timeframe", *_VOTERS, ">buy", ">sell"), [_votes(frame) for frame in decision["timeframes"]])
    filters = [(f["name"], f["passed"], f["measured"], f["threshold"], f["change"]) for f in decision["filters"]]
    print_table("Filters", ("filter", "passed", ">measured", ">threshold", "smallest change that passes"), filters)


_VOTERS = ("ema_ribbon", "rsi", "macd", "bollinger", "stochastic", "volume")


def _votes(frame: Mapping[str, Any]) -> list[object]:
    words = ["buy" if frame[name] > 0 else "sell" if frame[name] < 0 else "" for name in _VOTERS]
    return [frame["granularity"], *words, frame["buy"], frame["sell"]]


async def _one(signal: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    from alphaforge.storage.signals import SignalRepository  # noqa: PLC0415 - `--help` needs none of it

    async with reading(state.settings()) as database, database.read() as connection:
        repository = SignalRepository(connection)
        row = await repository.get(signal)
        if row is None:
            raise NotFound(f"There is no signal {signal}", advice="`alphaforge signals list` shows those there are.")
        return row, await repository.decision_of(signal)


@app.command()
def verify(signal: SignalId, *, as_json: AsJson = False) -> int:
    """Compute a signal again from the stored candles: exit code 0 where it says the same, 1 where it does not."""
    found = asyncio.run(_verified(signal))
    if as_json:
        print_json({"id": signal, "same": found.same, "differences": found.differences})
    elif found.same:
        say(f"Signal {signal} says the same when it is computed again from its candles.")
    else:
        say(f"Signal {signal} differs from what its candles give now:")
        for difference in found.differences:
            say(f"  {difference}")
    return 0 if found.same else 1


async def _verified(signal: int) -> Any:  # noqa: ANN401 - the workflow's Verification, imported when used
    from alphaforge.workflows.verify_signal import verify_signal  # noqa: PLC0415 - `--help` needs none of it

    async with reading(state.settings()) as database:
        return await verify_signal(database, signal)


def readable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored signal with its times as RFC 3339."""
    return {name: rfc3339(value) if name in _TIMES and value is not None else value for name, value in row.items()}
