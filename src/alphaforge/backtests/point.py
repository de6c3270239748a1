"""What one of many settings came to: few enough figures that thousands can be kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from alphaforge.backtests.equity_path import equity_path
from alphaforge.backtests.model import Run
from alphaforge.backtests.period import evaluated_period
from alphaforge.backtests.segment import trades_from
from alphaforge.backtests.trades import trades_of
from alphaforge.statistics.days import summarised
from alphaforge.statistics.deflated import daily_sharpe
from alphaforge.statistics.figures import figures_of, plain
from alphaforge.statistics.trades import Trades


def point_of(run: Run) -> dict[str, Any]:
    """The key figures of a run; `daily_sharpe` is what the best of many is deflated by."""
    return _point(trades_of(run), run.options.balance, [evaluated_period(run)])


def point_of_segment(segment: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a run's segment."""
    balance = float(segment["options"]["balance"])
    return _point(trades_from(segment["trades"]), balance, segment["periods"])


def _point(trades: Trades, balance: float, periods: Sequence[Sequence[float]]) -> dict[str, Any]:
    days = summarised(trades)
    figures = plain(figures_of(days, balance=balance))
    return {
        "trades": figures["counts"]["trades"],
        "net_r": figures["r"]["total"],
        "expectancy_r": figures["r"]["expectancy"],
        "profit_factor": figures["money"]["profit_factor"],
        "sharpe": figures["daily"]["sharpe"]["value"],
        "max_drawdown": figures["drawdown"]["maximum_share"],
        "daily_sharpe": daily_sharpe(equity_path(days, balance, periods).returns),
    }
