"""What a desk counts of its own work since its start."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from alphaforge.core.distribution import Distribution
from alphaforge.core.memory import peak_of_block
from alphaforge.signals.model import Decision

OK, FAILED = "ok", "failed"


@dataclass(slots=True)
class Counts:
    """`scans`: seconds by how they ended. `peaks`: bytes that the process held at most during each.

    `evaluations` by instrument, `signals` by instrument and direction, `rejections` by the name of the first failed
    filter: what this process stored, and no other.
    """

    scans: dict[str, Distribution] = field(default_factory=lambda: defaultdict(Distribution))
    peaks: Distribution = field(default_factory=Distribution)
    evaluations: Counter[str] = field(default_factory=Counter)
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def scan(self) -> Iterator[None]:
        """Count, time and measure a scan, however it ends."""
        began, outcome = time.monotonic(), FAILED
        try:
            with peak_of_block() as peak:
                yield
            outcome = OK
        finally:
            self.scans[outcome].add(time.monotonic() - began)
            if peak.bytes is not None:
                self.peaks.add(peak.bytes)

    def stored(self, decision: Decision) -> None:
        """Count a decision that is in the database now."""
        self.evaluations[decision.instrument] += 1
        if decision.reason is not None:
            self.rejections[decision.reason.value] += 1
        elif decision.direction is not None:
            self.signals[decision.instrument, decision.direction.value] += 1
