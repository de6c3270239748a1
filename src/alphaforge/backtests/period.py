"""From when until when a run could evaluate anything: what was asked, less what had to warm up or is not there."""

from alphaforge.backtests.model import Run
from alphaforge.core.granularity import Granularity


def evaluated_period(run: Run) -> tuple[int, int]:
    """The start of the first candle that was evaluated and the close of the last, epoch seconds."""
    spans = [
        (int(run.market.series[name].time[rows.first]), int(run.market.series[name].time[rows.first + count - 1]))
        for name, rows in run.rows.items()
        if (count := len(rows.reason))
    ]
    return min(first for first, _ in spans), max(last for _, last in spans) + Granularity.M5.seconds
