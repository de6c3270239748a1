"""`alphaforge candles download`."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaforge.cli.opening import STOP_FIRST, writing
from alphaforge.cli.output import AsJson, note, print_json, print_table, progress
from alphaforge.cli.state import state
from alphaforge.core.errors import InvalidInput
from alphaforge.core.instruments import instrument_name
from alphaforge.core.times import parse_rfc3339

if TYPE_CHECKING:
    from alphaforge.market.source import CandleSource
    from alphaforge.settings import Settings
    from alphaforge.storage.engine import Database
    from alphaforge.workflows.download_candles import Span

_DAY = 86_400


def download(
    instruments: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTRUMENT]...", help="INSTRUMENTS, if none is given.")
    ] = None,
    *,
    days: Annotated[int, typer.Option(min=1, help="How many days back, where --from is not given.")] = 90,
    start: Annotated[str | None, typer.Option("--from", help="Not before this time (RFC 3339).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Before this time (RFC 3339); now, if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch M5 candles of the configured market into the database, from far back if need be."""
    settings = state.settings()
    names = [instrument_name(one) for one in instruments or ()] or list(settings.instruments)
    bounds = (parse_rfc3339(start) if start else None, parse_rfc3339(end) if end else None)
    rows = asyncio.run(_download(settings, names, bounds, days))
    if as_json:
        print_json(rows)
        return
    headings = ("instrument", "source", ">candles", ">new or changed")
    print_table("Downloaded", headings, [tuple(row.values())[:4] for row in rows])
    if any(row["simulated"] for row in rows):
        note("These candles come from a sandbox: they are invented.")


Bounds = tuple[float | None, float | None]


async def _download(settings: "Settings", names: list[str], bounds: Bounds, days: int) -> list[dict[str, Any]]:
    from alphaforge.bootstrap import open_source  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.workflows.download_candles import spans_of  # noqa: PLC0415 - the same

    async with writing(settings, STOP_FIRST) as database, open_source(settings, names) as source:
        await source.connect()
        until = bounds[1] or source.clock.now()
        spans = spans_of(bounds[0] or until - days * _DAY, until)
        if not spans:
            raise InvalidInput("There is no time between --from and --to", advice="--from comes before --to.")
        with progress() as bar:
            tasks = {name: bar.add_task(name, total=len(spans)) for name in names}
            work = (_one(database, source, name, spans, lambda n=name: bar.advance(tasks[n])) for name in names)
            return list(await asyncio.gather(*work))


async def _one(
    database: "Database",
    source: "CandleSource",
    name: str,
    spans: "list[Span]",
    done: Any,  # noqa: ANN401 - a callback of the progress bar
) -> dict[str, Any]:
    from alphaforge.workflows.download_candles import download_candles  # noqa: PLC0415 - `--help` needs none of it

    async def note(_: object, __: object) -> None:
        done()

    found = await download_candles(database, source, name, spans, note)
    facts = {"source": source.name, "candles": found.candles, "new_or_changed": found.changed}
    return {"instrument": name, **facts, "simulated": source.simulated}
