"""What is kept of each minute, for a day: enough to hold the service against its targets, and no more."""

from dataclasses import dataclass, field

from alphaforge.core.distribution import Distribution

MINUTE = 60
KEPT_MINUTES = 24 * 60

CACHED, UNCACHED, QUERY, GENERATION_PEAK = "cached", "uncached", "query", "generation_peak"
HITS, ASKED, REQUESTS, SHED, ERRORS = "hits", "asked", "requests", "shed", "errors"
CONCURRENT = "concurrent"


@dataclass(slots=True)
class Minute:
    """One minute of one process. `at`: its start, epoch seconds, a multiple of 60.

    `spreads`: times in seconds of answers from memory, of reads made anew, of statements; bytes of generation's peaks;
    and of each endpoint that the plan names, by its path, one for answers from memory (`PATH cached`) and one for all
    others (`PATH`). `counts`: kept answers given and asked for, requests, those refused for want of room (503), those
    that failed (500 and above but 503). `peaks`: the most requests under way at once.
    """

    at: int
    spreads: dict[str, Distribution] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)

    def merge(self, other: "Minute") -> None:
        """Take in another process's same minute, or another minute; peaks of several processes add up at the worst."""
        for name, spread in other.spreads.items():
            if name in self.spreads:
                self.spreads[name].merge(spread)
            else:
                self.spreads[name] = spread.copy()
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, peak in other.peaks.items():
            mine = self.peaks.get(name, 0)
            self.peaks[name] = mine + peak if other.at == self.at else max(mine, peak)
