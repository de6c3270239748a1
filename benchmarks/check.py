"""Did anything become slower than it was when it was last accepted? `make bench-check`; `make bench-accept REASON=...`.

Each figure is a ratio to a reference of the same run. What worsened is measured twice more, and counts only where it
did so all three times. Ends with 0 where nothing worsened or the baseline knows no such machine, with 1 where something
did, with 2 where the baseline cannot be read.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from benchmarks.gate import baseline
from benchmarks.gate.baseline import Baseline, BaselineError
from benchmarks.gate.comparison import Verdict, compared, table, worse
from benchmarks.gate.measured import Measure, measure

AGAIN = 2
REPEATS = 7
ACCEPT = 'make bench-accept REASON="why this is right"'

Say = Callable[[str], None]


def main() -> int:
    """Check, or accept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--accept", metavar="REASON", help="write what is measured now into the baseline")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how often, when accepting (default: %(default)s)")
    given = parser.parse_args()
    try:
        if given.accept is not None:
            return accept(given.accept, measure, repeats=given.repeats)
        return check(measure)
    except BaselineError as error:
        print(error, file=sys.stderr)
        return 2


def check(
    measure: Measure, path: Path = baseline.PATH, machine: str = baseline.kind_of_machine(), say: Say = print
) -> int:
    """0 or 1, see the module. Raises BaselineError."""
    accepted = baseline.read(path).machines.get(machine)
    measured = [measure(())]
    rows = compared(measured, accepted)
    for number in range(AGAIN):
        if not (suspects := worse(rows)):
            break
        say(f"Worse: {'; '.join(suspects)}. Measured again, {number + 1} of {AGAIN} ...")
        measured.append(measure(suspects))
        rows = compared(measured, accepted)
    say(table(rows))
    if accepted is None:
        say(f"The baseline does not know this kind of machine ({machine}), so nothing was judged. On a quiet machine:")
        say(f"  {ACCEPT}")
        return 0
    say(f"{machine}; accepted on {accepted.on}: {accepted.reason}")
    if any(row.verdict is Verdict.PACE for row in rows):
        say("References took much longer or shorter than they did then: another machine of this kind, or a busy one.")
    if any(row.verdict in {Verdict.UNKNOWN, Verdict.GONE} for row in rows):
        say(f"The baseline does not have the same questions. On a quiet machine: {ACCEPT}")
    if suspects := worse(rows):
        say(f"Slower than accepted, {AGAIN + 1} times in a row: {'; '.join(suspects)}. Mend it, or: {ACCEPT}")
        return 1
    return 0


def accept(
    reason: str,
    measure: Measure,
    *,
    repeats: int = REPEATS,
    path: Path = baseline.PATH,
    machine: str = baseline.kind_of_machine(),
    say: Say = print,
) -> int:
    """Measure so often, and write median and noise. Raises BaselineError, before measuring where no reason is given."""
    before = baseline.read(path) if path.exists() else Baseline({})
    if not reason.strip():
        raise BaselineError(f"A baseline is accepted for a reason: {ACCEPT}")
    measured = []
    for number in range(repeats):
        say(f"Measuring, {number + 1} of {repeats} ...")
        measured.append(measure(()))
    after = before.accepting(machine, measured, datetime.now(UTC).date().isoformat(), reason)
    ratios = after.machines[machine].ratios
    middle = {name: replace(one, ratio=ratios[name].ratio) for name, one in measured[0].items()}
    say(table(compared([middle], before.machines.get(machine))))
    baseline.write(after, path)
    say(f"Written into {path.name} for {machine}. Commit it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
