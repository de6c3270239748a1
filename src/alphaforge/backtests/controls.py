"""What a backtest is held against: random entries, the same without a spread, and simply holding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np

from alphaforge.backtests.engine import run as run_backtest
from alphaforge.backtests.entries import entries
from alphaforge.backtests.fills import settle_all
from alphaforge.backtests.model import Reason, Run
from alphaforge.backtests.period import evaluated_period
from alphaforge.backtests.trades import trades_of
from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.signals.analysis import Analysis
from alphaforge.statistics.calendar import trading_days
from alphaforge.statistics.trades import Trades

SEEDS: Final = 200
"""Random entries are drawn with the seeds 0 to 199."""

_REASONS: Final = tuple(Reason)
_CLOSED: Final = (_REASONS.index(Reason.STALE_DATA), _REASONS.index(Reason.MARKET_CLOSED))


@dataclass(frozen=True, slots=True)
class RandomEntries:
    """What as many entries at random came to, one value a seed, (seeds,): trades, and sums of R before financing.

    `profit` is of the R above zero, `loss` of those below, <= 0.
    """

    trades: Ints
    profit: Floats
    loss: Floats

    @property
    def expectancy(self) -> Floats:
        """The mean R of each seed; NaN where there was no trade."""
        found: Floats = np.divide(
            self.profit + self.loss, self.trades, out=np.full(len(self.trades), np.nan), where=self.trades > 0
        )
        return found

    @property
    def profit_factor(self) -> Floats:
        """Profit by loss of each seed, in R; NaN where nothing was lost."""
        found: Floats = np.divide(self.profit, -self.loss, out=np.full(len(self.loss), np.nan), where=self.loss < 0)
        return found


@dataclass(frozen=True, slots=True)
class Held:
    """An instrument that is bought at the ask of the first open and sold at the bid of the last close.

    `day`: trading days as days since 1970. `low`, `high`, `close`: of the bid's closes on each. `fall`: the deepest
    within each day from a high to a later low, as a fraction of the high.
    """

    bought: float | None
    day: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    close: tuple[float, ...]
    fall: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Controls:
    """The controls of one run. `without_spread`: its trades where bid and ask are the mid price."""

    random: RandomEntries
    without_spread: Trades
    held: Mapping[str, Held]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; NaN is None."""
        return {
            "random": {field.name: getattr(self.random, field.name).tolist() for field in fields(self.random)},
            "without_spread": {
                field.name: _plain(getattr(self.without_spread, field.name)) for field in fields(self.without_spread)
            },
            "held": {
                name: {field.name: getattr(held, field.name) for field in fields(held)}
                for name, held in self.held.items()
            },
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_dict` was made of."""
        random = plain["random"]
        trades: dict[str, Any] = {
            name: np.array(values, np.int8 if name == "result" else np.float64)
            for name, values in plain["without_spread"].items()
        }
        return cls(
            RandomEntries(
                np.array(random["trades"], np.int64), np.array(random["profit"], float), np.array(random["loss"], float)
            ),
            Trades(**trades),
            {
                name: Held(held["bought"], *(tuple(held[key]) for key in ("day", "low", "high", "close", "fall")))
                for name, held in plain["held"].items()
            },
        )


def controls_of(run: Run, analyses: Mapping[str, Analysis], *, seeds: int = SEEDS) -> Controls:
    """The controls of a run; `analyses` of its series by its settings, as the run was made with."""
    first, last = evaluated_period(run)
    return Controls(
        random=random_entries(run, analyses, seeds=seeds),
        without_spread=trades_of(without_spread(run, analyses)),
        held={one.name: held(run.market.series[one.name], first, last) for one in run.market.instruments},
    )


def joined_controls(parts: Sequence[Controls]) -> Controls:
    """The controls of runs that follow each other, as one: seed by seed, trade by trade, day by day."""
    random = [part.random for part in parts]
    return Controls(
        random=RandomEntries(
            np.sum([one.trades for one in random], axis=0),
            np.sum([one.profit for one in random], axis=0),
            np.sum([one.loss for one in random], axis=0),
        ),
        without_spread=_one_after_another([part.without_spread for part in parts]),
        held={name: _held_on([part.held[name] for part in parts]) for name in parts[0].held},
    )


def random_entries(run: Run, analyses: Mapping[str, Analysis], *, seeds: int = SEEDS) -> RandomEntries:
    """For each seed as many entries as the run has trades, by instrument, with as many BUYs among them.

    They are drawn without replacement from the rows that were evaluated in an open market, with levels, lifetime and
    fills as the run has them; cooldown, exposure and the votes alone are left out. A trade that the data leave open
    counts for none.
    """
    totals = RandomEntries(np.zeros(seeds, np.int64), np.zeros(seeds), np.zeros(seeds))
    for place, instrument in enumerate(run.market.instruments):
        rows = _open_rows(run, instrument.name)
        if (run.fills.instrument == place).any():
            _add_random(totals, run, instrument, analyses[instrument.name], rows)
    return totals


def _add_random(totals: RandomEntries, run: Run, instrument: Instrument, analysis: Analysis, rows: Ints) -> None:
    """Draw for one instrument and every seed, and settle each row and side once, however often they were drawn."""
    place = run.market.instruments.index(instrument)
    buys = run.fills.side[run.fills.instrument == place] > 0
    count = min(len(buys), len(rows))
    drawn = np.empty((len(totals.trades), count), np.int64)
    for seed in range(len(drawn)):
        generator = np.random.default_rng((seed, place))
        chosen = generator.choice(len(rows), count, replace=False)
        drawn[seed] = chosen * 2 + generator.permutation(buys)[:count]
    which, where = np.unique(drawn, return_inverse=True)
    sign = np.where(which % 2 == 1, 1.0, -1.0)
    r = _settled(run, instrument, analysis, rows[which // 2], sign)[where.reshape(drawn.shape)]
    totals.trades[:] += np.count_nonzero(~np.isnan(r), axis=1)
    totals.profit[:] += np.nansum(np.maximum(r, 0.0), axis=1)
    totals.loss[:] += np.nansum(np.minimum(r, 0.0), axis=1)


def _settled(run: Run, instrument: Instrument, analysis: Analysis, rows: Ints, sign: Floats) -> Floats:
    """The R-multiple of an entry at each row, NaN where none can be made or none has ended."""
    options, (_, through) = run.options, evaluated_period(run)
    candles = run.market.series[instrument.name].until(through)
    made = entries(
        candles,
        rows,
        sign,
        analysis.atr[rows - analysis.first],
        instrument=instrument,
        settings=run.settings,
        at=options.entry,
    )
    finer = run.market.finer if options.finer else None
    return settle_all(made, candles, instrument.pip, through=float(through), finer=finer).r


def _open_rows(run: Run, name: str) -> Ints:
    """The evaluated rows of a series in whose closes the market was open."""
    rows = run.rows[name]
    return rows.first + np.flatnonzero(~np.isin(rows.reason, _CLOSED))


def without_spread(run: Run, analyses: Mapping[str, Analysis]) -> Run:
    """The whole run again, decisions and fills, over prices whose bid and ask are the mid price."""
    market = run.market
    series = {name: _at_mid(one) for name, one in market.series.items()}
    finer = market.finer
    return run_backtest(
        replace(market, series=series, finer=None if finer is None else lambda *asked: _at_mid(finer(*asked))),
        run.settings,
        run.options,
        start=run.start,
        end=run.end,
        analyses={
            name: replace(analysis, series=series[name], spread=np.zeros_like(analysis.spread))
            for name, analysis in analyses.items()
        },
    )


def _at_mid(series: CandleSeries) -> CandleSeries:
    return replace(series, bid=series.mid, ask=series.mid)


def held(series: CandleSeries, start: float, end: float) -> Held:
    """Buying and holding through the candles that close after `start` and by `end` (epoch seconds)."""
    seconds = Granularity.M5.seconds
    part = series.until(end)
    part = part.rows(int(np.searchsorted(part.time + seconds, start, side="right")))
    if not len(part):
        return Held(None, (), (), (), (), ())
    close = part.bid.close
    days, begins = np.unique(trading_days(part.time), return_index=True)
    ends = np.append(begins[1:], len(close))
    falls = []
    for begin, stop in zip(begins.tolist(), ends.tolist(), strict=True):
        high = np.maximum.accumulate(close[begin:stop])
        falls.append(float(((high - close[begin:stop]) / high).max()))
    return Held(
        bought=float(part.ask.open[0]),
        day=tuple(days.tolist()),
        low=tuple(np.minimum.reduceat(close, begins).tolist()),
        high=tuple(np.maximum.reduceat(close, begins).tolist()),
        close=tuple(close[ends - 1].tolist()),
        fall=tuple(falls),
    )


def _held_on(parts: Sequence[Held]) -> Held:
    """Held through one period after another, and through what lies between; a day in two of them counts as two."""
    known = [part for part in parts if part.day]
    if not known:
        return parts[0]
    days = (
        tuple(value for part in known for value in getattr(part, key))
        for key in ("day", "low", "high", "close", "fall")
    )
    return Held(known[0].bought, *days)


def _one_after_another(parts: Sequence[Trades]) -> Trades:
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Trades)}
    order = np.lexsort((columns["opened"], columns["closed"]))
    return Trades(**{name: values[order] for name, values in columns.items()})


def _plain(values: np.typing.NDArray[np.generic]) -> list[Any]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN is not itself
