"""`alphaforge candles`: download, import, export, check."""

import asyncio
import sys
import time
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaforge.cli.candle_download import download
from alphaforge.cli.opening import STOP_FIRST, reading, writing
from alphaforge.cli.output import AsJson, note, print_json, print_table, progress, say
from alphaforge.cli.state import state
from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS, Instrument, instrument_name
from alphaforge.core.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from alphaforge.core.market_hours import MarketHours

app = typer.Typer(help="Stored candles: fetch, take in, hand out, look for holes.", no_args_is_help=True)

_WEEK = int(timedelta(days=7).total_seconds())
_LONGEST_GAPS = 10
_LONGEST_SOURCE = 40
Name = Annotated[str, typer.Argument(metavar="INSTRUMENT", help="GBP_USD, GBP/USD, gold, ...")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[INSTRUMENT]...", help="All of them, if none is given.")]
Source = Annotated[str | None, typer.Option(help="Whose candles: oanda-practice, oanda-live, sandbox, import, ...")]
Start = Annotated[str | None, typer.Option("--from", help="Not before this time (RFC 3339).")]
End = Annotated[str | None, typer.Option("--to", help="Before this time (RFC 3339).")]


app.command()(download)


@app.command("import")
def import_candles(
    file: Annotated[Path, typer.Argument(help="CSV, or Parquet by its suffix .parquet.")],
    instrument: Name,
    *,
    source: Annotated[str, typer.Option(help="Under whose name they are kept; the desk reads its own market's.")] = (
        "import"
    ),
    spread: Annotated[float | None, typer.Option(min=0, help="Pips between bid and ask, for files of mids.")] = None,
    utc: Annotated[bool, typer.Option("--utc", help="Times without a zone are UTC.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave impossible candles out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take M5 candles from a file into the database; what is there of the same time is replaced."""
    from alphaforge.market.candle_files import read_candles  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.market.quality import assess, sound, to_series  # noqa: PLC0415 - the same

    name, source = instrument_name(instrument), _source_name(source)
    pip = (FALLBACK_INSTRUMENTS.get(name) or Instrument(name)).pip
    raw = read_candles(file, naive_is_utc=utc).raw(None if spread is None else spread * pip)
    now = time.time()
    found = assess(raw, _hours(name), now=now)
    if found.bad and not skip_bad:
        first = found.bad[0]
        raise InvalidInput(
            f"{len(found.bad)} of {found.candles} candles are impossible; the one of {rfc3339(first.time)} {first.why}",
            advice="Mend the file, or leave them out with --skip-bad. Nothing was stored.",
        )
    series = to_series(sound(raw, now=now), name)
    stored = asyncio.run(_keep(series, source))
    answer = {"instrument": name, "source": source, "read": found.candles, "new_or_changed": stored}
    answer |= {"left_out": len(found.bad), "duplicates": found.duplicates, "missing_in_open_hours": found.missing}
    if as_json:
        print_json(answer)
    else:
        print_table(f"{file.name} -> {name}", ("what", "value"), answer.items())


def _source_name(given: str) -> str:
    """Under whose name candles are kept."""
    name = given.strip()
    if not (0 < len(name) <= _LONGEST_SOURCE and name.isprintable()):
        raise InvalidInput(f"{given[:60]!r} is no name of a source", advice="Accepted: 1 to 40 printable characters.")
    return name


async def _keep(series: Any, source: str) -> int:  # noqa: ANN401 - a CandleSeries, imported when used
    from alphaforge.storage.candles import CandleRepository  # noqa: PLC0415 - `--help` needs none of it

    async with writing(state.settings(), STOP_FIRST) as database:
        stored = 0
        with progress() as bar:
            task = bar.add_task("storing", total=len(series))
            for at in range(0, len(series), 20_000):
                async with database.write("candles") as connection:
                    stored += len(await CandleRepository(connection, source).keep(series.rows(at, at + 20_000)))
                bar.advance(task, min(20_000, len(series) - at))
        return stored


@app.command("export")
def export_candles(
    instrument: Name,
    file: Annotated[Path | None, typer.Argument(help="CSV, or Parquet by its suffix; standard output if none.")] = None,
    *,
    source: Source = None,
    start: Start = None,
    end: End = None,
    as_json: AsJson = False,
) -> None:
    """Write stored M5 candles with bid, ask and mid; they read back to the last bit. Works beside a server."""
    if as_json and file is None:
        raise InvalidInput("--json and candles cannot both go to standard output", advice="Name a file.")
    count, source = asyncio.run(_export(instrument_name(instrument), file, source, _bounds(start, end)))
    if as_json:
        print_json({"instrument": instrument_name(instrument), "source": source, "candles": count, "file": str(file)})
    elif file is not None:
        say(f"{count} candles of {source} are in {file}.")


async def _export(name: str, file: Path | None, source: str | None, bounds: tuple[float, float]) -> tuple[int, str]:
    from alphaforge.market.candle_files import CsvCandles, ParquetCandles  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.storage.candles import CandleRepository  # noqa: PLC0415 - the same

    async with reading(state.settings()) as database, database.read() as connection:
        source = source or await _only_source(connection, name)
        repository = CandleRepository(connection, source)
        span = await repository.span(name)
        if span is None:
            raise NotFound(f"{source} has no candles of {name}", advice=_LOOK)
        first, last = max(bounds[0], span[0]), min(bounds[1], span[1] + 1)
        if file is not None and file.suffix.lower() in {".parquet", ".pq"}:
            target: Any = ParquetCandles(file)
        else:
            target = nullcontext() if file is None else file.open("w", newline="", encoding="utf-8")
        with target as opened:
            writer = opened if isinstance(opened, ParquetCandles) else CsvCandles(opened or sys.stdout)
            count = 0
            for at in _steps(first, last):
                series = await repository.between(name, at, min(at + 26 * _WEEK, last))
                writer.write(series)
                count += len(series)
        return count, source


def _steps(first: float, last: float) -> list[float]:
    """Half-years, so that an export of any length takes the same memory."""
    return [first + step * 26 * _WEEK for step in range(max(0, int((last - first) // (26 * _WEEK)) + 1))]


def _bounds(start: str | None, end: str | None) -> tuple[float, float]:
    first, last = (parse_rfc3339(start) if start else 0.0, parse_rfc3339(end) if end else 1e11)
    if last <= first:
        raise InvalidInput("There is no time between --from and --to", advice="--from comes before --to.")
    return first, last


_LOOK = "`alphaforge candles check` shows which there are."


async def _only_source(connection: Any, name: str) -> str:  # noqa: ANN401 - SQLAlchemy stays in storage
    from alphaforge.storage.candles import sources_of  # noqa: PLC0415 - `--help` needs none of it

    sources = await sources_of(connection, name)
    if not sources:
        raise NotFound(f"There are no candles of {name}", advice=_LOOK)
    if len(sources) > 1:
        raise InvalidInput(f"{name} has candles of {', '.join(sources)}", advice="Say which with --source.")
    return sources[0]


@app.command("check")
def check_candles(instruments: Names = None, *, source: Source = None, as_json: AsJson = False) -> int:
    """Look for holes in open hours and impossible candles; exit code 1 where a candle cannot be used."""
    wanted = [instrument_name(one) for one in instruments or ()]
    found = asyncio.run(_check(wanted, source))
    if as_json:
        print_json([entry | {"quality": _as_json(quality)} for entry, quality in found])
    elif not found:
        say("There are no candles.")
    else:
        _print_check(found)
    return 0 if all(quality.is_sound for _, quality in found) else 1


async def _check(wanted: list[str], source: str | None) -> list[tuple[dict[str, str], Any]]:
    from alphaforge.market.quality import RawCandles, assess  # noqa: PLC0415 - the same
    from alphaforge.storage.candles import CandleRepository, sources_of  # noqa: PLC0415 - the same

    found = []
    async with reading(state.settings()) as database, database.read() as connection:
        for one in [source] if source else await sources_of(connection):
            repository = CandleRepository(connection, one)
            for name in await repository.instruments():
                if name in wanted or not wanted:
                    series = await repository.between(name, 0, 1e11)
                    quality = assess(RawCandles.of(series), _hours(name))
                    found.append(({"source": one, "instrument": name}, quality))
    return found


def _hours(name: str) -> "MarketHours":
    from alphaforge.setting_values import hours_as_set  # noqa: PLC0415 - `--help` needs none of it

    settings = state.settings()
    return hours_as_set(settings.market_hours, name)


def _print_check(found: list[tuple[dict[str, str], Any]]) -> None:
    rows = [
        (*entry.values(), q.candles, rfc3339(q.first), rfc3339(q.last), q.missing, f"{q.missing / q.expected:.2%}")
        for entry, q in found
    ]
    headings = ("source", "instrument", ">candles", "first", "last", ">missing in open hours", ">share")
    print_table("Candles (M5)", headings, rows)
    for entry, quality in found:
        longest = sorted(quality.gaps, key=lambda gap: -gap.missing)[:_LONGEST_GAPS]
        if longest:
            title = f"{entry['instrument']} of {entry['source']}: the longest of {len(quality.gaps)} holes"
            spans = [(rfc3339(gap.start), rfc3339(gap.last), gap.missing) for gap in longest]
            print_table(title, ("first missing", "last missing", ">candles"), spans)
    note("No price, no candle: short holes in quiet hours and on holidays are the market's, not the feed's.")


def _as_json(quality: Any) -> dict[str, Any]:  # noqa: ANN401 - a Quality, imported when used
    moments = [rfc3339(moment) if moment is not None else None for moment in (quality.first, quality.last)]
    return {
        "candles": quality.candles,
        "first": moments[0],
        "last": moments[1],
        "expected": quality.expected,
        "missing": quality.missing,
        "outside_hours": quality.outside_hours,
        "duplicates": quality.duplicates,
        "impossible": [{"time": rfc3339(bad.time), "why": bad.why} for bad in quality.bad],
        "gaps": [{"first": rfc3339(g.start), "last": rfc3339(g.last), "missing": g.missing} for g in quality.gaps],
    }
