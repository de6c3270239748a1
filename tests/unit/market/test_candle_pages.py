import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import MalformedAnswer
from alphaforge.market.oanda import candle_pages
from alphaforge.market.oanda.candle_digits import columns_in_bulk
from alphaforge.market.oanda.candle_pages import candle_page
from alphaforge.market.oanda.failures import Garbled
from market_builders import M5, MONDAY, STEP, candle_body, candle_row, same, series

HUNDREDS = series(range(MONDAY, MONDAY + 400 * STEP, STEP))
FEW = HUNDREDS.rows(0, 5)
WRITTEN = json.loads(candle_body(HUNDREDS))["candles"]


def rows(body: bytes) -> list[dict[str, Any]]:
    return json.loads(body)["candles"]


def page(candles: list[dict[str, Any]], **json_style: Any) -> bytes:
    return json.dumps({"instrument": "GBP_USD", "granularity": "M5", "candles": candles}, **json_style).encode()


def in_bulk(body: bytes) -> bool:
    """Whether the fast way takes this page."""
    return columns_in_bulk(body[body.index(b"[") + 1 : body.rindex(b"]")]) is not None


@pytest.fixture
def every_page_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_pages, "_BULK", 0)


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("candles", [FEW, HUNDREDS], ids=["few", "many"])
def test_a_page_is_read_in_either_form_of_time(candles: Any, unix: bool) -> None:  # noqa: FBT001 - a parameter
    read = candle_page(candle_body(candles, unix=unix), "GBP_USD", M5)
    assert same(read.closed, candles)
    assert (read.forming, read.forming_start) == (False, None)


def test_large_pages_are_read_in_bulk() -> None:
    assert len(candle_body(HUNDREDS)) > candle_pages._BULK
    assert in_bulk(candle_body(HUNDREDS))
    assert in_bulk(candle_body(HUNDREDS, unix=True))


def written_price(whole: int, fraction: int, decimals: int) -> str:
    return f"{whole}.{fraction:09d}"[: decimals + len(str(whole)) + 1]


price = st.builds(written_price, st.integers(0, 999_999), st.integers(0, 999_999_999), st.integers(1, 9))
moment = st.integers(0, 4_000_000_000)
candle = st.tuples(moment, st.integers(0, 10**12), st.lists(price, min_size=12, max_size=12))


@settings(deadline=None, max_examples=60)
@given(st.lists(candle, min_size=1, max_size=4))
def test_reading_in_bulk_gives_the_very_floats_that_python_reads(candles: list[tuple[int, int, list[str]]]) -> None:
    for unix in (True, False):
        written = []
        for time, volume, prices in candles:
            text = f"{time}.000000000" if unix else f"{np.datetime64(time, 's')}.000000000Z"
            sides = {
                s: dict(zip("ohlc", prices[i : i + 4], strict=True)) for s, i in (("mid", 0), ("bid", 4), ("ask", 8))
            }
            written.append({"complete": True, "volume": volume, "time": text, **sides})
        columns = columns_in_bulk(json.dumps(written)[1:-1].encode())
        assert columns is not None
        assert columns[0].tolist() == [time for time, _, _ in candles]
        assert columns[13].tolist() == [volume for _, volume, _ in candles]
        for place in range(12):
            assert columns[1 + place].tolist() == [float(prices[place]) for _, _, prices in candles]


@pytest.mark.parametrize(
    "style",
    [{"separators": (",", ":")}, {"separators": (", ", ": ")}, {"indent": 1}, {"sort_keys": True}],
    ids=["compact", "spaced", "indented", "sorted"],
)
@pytest.mark.parametrize("still_forming", [0, 1, 3])
@pytest.mark.usefixtures("every_page_in_bulk")
def test_the_way_a_page_is_written_makes_no_difference(style: dict[str, Any], still_forming: int) -> None:
    body = candle_body(HUNDREDS, incomplete=range(-still_forming, 0))
    read = candle_page(page(rows(body), **style), "GBP_USD", M5)
    assert same(read.closed, HUNDREDS.rows(0, 400 - still_forming))
    assert read.forming_start == (int(HUNDREDS.time[400 - still_forming]) if still_forming else None)


@pytest.mark.parametrize("candles", [FEW, HUNDREDS], ids=["few", "many"])
def test_closed_candles_end_before_the_first_that_is_late_even_if_complete_ones_follow(candles: Any) -> None:
    read = candle_page(candle_body(candles, incomplete=[2, -1]), "GBP_USD", M5)
    assert same(read.closed, candles.rows(0, 2))
    assert read.forming_start == candles.time[2]


def test_a_page_without_candles_is_an_answer() -> None:
    read = candle_page(page([]), "GBP_USD", M5)
    assert len(read.closed) == 0
    assert not read.forming


def test_a_page_of_one_forming_candle_has_no_closed_one() -> None:
    read = candle_page(candle_body(FEW.rows(0, 1), incomplete=[0]), "GBP_USD", M5)
    assert len(read.closed) == 0
    assert read.forming_start == MONDAY


def change(path: list[Any], value: Any) -> bytes:
    """A large page with one value in it changed."""
    candles = target = copy.deepcopy(WRITTEN)
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return page(candles, separators=(",", ":"))


@pytest.mark.parametrize("row", [0, 200, 399])
@pytest.mark.parametrize(
    ("where", "value"),
    [
        (["bid", "o"], "NaN"),
        (["bid", "o"], "Infinity"),
        (["ask", "h"], "-1.30000"),
        (["mid", "l"], "9.99999"),
        (["mid", "h"], "0.00001"),
        (["mid", "c"], ""),
        (["mid", "c"], "1.3.0"),
        (["mid", "c"], "1e3"),
        (["mid", "c"], None),
        (["mid", "c"], "0.0"),
        (["bid", "c"], "1.99999"),
        (["volume"], -3),
        (["volume"], "many"),
        (["time"], "2024-07-01T00:00:01.000000000Z"),
        (["time"], "2024-13-01T00:00:00.000000000Z"),
        (["time"], "2024-07-01T24:00:00.000000000Z"),
        (["time"], "yesterday"),
        (["time"], "1980-01-01T00:05:00.000000000Z"),
        (["time"], "2080-01-01T00:05:00.000000000Z"),
        (["ask"], None),
        (["ask"], {"o": "1.3", "h": "1.3", "l": "1.3"}),
        (["complete"], None),
    ],
)
def test_a_candle_that_cannot_be_makes_the_whole_answer_malformed(row: int, where: list[Any], value: Any) -> None:
    if value in ("1980-01-01T00:05:00.000000000Z", "2080-01-01T00:05:00.000000000Z") and row in (0, 399):
        value = rows(candle_body(HUNDREDS))[200]["time"]  # at the edges an old or a new time alone is in order
    with pytest.raises(MalformedAnswer):
        candle_page(change([row, *where], value), "GBP_USD", M5)


def test_two_wrong_numbers_that_cancel_are_still_wrong() -> None:
    body = candle_body(HUNDREDS)
    first, second = (f'"{HUNDREDS.mid.open[i]:.5f}"'.encode() for i in (7, 8))
    dotless, two_dots = first.replace(b".", b""), second.replace(b".", b".0.")
    broken = body.replace(b'"mid":{"o":' + first, b'"mid":{"o":' + dotless, 1).replace(
        b'"mid":{"o":' + second, b'"mid":{"o":' + two_dots, 1
    )
    assert broken != body
    assert not in_bulk(broken)
    with pytest.raises(MalformedAnswer):
        candle_page(broken, "GBP_USD", M5)


def test_a_price_written_as_a_whole_number_is_a_price() -> None:
    candles = rows(candle_body(HUNDREDS))
    for side in ("bid", "mid", "ask"):
        candles[200][side] = dict.fromkeys("ohlc", "2")
    body = page(candles, separators=(",", ":"))
    assert not in_bulk(body)
    assert candle_page(body, "GBP_USD", M5).closed.mid.close[200] == 2.0


def test_a_number_with_more_digits_than_a_float_holds_is_left_to_the_slow_way() -> None:
    candles = rows(candle_body(HUNDREDS))
    candles[200]["mid"]["c"] = candles[200]["mid"]["o"] = candles[200]["mid"]["l"]
    long = candles[200]["mid"]["c"] + "00000000000001"
    candles[200]["mid"]["c"] = long
    candles[200]["mid"]["h"] = "9.0"
    body = page(candles, separators=(",", ":"))
    assert not in_bulk(body)
    assert candle_page(body, "GBP_USD", M5).closed.mid.close[200] == float(long)


@pytest.mark.parametrize("candles", [FEW, HUNDREDS], ids=["few", "many"])
@pytest.mark.parametrize("order", ["swapped", "twice"])
def test_candles_out_of_order_or_twice_are_malformed(candles: Any, order: str) -> None:
    written = rows(candle_body(candles))
    written[3], written[4] = (written[4], written[3]) if order == "swapped" else (written[3], written[3])
    with pytest.raises(MalformedAnswer, match="out of order"):
        candle_page(page(written), "GBP_USD", M5)


@pytest.mark.parametrize("changed", [{"instrument": "USD_JPY"}, {"granularity": "M15"}])
@pytest.mark.parametrize("candles", [FEW, HUNDREDS], ids=["few", "many"])
def test_candles_of_another_kind_are_malformed(candles: Any, changed: dict[str, str]) -> None:
    with pytest.raises(MalformedAnswer, match="other candles"):
        candle_page(candle_body(candles, **changed), "GBP_USD", M5)


@pytest.mark.parametrize("cut", [10, 400, 100_000])
def test_half_a_page_is_garbled(cut: int) -> None:
    with pytest.raises(Garbled):
        candle_page(candle_body(HUNDREDS)[:cut], "GBP_USD", M5)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"nul", b'{"candles": [', b"\xff\xfe", b"{]"])
def test_what_is_no_json_is_garbled_and_not_quoted(body: bytes) -> None:
    with pytest.raises(Garbled) as error:
        candle_page(body, "GBP_USD", M5)
    assert "html" not in error.value.message


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.integers(0, 140_000))
def test_whatever_is_broken_in_a_page_is_malformed_or_the_truth(noise: bytes, place: int) -> None:
    body = candle_body(HUNDREDS)
    broken = body[:place] + noise + body[place + len(noise) :]
    try:
        read = candle_page(broken, "GBP_USD", M5)
    except MalformedAnswer:
        return
    assert len(read.closed) <= 400
    expected = [row for row in rows(broken) if row["complete"]][: len(read.closed)]
    assert read.closed.mid.close.tolist() == [float(row["mid"]["c"]) for row in expected]


def test_rows_are_written_as_oanda_writes_them() -> None:
    assert list(candle_row(FEW, 0)) == ["complete", "volume", "time", "bid", "mid", "ask"]
