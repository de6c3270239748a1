"""`alphaforge scan`."""

import asyncio
from typing import Annotated, Any

import typer

from alphaforge.cli.opening import busy_server
from alphaforge.cli.output import AsJson, note, print_json, print_table, say
from alphaforge.cli.state import state
from alphaforge.core.instruments import instrument_name
from alphaforge.core.times import rfc3339


def scan(
    instruments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[INSTRUMENT]...", help="Of INSTRUMENTS; all of them if none is given."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Evaluate the newest closed candles once, store what comes of it, and say why; for when no server runs."""
    settings = state.settings()
    instead = (
        "The running server scans at every close by itself. To have it scan now: "
        f"curl -X POST http://{settings.host}:{settings.port}/api/signals/generate"
    )
    names = tuple(instrument_name(one) for one in instruments or ()) or None
    with busy_server(instead):
        results, simulated = asyncio.run(_scan(settings, names))
    if as_json:
        print_json({"simulated": simulated, "results": [_as_json(result) for result in results]})
    else:
        _print(results)
        if simulated:
            note("These prices come from a sandbox: they are invented.")
    return 1 if any(result.decision is None for result in results) else 0


async def _scan(settings: Any, names: tuple[str, ...] | None) -> tuple[list[Any], bool]:  # noqa: ANN401 - see state
    from alphaforge.bootstrap import open_desk  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.workflows.desk import not_watched  # noqa: PLC0415 - the same
    from alphaforge.workflows.open_market import open_market  # noqa: PLC0415 - the same
    from alphaforge.workflows.scan_market import scan_market  # noqa: PLC0415 - the same

    for name in names or ():
        if name not in settings.instruments:
            raise not_watched(name, settings.instruments)  # before a database is made for nothing
    async with open_desk(settings) as desk:
        await open_market(desk, desk.watched(names))
        return list(await scan_market(desk, names)), desk.source.simulated


def _print(results: list[Any]) -> None:
    from alphaforge.signals.explain import sentence  # noqa: PLC0415 - `--help` needs none of it

    headings = ("instrument", "candle", "answer", ">strength", ">agreement", "regime", "signal")
    rows: list[tuple[object, ...]] = []
    for result in results:
        decision = result.decision
        if decision is None:
            rows.append((result.instrument, None, "no evaluation", None, None, None, None))
            continue
        answer = str(decision.direction) if decision.is_signal else f"no: {decision.reason}"
        measured = (f"{decision.strength:.1f}", f"{decision.agreement:.0%}")
        moment = rfc3339(decision.candle_time)
        made = result.signal_id if result.earlier_id is None else f"{result.earlier_id}, earlier"
        rows.append((result.instrument, moment, answer, *measured, decision.regime, made))
    print_table("Scan", headings, rows)
    for result in results:
        if result.problem:
            say(f"{result.instrument}: {result.problem}")
        if result.decision is not None:
            say(sentence(result.decision))
        elif result.reason and result.reason != result.problem:
            say(f"{result.instrument}: {result.reason}")


def _as_json(result: Any) -> dict[str, Any]:  # noqa: ANN401 - a ScanResult, imported when used
    from alphaforge.signals.explain import decision_to_dict  # noqa: PLC0415 - `--help` needs none of it

    return {
        "instrument": result.instrument,
        "signal_id": result.signal_id,
        "earlier_signal_id": result.earlier_id,
        "reason": result.reason or None,
        "problem": result.problem,
        "late": result.late,
        "decision": result.decision and decision_to_dict(result.decision),
    }
