import json
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from alphaforge.backtests.compare import compared, rows_of
from alphaforge.backtests.report import report_of
from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.calendar import day_name, trading_days
from backtest_runs import thirds, whole


@pytest.fixture(scope="module")
def report() -> Any:
    return json.loads(json.dumps(report_of(whole(), version="1.2.3")))


def shifted(report: dict[str, Any], by: float) -> dict[str, Any]:
    """The same trades, each worth so much more."""
    other = deepcopy(report)
    other["trades"]["r"] = [r + by for r in report["trades"]["r"]]
    return other


def test_a_report_does_not_differ_from_itself(report: dict[str, Any]) -> None:
    told = compared([report, report])
    assert told["differences"][0]["expectancy_r"]["value"] == 0
    assert told["sentence"].startswith("B against A: no difference shown, 0.000 R a trade")
    assert (told["settings"], told["options"], told["warnings"]) == ({}, {}, [])
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_days_are_drawn_for_both_alike_so_that_a_constant_difference_is_certain(report: dict[str, Any]) -> None:
    told = compared([report, shifted(report, -0.2)], ["before", "after"])
    difference = told["differences"][0]["expectancy_r"]
    assert [difference[key] for key in ("value", "low", "high")] == pytest.approx([-0.2] * 3)
    assert told["sentence"].startswith("after against before: worse by 0.200 R a trade")
    assert compared([report, shifted(report, 0.2)])["sentence"].startswith("B against A: better by 0.200 R")


def test_a_difference_that_the_days_may_have_made_is_not_shown(report: dict[str, Any]) -> None:
    other = deepcopy(report)
    noise = np.random.default_rng(3).normal(0, 1, len(report["trades"]["r"]))
    other["trades"]["r"] = (np.array(report["trades"]["r"]) + noise - noise.mean()).tolist()
    told = compared([report, other])
    difference = told["differences"][0]["expectancy_r"]
    assert difference["low"] < difference["value"] < difference["high"]
    assert "no difference shown" in told["sentence"]


def test_a_trade_counts_on_the_trading_day_of_its_opening(report: dict[str, Any]) -> None:
    days = trading_days(np.array(report["trades"]["opened"]))
    other = deepcopy(report)
    other["trades"]["r"] = (np.array(report["trades"]["r"]) + days).tolist()  # each day differs by its own number
    chosen = int(days[len(days) // 2])
    other["days"]["date"] = [day_name(chosen)]
    told = compared([report, other])
    assert told["differences"][0]["expectancy_r"]["value"] == pytest.approx(chosen)
    assert told["sentence"] == "B against A: fewer than 5 trading days in common, too few to say anything."


def test_other_periods_instruments_and_settings_are_said(report: dict[str, Any]) -> None:
    other = json.loads(json.dumps(report_of(thirds()[1])))
    other["asked"] |= {"settings": {"stop_atr": 2.0, "untraded": []}, "instruments": ["GBP_USD"]}
    other["asked"]["options"]["risk"] = 0.01
    told = compared([report, other])
    assert [warning.partition(" differ.")[0] for warning in told["warnings"]] == [
        "The periods",
        "The instruments",
        "The versions of the code",
    ]
    assert told["settings"] == {"stop_atr": [1.5, 2.0], "untraded": [["ranging_high_volatility", "unknown"], []]}
    assert told["options"] == {"risk": [None, 0.01]}
    assert told["differences"][0]["days"] == len(set(report["days"]["date"]) & set(other["days"]["date"]))
    rows = rows_of(told)
    assert rows[0] == ["", "A", "B"]
    assert ["stop_atr", "1.5", "2"] in rows
    assert ["untraded", "ranging_high_volatility+unknown", "none"] in rows
    assert all(len(row) == 3 and all(isinstance(cell, str) for cell in row) for row in rows)


def test_periods_without_a_common_day_are_not_compared(report: dict[str, Any]) -> None:
    other = deepcopy(report)
    other["days"]["date"] = [f"1999{day[4:]}" for day in report["days"]["date"]]
    assert "no trading day in common" in compared([report, other])["sentence"]


def test_a_report_without_trades_is_not_compared(report: dict[str, Any]) -> None:
    other = deepcopy(report)
    other["trades"] = {name: [] for name in report["trades"]}
    assert "nothing can be said" in compared([report, other])["sentence"]


def test_one_report_is_no_comparison(report: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="two reports"):
        compared([report])
    with pytest.raises(InvalidInput, match="no report of trades"):
        compared([report, {"kind": "grid", "report": None}])
