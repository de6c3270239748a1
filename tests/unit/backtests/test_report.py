import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from alphaforge.backtests.breakdowns import breakdowns
from alphaforge.backtests.engine import run
from alphaforge.backtests.equity_path import Trials, equity_path, sharpe_held_against
from alphaforge.backtests.model import Options
from alphaforge.backtests.report import document, histogram_of, report_of
from alphaforge.backtests.segment import columns_of, joined, segment_of, trades_from
from alphaforge.backtests.setting_texts import ALIASES
from alphaforge.backtests.trades import trades_of
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.statistics.days import summarised
from alphaforge.statistics.figures import plain, statistics_of
from backtest_runs import controls, market, thirds, whole


@pytest.fixture(scope="module")
def report() -> Any:
    return json.loads(json.dumps(report_of(whole(), controls=controls(), version="1.2.3"), allow_nan=False))


def test_the_columns_hold_the_trades_to_the_bit() -> None:
    again, own = trades_from(json.loads(json.dumps(columns_of(whole()), allow_nan=False))), trades_of(whole())
    for field in fields(own):
        assert np.array_equal(getattr(again, field.name), getattr(own, field.name), equal_nan=True)


def test_the_figures_are_those_of_the_statistics(report: dict[str, Any]) -> None:
    own = plain(statistics_of(trades_of(whole()), balance=10_000.0))
    assert report["figures"] == json.loads(json.dumps(own))
    assert report["trades"]["equity"][-1] == pytest.approx(own["daily"]["equity"])


def test_every_kind_of_part_holds_every_trade(report: dict[str, Any]) -> None:
    total = report["figures"]["counts"]["trades"]
    assert total > 100
    for groups in report["breakdowns"].values():
        assert sum(group["trades"] for group in groups) == total
        assert sum(group["net"] for group in groups) == pytest.approx(report["figures"]["money"]["net"])
    assert [group["key"] for group in report["breakdowns"]["instrument"]] == ["GBP_USD", "XAU_USD"]
    assert {group["key"] for group in report["breakdowns"]["side"]} == {"BUY", "SELL"}


def test_every_evaluated_row_has_one_reason_or_is_a_signal(report: dict[str, Any]) -> None:
    told = report["rejections"]
    for part in (told, *told["instruments"].values()):
        assert sum(part["reasons"].values()) + part["signals"] == part["evaluated"]
    assert told["signals"] == report["figures"]["counts"]["trades"] + report["still_open"]
    assert told["evaluated"] == sum(part["evaluated"] for part in told["instruments"].values())


def test_the_histogram_and_the_days_hold_every_trade(report: dict[str, Any]) -> None:
    assert sum(report["histogram"]["counts"]) == report["figures"]["counts"]["trades"]
    days = report["days"]
    assert days["equity"][-1] == pytest.approx(report["figures"]["daily"]["equity"])
    assert min(days["drawdown"]) == pytest.approx(report["figures"]["drawdown"]["maximum_share"])
    assert days["date"] == sorted(days["date"])


def test_it_says_what_was_asked(report: dict[str, Any]) -> None:
    asked = report["asked"]
    assert asked["instruments"] == ["GBP_USD", "XAU_USD"]
    assert asked["settings"] == {}
    assert asked["fingerprint"] == DEFAULT_SETTINGS.fingerprint()
    assert asked["version"] == "1.2.3"
    assert asked["from"] < asked["evaluated_from"] < asked["evaluated_to"] <= asked["to"]
    assert asked["candles"] == {name: len(series) for name, series in market().series.items()}
    assert report["sentence"]


def test_invented_prices_are_said_to_be_invented() -> None:
    made = replace(whole(), market=replace(market(), simulated=True))
    assert report_of(made)["sentence"].startswith("On invented prices")


def test_trades_that_touched_both_levels_are_counted() -> None:
    fills = replace(whole().fills, ambiguous=np.arange(len(whole().fills)) % 2 == 0)
    told = report_of(replace(whole(), fills=fills))
    assert told["ambiguous"] == int(fills.ambiguous.sum())


def test_a_run_without_trades_has_a_report() -> None:
    settings = replace(DEFAULT_SETTINGS, minimum_votes=99.0)
    made = run(market(), settings, Options(), start=whole().start, end=whole().end)
    told = json.loads(json.dumps(report_of(made), allow_nan=False))
    assert told["verdict"] == "too_few"
    assert told["asked"]["settings"] == {"minimum_votes": 99.0}
    assert told["trades"]["opened"] == []
    assert not any(told["breakdowns"].values())


def test_thirds_join_as_one_account() -> None:
    segments = [segment_of(third) for third in thirds()]
    both = document(joined(segments))
    growth = [segment["trades"]["equity"][-1] / 10_000 for segment in segments]
    assert both["figures"]["daily"]["equity"] == pytest.approx(10_000 * math.prod(growth))
    assert both["figures"]["counts"]["trades"] == sum(len(third.fills) for third in thirds())
    assert both["rejections"]["evaluated"] == report_of(whole())["rejections"]["evaluated"]
    assert both["trades"]["closed"] == sorted(both["trades"]["closed"])
    assert both["still_open"] == sum(third.still_open for third in thirds())


def test_one_segment_joins_to_itself_and_overlapping_ones_not_at_all() -> None:
    one = segment_of(whole())
    assert joined([one]) == one
    with pytest.raises(InvalidInput, match="follow each other"):
        joined([one, one])


@pytest.mark.parametrize(
    ("r", "edges", "counts"),
    [
        ([], [], []),
        ([0.1], [0.0, 0.25], [1]),
        ([-1.0, -1.0, 2.0, 0.25], [-1.0, -0.75], [2]),
        ([-1.0, 1_000.0], [-32.0, 0.0], [1]),
    ],
    ids=str,
)
def test_bins_are_a_quarter_r_wide_until_they_are_too_many(
    r: list[float], edges: list[float], counts: list[int]
) -> None:
    told = histogram_of(r)
    assert told["edges"][:2] == edges
    assert told["counts"][:1] == counts
    assert len(told["counts"]) <= 62
    assert sum(told["counts"]) == len(r)


def test_a_sharpe_ratio_is_deflated_by_what_was_tried() -> None:
    days = summarised(trades_of(whole()))
    path = equity_path(days, 10_000.0, [(whole().start, whole().end)])
    alone, assumed, known = (
        sharpe_held_against(path, trials) for trials in (Trials(), Trials(200), Trials(200, 0.0001))
    )
    assert alone["deflated"] == alone["probability"]
    assert assumed["deflated"] < known["deflated"] < alone["deflated"]
    assert (alone["assumed"], assumed["assumed"], known["assumed"]) == (False, True, False)


def test_flat_days_count_and_weekends_do_not() -> None:
    days = summarised(trades_of(whole()))
    path = equity_path(days, 10_000.0, [(1_751_846_400, 1_751_846_400 + 14 * 86_400)])  # a Monday, two weeks
    outside = np.setdiff1d(path.day, days.day)
    assert set(((outside + 3) % 7).tolist()) <= {0, 1, 2, 3, 4}
    assert len(np.unique(path.day)) == len(path.day) >= 10


def test_confidence_of_100_is_in_the_last_bucket() -> None:
    columns = columns_of(whole()) | {"confidence": [100.0] * len(whole().fills)}
    assert [group["key"] for group in breakdowns(columns)["confidence"]] == ["90\u2013100"]


def test_a_trade_counts_in_the_hour_and_month_of_its_opening(report: dict[str, Any]) -> None:
    opened = np.array(report["trades"]["opened"])
    for group in report["breakdowns"]["hour"]:
        assert group["trades"] == int(np.count_nonzero(opened // 3_600 % 24 == int(group["key"][:2])))
    months = opened.astype("datetime64[s]").astype("datetime64[M]").astype(str)
    assert {group["key"]: group["trades"] for group in report["breakdowns"]["month"]} == dict(
        zip(*np.unique(months, return_counts=True), strict=True)
    )


def test_the_documentation_names_every_field_option_and_short_name(
    report: dict[str, Any], pytestconfig: pytest.Config
) -> None:
    text = (pytestconfig.rootpath / "docs" / "backtesting.md").read_text()
    names = {*report, *report["asked"]["options"], *report["breakdowns"], *report["controls"], *ALIASES} - {"version"}
    assert not [name for name in sorted(names) if f"`{name}`" not in text]
