"""The track record's parts, its sentence, and why signals are left out."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from alphaforge.api.encoding import json_bytes
from alphaforge.api.track_record_body import record_body, sentence
from alphaforge.signals.model import Regime
from alphaforge.statistics.breakdown import by
from alphaforge.statistics.figures import plain
from alphaforge.statistics.sections import Estimate
from alphaforge.statistics.trades import ResultClass, Trades
from alphaforge.storage.signal_results import Maker, Others, Settled, Whose, followers_of, settled_of

OURS = Whose(Maker.STRATEGY, "sandbox")
NOBODY = followers_of([])
REGIMES = tuple(map(str, Regime))


def settled(count: int, seed: int = 1) -> Settled:
    """Signals of a year, some of them without a regime or a score."""
    draw = np.random.default_rng(seed)
    opened = np.sort(draw.integers(1_735_689_600, 1_767_225_600, count)) // 300 * 300
    rows = [
        (
            *(number, int(opened[number]), float(opened[number] + draw.integers(1, 48) * 300)),
            ("GBP_USD", "USD_JPY", "XAU_USD")[draw.integers(3)],
            [None, *REGIMES][draw.integers(len(REGIMES) + 1)],
            int(draw.integers(3)) * 12 + (4, 8)[draw.integers(2)] + 36,
            [None, float(draw.uniform(0, 100)), 250.0][draw.integers(3)],
            *(float(draw.normal(0, 10)), float(draw.choice([2.0, -1.0, 0.3])), 1.5, None, 0.05),
        )
        for number in range(count)
    ]
    return settled_of(rows)


def body(found: Settled, others: tuple[Others, ...] = (), whose: Whose = OURS) -> dict[str, Any]:
    return record_body(whose, found, others, NOBODY, simulated=True)


def test_each_kind_of_part_has_every_signal_once() -> None:
    record = body(settled(400))
    assert {kind: sum(part["trades"] for part in parts) for kind, parts in record["breakdown"].items()} == (
        dict.fromkeys(("instrument", "side", "regime", "session", "hour", "weekday", "month", "confidence"), 400)
    )
    sides = {part["key"]: part["trades"] for part in record["breakdown"]["side"]}
    assert sides == {"BUY": int((settled(400).side > 0).sum()), "SELL": int((settled(400).side < 0).sum())}
    assert record["breakdown"]["regime"][-1]["key"] is None
    assert record["breakdown"]["confidence"][-1]["key"] is None
    assert sum(bucket["trades"] for bucket in record["calibration"]["buckets"]) == record["calibration"]["known"] < 400


def test_parts_are_the_figures_of_their_own_signals() -> None:
    found = settled(300)
    classes = np.array([ResultClass.WIN, ResultClass.LOSS, ResultClass.EXPIRED], np.int8)[found.status]
    columns = {field.name: getattr(found, field.name) for field in fields(Trades) if hasattr(found, field.name)}
    trades = Trades(**columns, amount=found.r, result=classes)
    keys = [found.instruments[place] for place in found.instrument]
    alone = [{"key": group.key, **plain(group.figures)} for group in by(trades, keys)]
    assert body(found)["breakdown"]["instrument"] == alone


@pytest.mark.parametrize(
    ("codes", "told"), [([1, 0, -1], True), ([0, 0, 0], False), ([0, -1, 0], None), ([-1, -1, -1], None)]
)
def test_prices_are_real_only_where_every_signal_says_so(codes: list[int], told: bool | None) -> None:  # noqa: FBT001 - expected
    assert body(replace(settled(3), simulated=np.array(codes, np.int8)))["simulated"] is told


def test_the_answer_is_json_whatever_is_not_known() -> None:
    assert b"NaN" not in json_bytes(body(settled(3)))
    assert body(settled(0))["breakdown"]["month"] == []


@pytest.mark.parametrize(
    ("count", "factor", "said"),
    [
        (0, Estimate(None, 0), "No settled signal: nothing to judge."),
        (12, Estimate(1.9, 12, 1.2, 2.4), "12 settled signals: too few to say anything."),
        (40, Estimate(None, 40), "40 settled signals: no edge shown, for their profit factor has no interval."),
        (
            1_412,
            Estimate(1.04, 1_412, 0.914, 1.186),
            (
                "1,412 settled signals: no edge shown. Their profit factor 1.04, with 95 % confidence between 0.91 and "
                "1.19, includes 1."
            ),
        ),
        (
            500,
            Estimate(0.8, 500, 0.7, 0.95),
            (
                "500 settled signals lost more than they won: profit factor 0.80, with 95 % confidence between 0.70 "
                "and 0.95."
            ),
        ),
        (
            500,
            Estimate(1.4, 500, 1.05, 1.8),
            (
                "500 settled signals won more than they lost: profit factor 1.40, with 95 % confidence between 1.05 "
                "and 1.80. That is their past, and no promise."
            ),
        ),
    ],
)
def test_the_sentence_says_no_more_than_the_interval(count: int, factor: Estimate, said: str) -> None:
    assert sentence(factor, count, simulated=False) == said
    expected = f"On invented prices, which say nothing of a market: {said}" if count else said
    assert sentence(factor, count, simulated=True) == expected


def other(**changes: Any) -> Others:
    one = {"source": "sandbox", "origin": "strategy", "strategy": "voting-v3", "simulated": True, "status": "WON"}
    given: dict[str, Any] = one | {"known": True, "count": 1}
    return Others(**(given | changes))


@pytest.mark.parametrize(
    ("whose", "changes", "reason"),
    [
        (OURS, {}, "said_by_hand"),
        (OURS, {"known": False, "status": "EXPIRED"}, "unseen"),
        (OURS, {"status": "CLOSED", "known": False}, "withdrawn"),
        (OURS, {"source": "oanda-live"}, "other_market"),
        (OURS, {"source": "oanda-live", "origin": "manual", "strategy": None}, "other_market"),
        (OURS, {"origin": "manual", "strategy": None}, "made_by_hand"),
        (OURS, {"origin": None, "source": None, "strategy": None, "simulated": None}, "predecessor"),
        (Whose(Maker.STRATEGY, "sandbox", "cross"), {}, "other_strategy"),
        (Whose(Maker.STRATEGY, "sandbox", simulated=False), {}, "other_prices"),
        (Whose(Maker.HAND, "sandbox"), {}, "other_strategy"),
        (Whose(Maker.PREDECESSOR), {}, "other_market"),
        (Whose(Maker.PREDECESSOR), {"origin": None, "source": None, "known": False}, "unseen"),
    ],
)
def test_what_is_left_out_says_why(whose: Whose, changes: dict[str, Any], reason: str) -> None:
    left = body(settled(0), (other(**changes),), whose)["left_out"]
    assert [(one["reason"], one["signals"]) for one in left] == [(reason, 1)]
    assert left[0]["means"]


def test_open_signals_are_counted_where_they_would_be_in() -> None:
    some = (other(status="ACTIVE", known=False, count=3), other(status="PENDING", source="oanda-live", count=2))
    record = body(settled(0), some)
    assert (record["signals"]["open"], record["left_out"]) == (3, [])
