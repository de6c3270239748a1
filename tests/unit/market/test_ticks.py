import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import MalformedAnswer
from alphaforge.core.times import rfc3339
from alphaforge.market.oanda.prices import TickReader
from alphaforge.market.oanda.traffic import Traffic
from alphaforge.market.source import Heartbeat, Quote
from market_builders import MONDAY, HandClock


def tick(seconds: float = 0.0, instrument: str = "GBP_USD", **changed: Any) -> bytes:
    said = {
        "type": "PRICE",
        "time": rfc3339(MONDAY + seconds),
        "instrument": instrument,
        "bids": [{"price": "1.26400", "liquidity": 1_000_000}],
        "asks": [{"price": "1.26412", "liquidity": 1_000_000}],
    } | changed
    return json.dumps(said).encode() + b"\n"


def beat(seconds: float = 0.0) -> bytes:
    return json.dumps({"type": "HEARTBEAT", "time": rfc3339(MONDAY + seconds)}).encode() + b"\n"


@pytest.fixture
def reader() -> TickReader:
    return new_reader()


def new_reader() -> TickReader:
    return TickReader(["GBP_USD", "XAU_USD"], HandClock(), Traffic())


def test_prices_and_heartbeats_are_told_apart(reader: TickReader) -> None:
    first, second = reader.feed(tick(1) + beat(2))
    assert isinstance(first, Quote)
    assert second == Heartbeat(MONDAY + 2.0)
    assert (reader.traffic.prices, reader.traffic.heartbeats) == (1, 1)


STREAM = b"".join([tick(0), beat(1), tick(2), b"\n", b"oops\n", tick(3, "XAU_USD"), tick(4), b"\r\n", beat(5)])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_where_chunks_end_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = new_reader()
    items = [item for start, end in pairwise(edges) for item in reader.feed(STREAM[start:end])]
    assert items == new_reader().feed(STREAM)
    assert len(items) == 6


@pytest.mark.parametrize(
    "line",
    [
        b"oops\n",
        b"\xff\xfe\n",
        b"[]\n",
        b'{"type":"PRICE"}\n',
        b'{"time":"now","type":"HEARTBEAT"}\n',
        tick()[:-9] + b"\n",
    ],
)
def test_a_bad_line_is_counted_and_the_stream_goes_on(reader: TickReader, line: bytes) -> None:
    assert len(reader.feed(line + tick(1))) == 1
    assert reader.traffic.bad_lines == 1


def test_a_line_without_an_end_is_an_error_and_does_not_fill_the_memory(reader: TickReader) -> None:
    reader.feed(b"x" * 900_000)
    with pytest.raises(MalformedAnswer, match="without an end"):
        reader.feed(b"x" * 200_000)


@pytest.mark.parametrize(
    "price",
    [
        {"bids": [{"price": "NaN"}]},
        {"asks": [{"price": "nan"}]},
        {"asks": [{"price": "Infinity"}]},
        {"bids": [{"price": "1.9"}]},
        {"bids": [{"price": "-1"}]},
    ],
)
def test_a_price_that_is_none_is_refused_and_counted(reader: TickReader, price: dict[str, Any]) -> None:
    assert len(reader.feed(tick(0, **price) + tick(1))) == 1
    assert reader.traffic.refused_prices == 1


def test_a_book_without_one_side_is_no_quote_and_no_fault(reader: TickReader) -> None:
    assert reader.feed(tick(0, bids=[]) + tick(1, asks=[])) == []
    assert reader.traffic.refused_prices == reader.traffic.bad_lines == 0


def test_the_same_tick_twice_and_an_older_one_are_dropped(reader: TickReader) -> None:
    assert [item.time for item in reader.feed(tick(5) + tick(5) + tick(3) + tick(6))] == [MONDAY + 5, MONDAY + 6]
    assert reader.traffic.stale_prices == 2


def test_each_instrument_has_its_own_order(reader: TickReader) -> None:
    assert len(reader.feed(tick(5) + tick(3, "XAU_USD"))) == 2


def test_a_tick_from_the_future_is_dropped_and_does_not_stop_those_of_now(reader: TickReader) -> None:
    items = reader.feed(tick(3600) + tick(9))
    assert [item.time for item in items] == [MONDAY + 9]
    assert reader.traffic.future_prices == 1


def test_a_replay_runs_on_while_a_tick_is_under_way() -> None:
    reader = TickReader(["GBP_USD"], HandClock(speed=60.0), Traffic())
    assert len(reader.feed(tick(500))) == 1
    assert len(reader.feed(tick(700))) == 0


def test_what_was_not_asked_for_is_passed_over(reader: TickReader) -> None:
    assert reader.feed(tick(0, "EUR_USD") + tick(0, type="NEWS")) == []


sides = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0.5, 2.0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-100, 100), sides, sides), max_size=20))
def test_whatever_comes_quotes_are_possible_in_order_and_not_from_the_future(
    ticks: list[tuple[float, float, float]],
) -> None:
    reader = new_reader()
    lines = b"".join(
        tick(seconds, bids=[{"price": str(bid)}], asks=[{"price": str(ask)}]) for seconds, bid, ask in ticks
    )
    quotes = [item for item in reader.feed(lines) if isinstance(item, Quote)]
    assert all(0 < quote.bid <= quote.ask < float("inf") for quote in quotes)
    assert all(left.time < right.time for left, right in pairwise(quotes))
    assert all(quote.time <= MONDAY + 10 for quote in quotes)
    counted = reader.traffic
    assert counted.prices == len(quotes)
    assert counted.prices + counted.refused_prices + counted.stale_prices + counted.future_prices == len(ticks)
    assert counted.bad_lines == 0
