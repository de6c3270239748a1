"""What the figures of a backtest support, in one plain sentence or two, and never more than they do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alphaforge.statistics.resampling import MINIMUM_DAYS

FEWEST: Final = 30
"""Trades below which nothing is said: a share of 30 is known to about 18 points."""

ENOUGH: Final = 100
"""Trades that an edge must have been seen in."""

_BY_CHANCE: Final = 0.05
_SURE: Final = 0.95


class Verdict(StrEnum):
    """What is said; `SUGGESTED` is the most there is."""

    TOO_FEW = "too_few"
    LOSING = "losing"
    NONE = "none"
    SUGGESTED = "suggested"


@dataclass(frozen=True, slots=True)
class Measured:
    """What is judged. Intervals are of 95 %, (low, high); None is not known. `days`: trading days with trades.

    `profit_factor` with its interval, after all costs; `without_spread`: the interval of the same without a spread.
    `random_share`: of the random entries that did at least as well (0-1), `p`: that share as a p-value. `sharpe`: the
    probability that the true Sharpe ratio is above 0, for the settings `tried`. `simulated`: prices were invented.
    """

    trades: int
    days: int
    profit_factor: float | None
    interval: tuple[float, float] | None
    random_share: float | None = None
    p: float | None = None
    sharpe: float | None = None
    tried: int = 1
    without_spread: tuple[float, float] | None = None
    simulated: bool = False


def verdict(measured: Measured) -> Verdict:
    """What these figures support. An edge asks for all at once: trades, interval, random entries, Sharpe ratio."""
    if measured.trades < FEWEST or measured.days < MINIMUM_DAYS:
        return Verdict.TOO_FEW
    if measured.interval is None:
        return Verdict.NONE
    low, high = measured.interval
    if high < 1:
        return Verdict.LOSING
    return Verdict.SUGGESTED if low > 1 and not _objections(measured) else Verdict.NONE


def sentence(measured: Measured) -> str:
    """The verdict with the numbers that it rests on."""
    said = {
        Verdict.TOO_FEW: _too_few,
        Verdict.LOSING: _losing,
        Verdict.NONE: _none,
        Verdict.SUGGESTED: _suggested,
    }[verdict(measured)](measured)
    return f"On invented prices, which say nothing of a market: {continued(said)}" if measured.simulated else said


def continued(text: str) -> str:
    """A sentence as the second half of another."""
    return text[:1].lower() + text[1:]


def _too_few(measured: Measured) -> str:
    if not measured.trades:
        return "No trades: nothing to judge."
    if measured.trades < FEWEST:
        return f"Too few trades to say anything: {measured.trades}."
    return f"Too few trading days to say anything: {measured.trades:,} trades on {measured.days} of them."


def _losing(measured: Measured) -> str:
    return f"Losing: {_numbers(measured)} lies below 1.{_spread(measured)}"


def _none(measured: Measured) -> str:
    if measured.interval is None and measured.profit_factor is None:
        return f"No edge shown: {measured.trades:,} trades without a loss have no profit factor to judge."
    if measured.interval is None:
        return f"No edge shown: hardly any of {measured.days} trading days lost, so the profit factor has no interval."
    if measured.interval[0] > 1:
        return f"No edge shown: {_numbers(measured)} lies above 1, but {_listed(_objections(measured))}."
    random = "" if measured.random_share is None else f"; {_share(measured.random_share)} did at least as well"
    return f"No edge shown: {_numbers(measured)} includes 1{random}.{_spread(measured)}"


def _suggested(measured: Measured) -> str:
    random = "no random entries" if not measured.random_share else f"only {_share(measured.random_share)}"
    tried = "" if measured.tried == 1 else f", and its Sharpe ratio is {_above(measured)}"
    return (
        f"An edge is suggested, not proven: {_numbers(measured)} lies above 1, {random} did as well{tried}. "
        "It must still show itself on prices that nobody has looked at."
    )


def _objections(measured: Measured) -> list[str]:
    """Why an interval above 1 is not enough."""
    found = []
    if measured.trades < ENOUGH:
        found.append(f"{measured.trades} trades are fewer than the {ENOUGH} that it takes")
    if measured.p is None or measured.random_share is None:
        found.append("no random entries were held against it")
    elif measured.p >= _BY_CHANCE:
        found.append(f"{_share(measured.random_share)} did at least as well")
    if measured.sharpe is None:
        found.append("its Sharpe ratio is not known")
    elif measured.sharpe <= _SURE:
        found.append(f"its Sharpe ratio is {_above(measured)} only")
    return found


def _above(measured: Measured) -> str:
    """Above what the Sharpe ratio lies, and how likely, cut to whole percents."""
    level = "above 0" if measured.tried == 1 else f"above the luckiest of {measured.tried:,} settings"
    return f"{level} with a probability of {int((measured.sharpe or 0.0) * 100)} %"


def _spread(measured: Measured) -> str:
    if measured.without_spread is None or measured.without_spread[0] <= 1:
        return ""
    return " What edge there is without costs does not survive the spread."


def _numbers(measured: Measured) -> str:
    low, high = measured.interval or (0.0, 0.0)
    factor = "" if measured.profit_factor is None else f" {ratio(measured.profit_factor)}"
    return f"{measured.trades:,} trades, profit factor{factor} (95 % interval {ratio(low)} to {ratio(high)})"


def ratio(value: float) -> str:
    """A ratio with two decimals, or with as many more as it takes not to look like 1."""
    for digits in range(2, 8):
        text = f"{value:.{digits}f}"
        if value == 1 or float(text) != 1:
            return text
    return repr(value)


def _share(share: float) -> str:
    text = f"{share:.0%}".replace("%", " %") if not 0 < share < 0.01 else "less than 1 %"  # noqa: PLR2004 - a percent
    return f"{text} of random entries"


def _listed(reasons: list[str]) -> str:
    return reasons[0] if len(reasons) == 1 else f"{', '.join(reasons[:-1])} and {reasons[-1]}"
