"""What each figure means: unit, formula, what its `n` counts, and where the formula is from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure. `unit`: `money` is the account's currency, or R where amounts are; `fraction`: 0.05 is 5 %.

    `source` is empty for what is only counted, added or divided.
    """

    unit: str
    formula: str
    n: str
    source: str = ""


_WILSON = "Interval: Wilson 1927"
_STUDENT = "Interval: bootstrap-t over days, Efron and Tibshirani 1993"
_SHARPE = "Sharpe 1994"
_ALL, _AMOUNTS, _R, _PIPS = "trades", "trades of known amount", "trades of known R", "trades of known pips"
_EXITS = "trades of known pips and MFE above 0"
_RETURNS = "trading days from the first to the last with a trade"
_CLOSES = "days with trades, and the start"

_COUNTS = {
    "counts.trades": Definition("trades", "closed trades", _ALL),
    "counts.wins": Definition("trades", "trades of class WIN", _ALL),
    "counts.losses": Definition("trades", "trades of class LOSS", _ALL),
    "counts.breakevens": Definition("trades", "trades of class BREAKEVEN", _ALL),
    "counts.expired": Definition("trades", "trades of class EXPIRED: neither won nor lost", _ALL),
    "counts.unknown": Definition("trades", "closed trades of which nobody has said how", _ALL),
    "counts.days": Definition("days", "trading days on which a trade was closed", _ALL),
    "counts.amounts": Definition("trades", "trades of which the amount is known", _ALL),
    "counts.costs": Definition("trades", "trades of which the cost is known", _ALL),
    "counts.r_multiples": Definition("trades", "trades of which R is known", _ALL),
    "counts.pips": Definition("trades", "trades of which the pips are known", _ALL),
    "counts.excursions": Definition("trades", "trades of which the MFE is known", _ALL),
    "rates.win_rate": Definition("fraction", "wins / (wins + losses)", "wins and losses", _WILSON),
    "rates.win_rate_all": Definition(
        "fraction", "wins / (wins + losses + breakevens + expired)", "trades of known class", _WILSON
    ),
    "rates.break_even": Definition(
        "fraction", "1 / (1 + payoff_ratio): the win rate at which nothing is won or lost", "as payoff_ratio"
    ),
}

_MONEY = {
    "money.gross_profit": Definition("money", "sum of amounts above 0", _AMOUNTS),
    "money.gross_loss": Definition("money", "sum of amounts below 0: zero or negative", _AMOUNTS),
    "money.net": Definition("money", "gross_profit + gross_loss, costs paid", _AMOUNTS),
    "money.cost": Definition("money", "sum of costs: spread, commission, financing", "trades of known cost"),
    "money.before_cost": Definition("money", "sum of amount + cost", "trades of known amount and cost"),
    "money.expectancy": Definition("money", "net / n", _AMOUNTS, _STUDENT),
    "money.deviation": Definition("money", "standard deviation of amounts, ddof 1", _AMOUNTS, "Chan et al. 1983"),
    "money.profit_factor": Definition(
        "ratio", "gross_profit / -gross_loss; null without losses", _AMOUNTS, f"{_STUDENT}, on the log scale"
    ),
    "money.no_losses": Definition("flag", "gross_profit > 0 and gross_loss = 0", _AMOUNTS),
    "money.average_win": Definition("money", "gross_profit / number of amounts above 0", "amounts above 0"),
    "money.average_loss": Definition("money", "gross_loss / number of amounts below 0", "amounts below 0"),
    "money.payoff_ratio": Definition("ratio", "average_win / -average_loss", "amounts above and below 0"),
    "money.kelly": Definition(
        "fraction",
        "p - (1 - p) / payoff_ratio, p = amounts above 0 / (amounts above 0 + below 0); the full fraction",
        "amounts above and below 0",
        "Kelly 1956",
    ),
    "money.best": Definition("money", "largest amount", _AMOUNTS),
    "money.worst": Definition("money", "smallest amount", _AMOUNTS),
}

_TRADES = {
    "r.total": Definition("R", "sum of R", _R),
    "r.expectancy": Definition("R", "total / n", _R, _STUDENT),
    "r.deviation": Definition("R", "standard deviation of R, ddof 1", _R, "Chan et al. 1983"),
    "r.profit_factor": Definition(
        "ratio", "sum of R above 0 / -(sum of R below 0); null without losses", _R, f"{_STUDENT}, on the log scale"
    ),
    "r.sqn": Definition("ratio", "sqrt(n) expectancy / deviation", _R, "Tharp 2008"),
    "r.best": Definition("R", "largest R", _R),
    "r.worst": Definition("R", "smallest R", _R),
    "pips.total": Definition("pips", "sum of pips", _PIPS),
    "pips.mean": Definition("pips", "total / n", _PIPS),
    "pips.deviation": Definition("pips", "standard deviation of pips, ddof 1", _PIPS, "Chan et al. 1983"),
    "pips.best": Definition("pips", "largest", _PIPS),
    "pips.worst": Definition("pips", "smallest", _PIPS),
    "streaks.longest_win": Definition("trades", "most wins in a row, by closing; any other class ends it", _ALL),
    "streaks.longest_loss": Definition("trades", "most losses in a row, by closing; any other class ends it", _ALL),
    "streaks.current": Definition("trades", "the streak of the last trade: + wins, - losses, else 0", _ALL),
    "holding.first_day": Definition("date", "first trading day with a closed trade", _ALL),
    "holding.last_day": Definition("date", "last trading day with a closed trade", _ALL),
    "holding.mean_seconds": Definition("seconds", "sum of (closed - opened) / n", _ALL),
    "holding.exposure": Definition(
        "ratio", "sum of (closed - opened) / (last close - first opening); above 1 where trades overlap", _ALL
    ),
    "excursions.mae": Definition("pips", "mean of the worst excursion", "trades of known MAE", "Sweeney 1997"),
    "excursions.mfe": Definition("pips", "mean of the best excursion", "trades of known MFE", "Sweeney 1997"),
    "excursions.exit_efficiency": Definition("fraction", "sum of pips / sum of MFE", _EXITS),
    "excursions.exit_efficiency_mean": Definition("fraction", "mean of pips / MFE of each trade", _EXITS),
}

_DAYS = {
    "daily.balance": Definition("money", "the balance that was given", "-"),
    "daily.equity": Definition("money", "balance + net", _AMOUNTS),
    "daily.days": Definition("days", "days with trades + flat_days", _RETURNS),
    "daily.flat_days": Definition("days", "Mondays to Fridays without a closed trade, between days with one", _RETURNS),
    "daily.ruined": Definition("flag", "equity at or below 0 at any close; then nothing else of `daily`", _CLOSES),
    "daily.mean_return": Definition(
        "fraction", "mean of amount of the day / equity before it; 0 on flat days", _RETURNS, _STUDENT
    ),
    "daily.sharpe": Definition(
        "ratio", "sqrt(252) mean / standard deviation, ddof 1, no risk-free rate", _RETURNS, f"{_SHARPE}. {_STUDENT}"
    ),
    "daily.total_return": Definition("fraction", "equity / balance - 1", _CLOSES),
    "daily.best": Definition("fraction", "largest daily return", _RETURNS),
    "daily.worst": Definition("fraction", "smallest daily return", _RETURNS),
    "daily.cagr": Definition(
        "fraction", "(equity / balance)^(365.25 / calendar days) - 1; null below 30 calendar days", _CLOSES
    ),
    "daily.volatility": Definition("fraction", "sqrt(252) standard deviation, ddof 1", _RETURNS),
    "daily.sortino": Definition(
        "ratio",
        "sqrt(252) mean / sqrt(sum of min(return, 0)^2 / n), over all n",
        _RETURNS,
        "Sortino and Price 1994",
    ),
    "daily.calmar": Definition("ratio", "cagr / -maximum_share of the drawdown", _CLOSES, "Young 1991"),
    "daily.value_at_risk": Definition(
        "fraction", "5 % quantile of daily returns, linear; null below 20", _RETURNS, "Hyndman and Fan 1996, type 7"
    ),
    "daily.expected_shortfall": Definition(
        "fraction",
        "mean of the floor(0.05 (n - 1)) + 1 smallest daily returns; null below 20 (CVaR)",
        _RETURNS,
        "Rockafellar and Uryasev 2000",
    ),
    "drawdown.maximum": Definition("money", "smallest equity - highest close so far", _CLOSES),
    "drawdown.maximum_share": Definition("fraction", "smallest equity / highest close so far - 1", _CLOSES),
    "drawdown.start": Definition("date", "the close from which `maximum` fell", _CLOSES),
    "drawdown.trough": Definition("date", "the close at which `maximum` was reached", _CLOSES),
    "drawdown.recovery": Definition("date", "the first close as high again; null: not yet", _CLOSES),
    "drawdown.days": Definition("calendar days", "from start to recovery, or to the last day", _CLOSES),
    "drawdown.longest_days": Definition("calendar days", "the longest such time of any drawdown", _CLOSES),
    "drawdown.trade_by_trade": Definition("money", "as `maximum`, between closes of trades", _AMOUNTS),
    "drawdown.current": Definition("money", "last equity - highest close", _CLOSES),
    "drawdown.current_share": Definition("fraction", "last equity / highest close - 1", _CLOSES),
    "drawdown.recovery_factor": Definition("ratio", "net / -trade_by_trade", _AMOUNTS),
    "drawdown.ulcer_index": Definition(
        "fraction", "sqrt(mean of (equity / highest close - 1)^2) over all n", _RETURNS, "Martin and McCann 1989"
    ),
}

DEFINITIONS: Mapping[str, Definition] = MappingProxyType(_COUNTS | _MONEY | _TRADES | _DAYS)
"""By the dotted names of `plain`; a figure with `value`, `n`, `low` and `high` has one name."""

GROUP_DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        **{name: DEFINITIONS[f"counts.{name}"] for name in ("trades", "wins", "losses", "breakevens", "expired")},
        "win_rate": DEFINITIONS["rates.win_rate"],
        "net": DEFINITIONS["money.net"],
        "pips": DEFINITIONS["pips.total"],
        "expectancy": DEFINITIONS["money.expectancy"],
        "expectancy_r": DEFINITIONS["r.expectancy"],
        "profit_factor": DEFINITIONS["money.profit_factor"],
        "no_losses": DEFINITIONS["money.no_losses"],
        "mean_seconds": DEFINITIONS["holding.mean_seconds"],
    }
)
"""By the names of `GroupFigures`: the same figures, of the trades of one group."""

_BUCKET = "trades of the bucket"

CALIBRATION_DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "buckets.low": Definition("score", "lowest confidence of the bucket, part of it", "-"),
        "buckets.high": Definition("score", "next bucket's lowest; 100 is part of the last bucket", "-"),
        "buckets.trades": Definition("trades", "trades with low <= confidence < high", _BUCKET),
        "buckets.wins": Definition("trades", "trades of class WIN", _BUCKET),
        "buckets.losses": Definition("trades", "trades of class LOSS", _BUCKET),
        "buckets.expired": Definition("trades", "trades of class EXPIRED: neither won nor lost", _BUCKET),
        "buckets.win_rate": Definition("fraction", "wins / (wins + losses)", "wins and losses", _WILSON),
        "buckets.mean_r": Definition("R", "sum of R / n", "trades of the bucket of known R"),
        "known": Definition("trades", "trades of which the confidence is known", _ALL),
        "rank_correlation": Definition(
            "ratio",
            "correlation of the ranks of confidence and R, ties at their mean rank; null below 10",
            "trades of known confidence and R",
            "Spearman 1904. Interval: Bonett and Wright 2000",
        ),
    }
)
"""By the names of `Calibration`."""

DEFLATED_DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "sharpe": Definition("ratio", "mean / standard deviation, ddof 1, of daily returns", _RETURNS, _SHARPE),
        "benchmark": Definition(
            "ratio",
            "sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))); N trials, V the variance of their Sharpe ratios, "
            "g = 0.5772, Z the normal quantile; 0 for one trial",
            "settings that were tried",
            "Bailey and Lopez de Prado 2014",
        ),
        "probability": Definition(
            "fraction",
            "P((S - benchmark) sqrt(n - 1) / sqrt(1 - skewness S + (kurtosis - 1) / 4 S^2)); P the normal "
            "distribution, S = sharpe; null below 20 returns",
            _RETURNS,
            "Bailey and Lopez de Prado 2012",
        ),
        "n": Definition("days", "daily returns, flat days among them", _RETURNS),
        "trials": Definition("settings", "settings that were tried, this one among them", "-"),
    }
)
"""By the names of `Deflated`."""
