import json
import re
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.explain import decision_from_dict, decision_to_dict, differences, sentence
from alphaforge.signals.model import Decision, Direction, FilterName, FilterResult, Levels, Regime, TimeframeVotes
from builders import decision

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.integers(0, 4_102_444_800_000_000).map(lambda micro: round(micro / 1_000_000, 6))
TIMES = st.integers(0, 4_102_444_800)
VOTES = st.builds(
    TimeframeVotes,
    granularity=st.sampled_from(list(Granularity)),
    candle_time=TIMES,
    ema_ribbon=st.sampled_from([-1, 0, 1]),
    rsi=st.sampled_from([-1, 0, 1]),
    macd=st.sampled_from([-1, 0, 1]),
    bollinger=st.sampled_from([-1, 0, 1]),
    stochastic=st.sampled_from([-1, 0, 1]),
    volume=st.sampled_from([-0.5, 0.0, 0.5]),
    buy=NUMBERS,
    sell=NUMBERS,
    values=st.dictionaries(st.text(max_size=8), st.none() | NUMBERS, max_size=4),
)
FILTERS = st.builds(
    FilterResult,
    name=st.sampled_from(list(FilterName)),
    passed=st.booleans(),
    measured=st.none() | NUMBERS,
    threshold=st.none() | NUMBERS,
    change=st.text(max_size=20),
)
DECISIONS = st.builds(
    Decision,
    strategy=st.text(max_size=10),
    instrument=st.text(max_size=10),
    candle_time=TIMES,
    as_of=MOMENTS,
    direction=st.none() | st.sampled_from(list(Direction)),
    reason=st.none() | st.sampled_from(list(FilterName)),
    regime=st.sampled_from(list(Regime)),
    buy_votes=NUMBERS,
    sell_votes=NUMBERS,
    strength=NUMBERS,
    agreement=NUMBERS,
    confidence=NUMBERS,
    close=NUMBERS,
    atr=st.none() | NUMBERS,
    adx=st.none() | NUMBERS,
    spread=NUMBERS,
    levels=st.none() | st.builds(Levels, st.sampled_from(list(Direction)), NUMBERS, NUMBERS, NUMBERS),
    risk_fraction=NUMBERS,
    timeframes=st.lists(VOTES, max_size=3).map(tuple),
    filters=st.lists(FILTERS, max_size=4).map(tuple),
    candle_hash=st.text(max_size=10),
    settings_hash=st.text(max_size=10),
)


@given(DECISIONS)
def test_a_decision_survives_json_without_losing_a_bit(one: Decision) -> None:
    text = json.dumps(decision_to_dict(one), allow_nan=False)
    again = decision_from_dict(json.loads(text))
    assert again == one
    for name in ("buy_votes", "close", "spread"):
        assert getattr(again, name).hex() == getattr(one, name).hex()
    assert isinstance(again.regime, Regime)
    assert json.dumps(decision_to_dict(again), allow_nan=False) == text


def test_times_are_written_as_people_read_them() -> None:
    plain = decision_to_dict(decision(as_of=1_736_121_900.25))
    assert plain["candle_time"] == "2025-01-06T00:00:00Z"
    assert plain["as_of"] == "2025-01-06T00:05:00.250000Z"
    assert plain["timeframes"][0]["candle_time"] == "2025-01-06T00:00:00Z"
    assert plain["timeframes"][0]["granularity"] == "M5"


@pytest.mark.parametrize(
    "change",
    [
        {"regime": "sunny"},
        {"direction": "HOLD"},
        {"candle_time": "yesterday"},
        {"candle_time": None},
        {"filters": [{"name": "luck"}]},
        {"timeframes": [{}]},
        {"levels": {"direction": "BUY"}},
        {"levels": "high"},
    ],
    ids=str,
)
def test_what_was_never_a_decision_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        decision_from_dict(decision_to_dict(decision()) | change)


@pytest.mark.parametrize("name", [field.name for field in fields(Decision)])
def test_a_decision_that_lacks_a_field_is_refused(name: str) -> None:
    plain = decision_to_dict(decision())
    del plain[name]
    with pytest.raises(InvalidInput):
        decision_from_dict(plain)


def test_a_signal_says_its_levels_and_who_voted() -> None:
    assert sentence(decision()) == (
        "BUY GBP_USD at 1.25, stop 1.2485, target 1.253. BUY leads with 2.50 weighted votes against 0.00, "
        "100% of the timeframes lean that way. M5: EMA ribbon buy, MACD buy, volume buy. "
        "M15: EMA ribbon buy, MACD buy, volume buy. H1: EMA ribbon buy, MACD buy, volume buy. "
        "The regime is trending up low volatility."
    )


def rejected(*failures: tuple[FilterName, str], **changes: Any) -> Decision:
    words = dict(failures)
    filters = tuple(FilterResult(name, name not in words, 1.0, 1.0, words.get(name, "")) for name in FilterName)
    return decision(reason=failures[0][0], filters=filters, **changes)


def test_a_rejection_says_its_reason_first_and_then_the_others() -> None:
    words = sentence(
        rejected((FilterName.TREND, "needs ADX 25.0, is 18.2"), (FilterName.COOLDOWN, "needs 35 min more"))
    )
    assert words.startswith(
        "No signal on GBP_USD: the trend is too weak (needs ADX 25.0, is 18.2). "
        "Also: the last signal is too recent (needs 35 min more). BUY leads with 2.50 weighted votes"
    )


def test_a_rejection_without_a_direction_says_which_side_was_nearest() -> None:
    failure = (FilterName.NO_DIRECTION, "needs 0.10 more")
    words = sentence(rejected(failure, direction=None, levels=None, buy_votes=0.5, sell_votes=1.9))
    assert "SELL is nearest with 1.90 weighted votes against 0.50" in words
    tied = sentence(rejected(failure, direction=None, levels=None, buy_votes=1.5, sell_votes=1.5))
    assert "Neither side leads: 1.50 weighted votes each." in tied


@pytest.mark.parametrize("name", list(FilterName))
def test_every_reason_has_its_words(name: FilterName) -> None:
    words = sentence(rejected((name, "because")))
    assert re.match(r"No signal on GBP_USD: [a-z ]{10,}[a-z] \(because\)\. BUY leads", words)


def test_silence_is_said_too() -> None:
    quiet = replace(decision().timeframes[0], ema_ribbon=0, macd=0, volume=0.0)
    assert "M5: all silent." in sentence(decision(timeframes=(quiet,)))


def test_differences_name_what_was_decided_otherwise_but_not_when() -> None:
    one = decision()
    assert differences(one, one) == ()
    assert differences(one, decision(as_of=9.0)) == ()
    assert differences(one, decision(close=1.3, atr=0.002)) == ("close", "atr")
    later = replace(one.filters[0], measured=7.0)
    assert differences(one, decision(filters=(later, *one.filters[1:]))) == ()
    failed = replace(one.filters[0], passed=False)
    assert differences(one, decision(filters=(failed, *one.filters[1:]))) == ("filters.stale_data",)
    wider = replace(one.filters[8], measured=7.0)
    assert differences(one, decision(filters=(*one.filters[:8], wider, *one.filters[9:]))) == ("filters.spread",)
