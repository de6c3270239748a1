"""`alphaforge lookahead-check` and `alphaforge warmup-check`: commands that fail where a decision cheats or forgets."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaforge.cli.backtest_options import End, Instruments, Set, Source, Start, bounds_of, names_of, scope, scratch
from alphaforge.cli.output import AsJson, note, print_json, print_table, progress, say
from alphaforge.core.times import rfc3339

if TYPE_CHECKING:
    from alphaforge.backtests.checks import Difference, Lookahead, Warmup

Rows = Annotated[int, typer.Option(min=1, help="How many decisions of each instrument are looked at.")]
Seed = Annotated[int, typer.Option(min=0, help="Which ones: the same seed looks at the same.")]
_SHOWN = 5


def lookahead_check(
    *,
    instruments: Instruments = None,
    start: Start = None,
    end: End = None,
    sets: Set = None,
    source: Source = None,
    rows: Rows = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> int:
    """Decide sampled candles without what came after them, and with another future; exit code 1 where it matters."""
    from alphaforge.backtests.checks import look_ahead  # noqa: PLC0415 - `--help` needs none of it

    found = asyncio.run(_checked(look_ahead, (instruments, start, end, source), sets, (rows, seed)))
    if as_json:
        print_json([_common(one) for one in found])
    else:
        print_table("Look-ahead", ("instrument", ">decisions", ">differ", "answer"), map(_row, found))
        _say_differences(found, "knows its future", "No decision knows its future.")
    return 0 if all(one.passed for one in found) else 1


def warmup_check(
    *,
    instruments: Instruments = None,
    start: Start = None,
    end: End = None,
    sets: Set = None,
    source: Source = None,
    rows: Rows = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> int:
    """Decide sampled candles from the shortest history that would do, and from all; exit code 1 where they differ."""
    from alphaforge.backtests.checks import warm_up  # noqa: PLC0415 - `--help` needs none of it

    found = asyncio.run(_checked(warm_up, (instruments, start, end, source), sets, (rows, seed)))
    if as_json:
        more = [{"minimum_candles": one.minimum, "agreed_from": one.agreed_from} for one in found]
        print_json([_common(one) | own for one, own in zip(found, more, strict=True)])
    else:
        headings = ("instrument", ">decisions", ">differ", "answer", ">minimum candles", ">all agree from")
        print_table("Warm-up", headings, [(*_row(one), one.minimum, one.agreed_from) for one in found])
        enough = "The shortest history that would do decides like the full one."
        _say_differences(found, "depends on where its history begins", enough)
    return 0 if all(one.passed for one in found) else 1


async def _checked(
    check: Callable[..., Any],
    asked: tuple[list[str] | None, str | None, str | None, str | None],
    sets: list[str] | None,
    sample: tuple[int, int],
) -> list[Any]:
    """What the check finds of each instrument."""
    from alphaforge.backtests.setting_texts import with_settings  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.workflows.backtest_history import HistoryWriter, warm_up_of  # noqa: PLC0415 - the same
    from alphaforge.workflows.candle_columns import CandleColumns  # noqa: PLC0415 - the same

    settings, (given, start, end, source) = with_settings(sets or ()), asked
    names, bounds, found = names_of(given), bounds_of(start, end), []
    with scratch() as folder:
        async with scope(names, bounds, source) as kept:
            # twice the warm-up, so that the full history is longer than the shortest one
            warm_up = 2 * warm_up_of(settings)
            writer = HistoryWriter(kept.database, kept.source, folder, settings, kept.start, kept.end, warm_up)
            loaded = await writer.write(names)
        with progress() as bar:
            task = bar.add_task("deciding", total=len(names))
            for instrument in kept.instruments:
                series = CandleColumns(folder, instrument.name).series()
                period = {"start": kept.start, "end": kept.end, "rows": sample[0], "seed": sample[1]}
                found.append(check(series, instrument, kept.hours[instrument.name], settings, **period))
                bar.advance(task)
    for one in loaded:
        if one.late:
            note(one.in_words() + ".")
    return found


def _row(found: "Lookahead | Warmup") -> tuple[object, ...]:
    differing = {one.candle_time for one in found.differences}
    return found.instrument, found.rows, len(differing), "passed" if found.passed else "FAILED"


def _say_differences(found: "list[Lookahead] | list[Warmup]", what: str, passed: str) -> None:
    from alphaforge.backtests.checks import in_words  # noqa: PLC0415 - `--help` needs none of it

    differences = [one for checked in found for one in checked.differences]
    if not differences:
        say(passed)
        return
    say(f"The strategy with these settings {what}:")
    for one in differences[:_SHOWN]:
        say(f"  {in_words(one)}")
    if len(differences) > _SHOWN:
        say(f"  and {len(differences) - _SHOWN} more")


def _common(found: "Lookahead | Warmup") -> dict[str, Any]:
    return {
        "instrument": found.instrument,
        "passed": found.passed,
        "decisions": found.rows,
        "differences": [_difference(one) for one in found.differences],
    }


def _difference(one: "Difference") -> dict[str, Any]:
    return {"candle_time": rfc3339(one.candle_time), "fields": list(one.fields), "told_by": one.told_by}
