"""`alphaforge backtest`: the rules that run live over stored candles, on this machine's cores."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaforge.backtests.choices import Entry, Figure, Positions
from alphaforge.cli import backtest_options as options
from alphaforge.cli.backtest_options import Scope, bounds_of, names_of, scope, scratch
from alphaforge.cli.output import AsJson, note, print_json, progress
from alphaforge.core.errors import InvalidInput

if TYPE_CHECKING:
    from alphaforge.workflows.backtest_request import Request

app = typer.Typer(
    help="The rules that run live, over stored candles: trades, figures with intervals, controls.",
    invoke_without_command=True,
)

_INTERRUPTED = 130


@app.callback()
def backtest(
    context: typer.Context,
    *,
    instruments: options.Instruments = None,
    start: options.Start = None,
    end: options.End = None,
    sets: options.Set = None,
    source: options.Source = None,
    grid: options.Grid = None,
    walk_forward: options.WalkForward = None,
    by: options.ByOption = Figure.EXPECTANCY_R,
    minimum_trades: options.MinimumTrades = 30,
    tried: options.Tried = 1,
    entry: options.EntryOption = Entry.SIGNAL,
    positions: options.PositionsOption = Positions.MANY,
    balance: options.Balance = 10_000.0,
    risk: options.Risk = None,
    financing: options.Financing = None,
    controls: options.Controls = True,
    cores: options.Cores = options.ALL_CORES,
    limit: options.Limit = 2_000,
    out: options.Out = None,
    as_json: AsJson = False,
) -> int:
    """Run a backtest, a grid or a walk-forward, and say what its evidence supports. Ctrl-C keeps what is finished."""
    if context.invoked_subcommand is not None:
        return 0
    made = {"entry": str(entry), "positions": str(positions), "balance": balance, "risk": risk}
    plain: dict[str, Any] = {
        "settings": _settings(sets),
        "sweep": _sweep(grid),
        "folds": _folds(walk_forward),
        "by": str(by),
    }
    plain |= {"minimum_trades": minimum_trades, "tried": tried, "options": made | {"financing": _rates(financing)}}
    asked = names_of(instruments), bounds_of(start, end), source
    report, is_whole = asyncio.run(_run(asked, plain, controls=controls, cores=cores, limit=limit))
    if report is None:
        return _INTERRUPTED
    if out is not None:
        from alphaforge.workflows.backtest_files import write_report  # noqa: PLC0415 - `--help` needs none of it

        note(f"Written: {', '.join(str(path) for path in write_report(report, out))}")
    if as_json:
        print_json(report)
    else:
        from alphaforge.cli.backtest_view import print_report  # noqa: PLC0415 - only where something is drawn

        print_report(report)
    return 0 if is_whole else _INTERRUPTED


@app.command()
def compare(
    reports: Annotated[
        list[Path], typer.Argument(metavar="A B", help="A report.json, or the folder that --out made; two or more.")
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="A folder for report.json and report.html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold backtests against each other: what was asked differently, and whether the difference is more than luck."""
    from alphaforge.backtests.compare import compared  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.workflows.backtest_files import read_report, write_report  # noqa: PLC0415 - the same

    found = compared([read_report(path) for path in reports], [_label(path, reports) for path in reports])
    if out is not None:
        note(f"Written: {', '.join(str(path) for path in write_report(found, out))}")
    if as_json:
        print_json(found)
    else:
        from alphaforge.cli.backtest_view import print_comparison  # noqa: PLC0415 - only where something is drawn

        print_comparison(found)


def _label(path: Path, reports: list[Path]) -> str:
    """The shortest name that tells a report from the others."""
    short = [one.parent.name or str(one) if one.name == "report.json" else one.stem for one in reports]
    name = short[reports.index(path)]
    return name if short.count(name) == 1 else str(path)


def _settings(sets: list[str] | None) -> dict[str, Any]:
    from alphaforge.backtests.setting_texts import plain_settings, with_settings  # noqa: PLC0415 - `--help` needs none of it

    return plain_settings(with_settings(sets or ()))


def _sweep(grid: list[str] | None) -> dict[str, Any]:
    from alphaforge.backtests.grid import parse_sweep  # noqa: PLC0415 - `--help` needs none of it

    return parse_sweep(grid or ()).to_dict()


def _folds(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    train, slash, test = text.partition("/")
    if not slash:
        raise InvalidInput(f"{text[:40]!r} is no walk-forward", advice="Write TRAIN/TEST in days or weeks: 180d/30d.")
    return {"train": train, "test": test}


def _rates(financing: list[str] | None) -> dict[str, list[float]]:
    """By instrument the two rates."""
    from alphaforge.core.instruments import instrument_name  # noqa: PLC0415 - `--help` needs none of it

    found = {}
    for text in financing or ():
        name, _, rates = text.partition("=")
        try:
            long, short = (float(part) for part in rates.split(","))
        except ValueError:
            raise InvalidInput(
                f"{text[:60]!r} is no financing", advice="Write INSTRUMENT=LONG,SHORT: GBP_USD=-0.03,0.01."
            ) from None
        found[instrument_name(name)] = [long, short]
    return found


async def _run(
    asked: tuple[tuple[str, ...], tuple[float | None, float | None], str | None],
    plain: dict[str, Any],
    *,
    controls: bool,
    cores: int,
    limit: int,
) -> tuple[dict[str, Any] | None, bool]:
    """The report, and whether all of it is performed; None where nothing is."""
    from alphaforge.backtests.composition import composed  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.workflows.run_backtest import Performance, write_request  # noqa: PLC0415 - the same

    with scratch() as folder:
        async with scope(*asked) as kept:
            request = _request(asked[0], plain, kept, controls=controls)
            _say_estimate(request, limit, cores)
            loaded = await write_request(kept.database, request, folder)
        for one in loaded:
            if one.late:
                note(one.in_words() + ".")
        with progress() as bar:
            line = bar.add_task("performing", total=None)
            shown = lambda done, total: bar.update(line, completed=done, total=total)  # noqa: E731 - of this bar
            performance = Performance(request, folder, cores, shown)
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGINT, performance.stopped.set)
            try:
                is_whole = await performance.run()
            finally:
                loop.remove_signal_handler(signal.SIGINT)  # what comes next holds no process, and may be broken off
    if not is_whole:
        note(f"Interrupted: {len(performance.results)} parts were finished, and are kept.")
    if not performance.results:
        return None, False
    return composed(request.plan, performance.results), is_whole


def _request(names: tuple[str, ...], plain: dict[str, Any], kept: Scope, *, controls: bool) -> "Request":
    from importlib.metadata import version  # noqa: PLC0415 - `--help` needs none of it

    from alphaforge.backtests.plan import Plan  # noqa: PLC0415 - the same
    from alphaforge.workflows.backtest_request import Request  # noqa: PLC0415 - the same

    whole = plain | {"instruments": names, "start": kept.start, "end": kept.end, "version": version("alphaforge")}
    return Request(Plan.from_dict(whole), kept.source, kept.simulated, kept.instruments, kept.hours, controls)


def _say_estimate(request: "Request", limit: int, cores: int) -> None:
    """Refuse what is too large, and say how long what is many will take."""
    from alphaforge.workflows.backtest_request import estimated  # noqa: PLC0415 - `--help` needs none of it

    seconds = estimated(request.plan, limit=limit, cores=cores)
    if request.plan.sweep.axes:
        note(f"{len(request.plan.sweep):,} settings: about {max(1, round(seconds)):,} s on {cores} cores.")
