"""`alphaforge doctor`."""

import asyncio

from alphaforge.cli.output import AsJson, print_json, print_table, say
from alphaforge.cli.state import state


def doctor(*, as_json: AsJson = False) -> int:
    """Examine this installation, change nothing, and say what to do about what is wrong: exit code 1 if anything is."""
    from alphaforge.cli.checks import Check, State  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.cli.checks.database import database_checks  # noqa: PLC0415 - the same
    from alphaforge.cli.checks.machine import machine_checks  # noqa: PLC0415 - the same
    from alphaforge.cli.checks.market import market_checks  # noqa: PLC0415 - the same

    settings = state.settings()
    found: list[Check] = [
        *machine_checks(settings),
        *asyncio.run(database_checks(settings)),
        *asyncio.run(market_checks(settings)),
    ]
    failed = [check for check in found if check.state is State.FAILED]
    if as_json:
        print_json({"healthy": not failed, "checks": found})
    else:
        print_table("Examined", ("what", "", "found"), [(check.name, check.state, check.found) for check in found])
        for check in found:
            if check.advice:
                say(f"{check.name}: {check.advice}")
        say(f"{len(failed)} of {len(found)} checks failed." if failed else "Nothing is wrong.")
    return 1 if failed else 0
