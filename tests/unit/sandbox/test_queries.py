import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.times import rfc3339
from alphaforge.market.sandbox.buckets import SECONDS
from alphaforge.market.sandbox.queries import MOST_CANDLES, USUAL_CANDLES, candle_query, moment_of
from alphaforge.market.sandbox.refusal import Refusal

NOW = 1_751_900_000.5
past = st.integers(1_600_000_000, 1_751_000_000)


def refusal(now: float = NOW, **parameters: str) -> str:
    with pytest.raises(Refusal) as refused:
        candle_query({name.rstrip("_"): text for name, text in parameters.items()}, now)
    assert refused.value.status == 400
    return refused.value.message


def test_a_bare_request_means_five_hundred_mid_candles_of_five_seconds() -> None:
    query = candle_query({}, NOW)

    assert (query.prices, query.buckets.granularity, query.count) == ("M", "S5", USUAL_CANDLES)
    assert query.start is query.end is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"granularity": "M3"}, "Invalid value specified for 'granularity'"),
        ({"granularity": "m5"}, "Invalid value specified for 'granularity'"),
        ({"price": "MX"}, "Invalid value specified for 'price'"),
        ({"price": "MM"}, "Invalid value specified for 'price'"),
        ({"price": ""}, "Invalid value specified for 'price'"),
        ({"count": "0"}, "Invalid value specified for 'count'"),
        ({"count": "-3"}, "Invalid value specified for 'count'"),
        ({"count": "ten"}, "Invalid value specified for 'count'"),
        ({"count": "5001"}, "Maximum value for 'count' exceeded"),
        ({"from_": "yesterday"}, "Invalid value specified for 'from'"),
        ({"from_": "2025-07-01T00:00:00"}, "Invalid value specified for 'from'"),
        ({"to": "1e9"}, "Invalid value specified for 'to'"),
        ({"to": "1751900001"}, "Invalid value specified for 'to'. Time is in the future"),
        ({"from_": "1751900001"}, "Invalid value specified for 'from'. Time is in the future"),
        (
            {"from_": "1751800000", "to": "1751700000"},
            "Invalid value specified for 'to'. 'to' must not be before 'from'",
        ),
        ({"includeFirst": "perhaps"}, "Invalid value specified for 'includeFirst'"),
        ({"dailyAlignment": "24"}, "Invalid value specified for 'dailyAlignment'"),
        ({"alignmentTimezone": "Mars/Olympus"}, "Invalid value specified for 'alignmentTimezone'"),
        ({"alignmentTimezone": "../etc"}, "Invalid value specified for 'alignmentTimezone'"),
        ({"weeklyAlignment": "friday"}, "Invalid value specified for 'weeklyAlignment'"),
        (
            {"count": "5", "from_": "1751700000", "to": "1751800000"},
            "'count' cannot be specified when 'to' and 'from' are set",
        ),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_in_oandas_words(parameters: dict[str, str], message: str) -> None:
    assert refusal(**parameters) == message


@settings(deadline=None, max_examples=50)
@given(past, st.integers(0, 2 * MOST_CANDLES), st.sampled_from(sorted(SECONDS)))
def test_a_span_may_hold_five_thousand_candles_and_no_more(start: int, candles: int, granularity: str) -> None:
    end = start + candles * SECONDS[granularity]
    asked = {"granularity": granularity, "from_": str(start), "to": str(end)}
    if candles > MOST_CANDLES:
        assert refusal(now=4e10, **asked) == "Maximum value for 'count' exceeded"
    else:
        query = candle_query({"granularity": granularity, "from": str(start), "to": str(end)}, 4e10)
        assert query.start is not None
        assert query.end is not None
        assert query.start <= start <= end <= query.end


@settings(deadline=None)
@given(past, st.sampled_from(sorted(SECONDS)))
def test_the_first_candle_is_the_one_that_holds_from_unless_it_is_not_wanted(moment: int, granularity: str) -> None:
    asked = {"granularity": granularity, "from": str(moment)}
    first = candle_query(asked, NOW).start
    second = candle_query(asked | {"includeFirst": "False"}, NOW).start

    assert first is not None
    assert second is not None
    assert first <= moment < second


@settings(deadline=None)
@given(past, st.integers(0, 999_999))
def test_a_moment_is_read_in_both_of_oandas_forms(seconds: int, micros: int) -> None:
    moment = seconds + micros / 1e6

    assert moment_of(f"{seconds}.{micros:06d}000") == pytest.approx(moment, abs=1e-6)
    assert moment_of(rfc3339(seconds).replace("Z", f".{micros:06d}000Z")) == pytest.approx(moment, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["granularity", "price", "count", "from", "to", "includeFirst"]), st.text()))
def test_whatever_is_asked_is_understood_or_refused(parameters: dict[str, str]) -> None:
    try:
        query = candle_query(parameters, NOW)
    except Refusal:
        return
    assert 1 <= query.count <= MOST_CANDLES
