"""The backtest: the live rules over history, each decision, fill and outcome to the bit as the desk would have them.

What candles alone decide is decided for all rows at once (`signals.screening`), and what would become of a trade on
each row that is left (`fills`). Only those rows are walked one by one: exposure, cooldown and sizing remember what was
decided before. `signals.offline.simulate`, which decides and settles one by one as the desk does, is the definition.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from alphaforge.backtests.account import account
from alphaforge.backtests.candidates import Candidates, Evaluated, candidates, evaluated
from alphaforge.backtests.columns import taken
from alphaforge.backtests.fills import ACTIVE
from alphaforge.backtests.financing import financing, nights
from alphaforge.backtests.model import SIGNAL, Fills, Market, Options, Rows, Run
from alphaforge.backtests.walk import walk
from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339
from alphaforge.signals.analysis import Analysis, analyse
from alphaforge.signals.settings import StrategySettings

_MOST: Final = int(np.iinfo(np.int8).max)
"""Instruments that `Fills` can number."""


def run(
    market: Market,
    settings: StrategySettings,
    options: Options,
    *,
    start: float = 0,
    end: float = float("inf"),
    analyses: Mapping[str, Analysis] | None = None,
) -> Run:
    """The backtest of the candles that close after `start` and by `end` (epoch seconds).

    Earlier candles only warm up, later ones are not looked at. `analyses`: of the market's series by these settings, by
    instrument, where they are at hand. Raises InvalidInput for a period, a market or analyses that cannot be meant, and
    NoData where there is nothing to evaluate.
    """
    _refuse(market, start, end)
    parts = [
        evaluated(_analysis(market, one.name, settings, analyses or {}), one, market.hours[one.name], start, end)
        for one in market.instruments
    ]
    if not any(len(part.reason) for part in parts):
        raise _nothing_warm(settings, start, end)
    return trade(parts, market, settings, options, start=start, end=end)


def trade(
    parts: Sequence[Evaluated],
    market: Market,
    settings: StrategySettings,
    options: Options,
    *,
    start: float,
    end: float,
) -> Run:
    """What the desk makes of evaluated rows, whichever rules they were evaluated by; refusals are written into them.

    `parts` has each of the market's instruments in its order; at least one row there must be.
    """
    through = max(int(part.closes()[-1]) for part in parts if len(part.reason))
    found = candidates(parts, market, options, through)
    codes, risks = walk(found, market.instruments, settings, options)
    for number, part in enumerate(parts):
        mine = found.instrument == number
        part.reason[found.place[mine]] = codes[mine]
    traded, ended = codes == SIGNAL, found.ends.status != ACTIVE
    return Run(
        market=market,
        settings=settings,
        options=options,
        start=start,
        end=end,
        fills=_fills(taken(found, traded & ended), risks[traded & ended], market, options),
        rows={part.instrument.name: Rows(part.first, part.reason) for part in parts},
        still_open=int((traded & ~ended).sum()),
    )


def _refuse(market: Market, start: float, end: float) -> None:
    """Raise what is wrong with the question."""
    if not start < end:
        message = f"A period from {_moment(start)} to {_moment(end)} has no time in it"
        raise InvalidInput(message, advice="Give a start before the end.")
    names = [one.name for one in market.instruments]
    if not names or len(set(names)) < len(names) or set(names) != set(market.series):
        message = f"A backtest of {', '.join(names) or 'nothing'} was given candles of {', '.join(market.series)}"
        raise InvalidInput(message, advice="Give candles of each instrument, and each instrument once.")
    if len(names) > _MOST:
        message = f"A backtest of {len(names)} instruments is too large"
        raise InvalidInput(message, advice=f"Give at most {_MOST} at once.")
    for name in names:
        if market.series[name].instrument != name:
            message = f"The candles given for {name} are of {market.series[name].instrument}"
            raise InvalidInput(message)
        if name not in market.hours:
            message = f"{name} has no trading hours"
            raise InvalidInput(message, advice="Give each instrument its hours, `hours_of(name)` for the usual ones.")
        if not len(market.series[name]):
            message = f"{name}: there are no candles"
            raise NoData(message, advice="Download them first.")


def _moment(seconds: float) -> str:
    return rfc3339(seconds) if np.isfinite(seconds) else str(seconds)


def _nothing_warm(settings: StrategySettings, start: float, end: float) -> NoData:
    message = (
        f"No candle from {_moment(start)} to {_moment(end)} can be evaluated: "
        f"each needs {settings.minimum_candles} closed candles before it on every timeframe"
    )
    return NoData(message, advice="Give candles from longer before the start, or a later end.")


def _analysis(market: Market, name: str, settings: StrategySettings, analyses: Mapping[str, Analysis]) -> Analysis:
    """The analysis at hand, or a new one."""
    found = analyses.get(name)
    if found is None:
        return analyse(market.series[name], settings).without_frames()
    if found.series is not market.series[name] or found.settings != settings:
        message = f"{name}: the analysis is of other candles or by other settings than the backtest"
        raise InvalidInput(message)
    return found


def _fills(trades: Candidates, risks: Floats, market: Market, options: Options) -> Fills:
    """The trades with what they made of the balance."""
    made, ends = trades.entries, trades.ends
    side = made.sign.astype(np.int8)
    held = _financing(trades, market, options)
    fraction = risks if options.risk is None else np.full(len(risks), options.risk)
    money = account(made.opened, ends.time, fraction, ends.r + held, options.balance)
    return Fills(
        instrument=trades.instrument,
        side=side,
        row=trades.row,
        candle_time=trades.close - Granularity.M5.seconds,
        opened=made.opened,
        closed=ends.time,
        entry=made.entry,
        stop=made.stop,
        target=made.target,
        spread=made.spread,
        exit=ends.price,
        regime=trades.regime,
        strength=trades.strength,
        agreement=trades.agreement,
        confidence=trades.strength * (0.5 + 0.5 * trades.agreement),
        risk_fraction=risks,
        status=ends.status,
        pips=ends.pips,
        r=ends.r,
        mae=ends.mae,
        mfe=ends.mfe,
        ambiguous=ends.ambiguous,
        financing_r=held,
        amount=money.amount,
        cost=money.risked * (made.spread / np.abs(made.entry - made.stop) - held),
        equity=money.equity,
    )


def _financing(trades: Candidates, market: Market, options: Options) -> Floats:
    """The financing of each trade in R-multiples; zero where no rates are given."""
    found = np.zeros(len(trades.row))
    made = trades.entries
    days = nights(made.opened, trades.ends.time)
    for number, one in enumerate(market.instruments):
        mine = trades.instrument == number
        if one.name in options.financing and mine.any():
            rates = options.financing[one.name]
            found[mine] = financing(days[mine], made.sign[mine], rates, made.entry[mine], made.stop[mine])
    return found
