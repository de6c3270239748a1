"""The predecessor's words for a backtest: what it was asked, and what it answered."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from alphaforge.api.schemas.backtests import NewBacktest
from alphaforge.backtests.tables import trades_columns
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.settings import STRATEGY

_CODE = frozenset({"strategy_code", "code", "source_code", "script", "strategy_source", "strategy_script"})
_WORDS: Mapping[str, str] = {
    "symbol": "symbol",
    "symbols": "symbol",
    "instrument": "symbol",
    "instruments": "symbol",
    "pair": "symbol",
    "pairs": "symbol",
    "timeframe": "timeframe",
    "granularity": "timeframe",
    "interval": "timeframe",
    "start_date": "from",
    "start": "from",
    "from": "from",
    "end_date": "to",
    "end": "to",
    "to": "to",
    "initial_capital": "balance",
    "initial_balance": "balance",
    "capital": "balance",
    "balance": "balance",
    "risk_per_trade": "risk",
    "risk": "risk",
    "strategy": "strategy",
    "strategy_name": "strategy",
    "parameters": "settings",
    "params": "settings",
    "settings": "settings",
    "source": "source",
}
"""What each of its words means here, in snake case."""

_M5 = frozenset({"m5", "5m", "5min", "5", "m_5"})
_NAMES = frozenset({STRATEGY, STRATEGY.replace("-", "_"), "default", ""})
_PERCENT_FROM, _FRACTION_BELOW = 1.0, 0.1
_REFUSAL = (
    "Send settings instead: POST /api/backtest/run with `settings` {name: value}, "
    'for instance {"settings": {"min_votes": 2.5}}; docs/strategy.md lists them.'
)


def read_body(body: Mapping[str, Any]) -> tuple[NewBacktest, list[str]]:
    """What is meant, and the words that mean nothing here and are passed over.

    Raises InvalidInput for code, for two words that contradict each other, and for what cannot be meant.
    """
    found: dict[str, Any] = {}
    ignored = []
    for key, value in body.items():
        word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
        if value is None:
            continue
        if word in _CODE:
            raise _no_code(key)
        meaning = _WORDS.get(word)
        if meaning is None:
            ignored.append(key[:100])
        elif found.get(meaning, value) != value:
            raise InvalidInput(f"{key[:100]!r} says {meaning} a second time, and otherwise")
        else:
            found[meaning] = value
    _look_at_strategy(found.pop("strategy", ""))
    _look_at_timeframe(found.pop("timeframe", "M5"))
    symbols = found.pop("symbol", None)
    asked = found | ({} if symbols is None else {"instruments": symbols if isinstance(symbols, list) else [symbols]})
    if "risk" in asked:
        asked["risk"] = _risk(asked["risk"])
    try:
        return NewBacktest.model_validate(asked), sorted(ignored)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{where[:100]}: {first['msg']}") from None


def _no_code(key: str) -> InvalidInput:
    return InvalidInput(
        f"{key[:100]!r} holds strategy source code, and no code of users runs on this server", advice=_REFUSAL
    )


def _look_at_strategy(given: object) -> None:
    name = str(given).strip()
    if not isinstance(given, str) or re.search(r"[\n;(=]|\b(def|class|import|lambda)\b", name):
        raise _no_code("strategy")
    if name.lower() not in _NAMES:
        raise InvalidInput(
            f"There is no strategy {name[:40]!r}: the one there is is {STRATEGY}", advice="Leave `strategy` out."
        )


def _look_at_timeframe(given: object) -> None:
    if str(given).strip().lower() not in _M5:
        raise InvalidInput(
            f"A timeframe of {str(given)[:40]!r} is not offered: the strategy decides on M5 candles, and makes M15 and "
            "H1 of them itself",
            advice="Leave `timeframe` out, or write M5.",
        )


def _risk(given: object) -> float:
    """A fraction. 1 and more are percent, below 0.1 is a fraction; what lies between might be either."""
    try:
        value = float(given)  # type: ignore[arg-type]  # whatever the client sent: float says what it cannot read
    except (TypeError, ValueError):
        raise InvalidInput(f"A risk of {str(given)[:40]!r} is no number") from None
    if value >= _PERCENT_FROM:
        return value / 100
    if value >= _FRACTION_BELOW:
        raise InvalidInput(
            f"A risk of {value:g} a trade may mean {value:g} % or {value:.0%} of the equity",
            advice="Write percent as 1 or more, or a fraction below 0.1: 0.005 for half a percent.",
        )
    return value


def old_results(report: Mapping[str, Any]) -> dict[str, Any]:
    """The predecessor's figures, trades and equity of a report; shares in percent, as it had them.

    `max_drawdown` is positive, as there; what is not known is null.
    """
    figures = report["figures"]
    counts, money = figures["counts"], figures["money"]
    decided = counts["wins"] + counts["losses"]
    fall, made = figures["drawdown"]["maximum_share"], figures["daily"]["total_return"]
    columns = trades_columns(report)
    rows = zip(*columns.values(), strict=True)
    days = report["days"]
    return {
        "results": {
            "total_trades": counts["trades"],
            "winning_trades": counts["wins"],
            "losing_trades": counts["losses"],
            "expired_trades": counts["expired"],
            "win_rate": counts["wins"] / decided * 100 if decided else None,
            "total_pnl": money["net"],
            "profit_factor": money["profit_factor"]["value"],
            "max_drawdown": None if fall is None else -fall * 100,
            "sharpe_ratio": figures["daily"]["sharpe"]["value"],
            "total_return": None if made is None else made * 100,
            "initial_balance": figures["daily"]["balance"],
            "final_balance": figures["daily"]["equity"],
            "average_win": money["average_win"],
            "average_loss": money["average_loss"],
            "evidence": report["sentence"],
        },
        "trades": [dict(zip(columns, row, strict=True)) for row in rows],
        "equity_curve": [
            {"date": day, "equity": equity} for day, equity in zip(days["date"], days["equity"], strict=True)
        ],
    }
