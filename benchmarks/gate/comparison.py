"""Judging: what was measured against what was accepted. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.gate.baseline import Acceptance
from benchmarks.gate.measured import Answers, Measured

LEAST_ALLOWED = 0.12
TIMES_NOISE = 3.0
ANOTHER_PACE = 0.2
"""Where a reference takes so much more or less than it did, its ratio may have changed with the machine."""


class Verdict(StrEnum):
    """What became of a ratio."""

    SAME = "within noise"
    IMPROVED = "improved"
    WORSE = "WORSE"
    UNKNOWN = "not judged: accept it"
    GONE = "no longer asked: accept"
    PACE = "not judged: the machine has another pace"


@dataclass(frozen=True, slots=True)
class Row:
    """A question. `change`: by how much the ratio grew, as a share; None where there is nothing to compare."""

    name: str
    against: str
    verdict: Verdict
    ratio: float | None = None
    baseline: float | None = None
    change: float | None = None
    allowed: float | None = None


def compared(measured: Sequence[Answers], accepted: Acceptance | None) -> list[Row]:
    """The rows of the table. Where a question was measured several times, its best time is judged.

    A machine that the baseline does not know has `accepted` None: then nothing is judged.
    """
    best: dict[str, Measured] = {}
    for answers in measured:
        for name, one in answers.items():
            best[name] = min(best.get(name, one), one, key=lambda answer: answer.ratio)
    rows = [_judged(name, one, accepted) for name, one in best.items()]
    gone = [name for name in (accepted.ratios if accepted else ()) if name not in best]
    return [*rows, *(Row(name, "", Verdict.GONE) for name in gone)]


def worse(rows: Sequence[Row]) -> list[str]:
    """The names of those that worsened beyond what is allowed."""
    return [row.name for row in rows if row.verdict is Verdict.WORSE]


def table(rows: Sequence[Row]) -> str:
    """For people."""
    heading = ("question", "reference", "now", "baseline", "change", "allowed", "verdict")
    lines = [heading, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 2 <= place <= 5 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _judged(name: str, found: Measured, accepted: Acceptance | None) -> Row:
    known = accepted.ratios.get(name) if accepted else None
    if known is None or known.against != found.against:
        return Row(name, found.against, Verdict.UNKNOWN, found.ratio)
    allowed = max(TIMES_NOISE * known.noise, LEAST_ALLOWED)
    change = found.ratio / known.ratio - 1
    verdict = Verdict.WORSE if change > allowed else Verdict.IMPROVED if change < -allowed else Verdict.SAME
    if abs(found.reference / known.reference - 1) > ANOTHER_PACE:
        verdict = Verdict.PACE
    return Row(name, found.against, verdict, found.ratio, known.ratio, change, allowed)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.against,
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.baseline is None else f"{row.baseline:.2f}",
        "" if row.change is None else f"{row.change:+.1%}",
        "" if row.allowed is None else f"{row.allowed:.0%}",
        row.verdict,
    )
