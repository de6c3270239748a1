"""The figures of a desk, by their families' names, as `telemetry.figures` has them: what its parts have counted.

Each is a copy that counts no further.
"""

from alphaforge.core.granularity import Granularity
from alphaforge.market.feed_status import FeedState
from alphaforge.market.price_feed import PriceFeed
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import JobRepository
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.leader import Leadership
from alphaforge.telemetry.figures import Values, copied, counted
from alphaforge.workflows.desk import Desk

_OPENED = 2.0 * Granularity.M5.seconds
"""Market seconds after an opening within which the newest candle may be that of the day before."""


def market_figures(desk: Desk, feed: PriceFeed) -> dict[str, Values]:
    """What was asked of the market and how prices and candles stand.

    There is no age of what never came, and no lag of a market that is closed.
    """
    source, now = desk.source, desk.clock.now()
    traffic, status, age = source.traffic, feed.status, feed.stream_age
    return {
        "alphaforge_oanda_request_seconds": copied(traffic.times),
        "alphaforge_oanda_errors_total": counted(traffic.failures),
        "alphaforge_oanda_retries_total": {(): traffic.retries},
        "alphaforge_oanda_received_bytes_total": {(): traffic.bytes_received},
        "alphaforge_oanda_budget_left": {(): source.budget_left},
        "alphaforge_price_stream_reconnects_total": {(): status.reconnects},
        "alphaforge_price_stream_age_seconds": {} if age is None else {(): age},
        "alphaforge_price_feed_state": {(state.value,): float(state is status.state) for state in FeedState},
        "alphaforge_candle_lag_seconds": _lags(desk, now),
    }


def _lags(desk: Desk, now: float) -> Values:
    lags: Values = {}
    for name in desk.names:
        closed, hours = desk.candles.series(name), desk.hours_of(name)
        if len(closed) and hours.is_open(now) and hours.is_open(now - _OPENED):
            lags[name,] = max(0.0, now - closed.end)
    return lags


def desk_figures(desk: Desk) -> dict[str, Values]:
    """What was scanned, and what came of it."""
    counts = desk.counts
    return {
        "alphaforge_scan_seconds": copied(counts.scans),
        "alphaforge_evaluations_total": counted(counts.evaluations),
        "alphaforge_signals_total": counted(counts.signals),
        "alphaforge_rejections_total": counted(counts.rejections),
        "alphaforge_generation_peak_bytes": {(): counts.peaks.copy()} if counts.peaks.count else {},
    }


def task_figures(engine: Engine, leadership: Leadership) -> dict[str, Values]:
    """The attempts at jobs in this process, and whether it leads."""
    return {
        "alphaforge_job_seconds": copied(engine.attempts),
        "alphaforge_leading": {(): float(leadership.is_leading)},
    }


async def job_figures(database: Database) -> dict[str, Values]:
    """The jobs that wait or run, in whichever process. Raises StorageError."""
    async with database.read() as connection:
        found = await JobRepository(connection).waiting_by_kind()
    return {
        "alphaforge_jobs": {(one.kind, one.status): one.count for one in found},
        "alphaforge_job_oldest_seconds": {(one.kind,): one.oldest for one in found if one.oldest is not None},
    }
