from dataclasses import replace

import pytest

from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.signals.desk import Book, opened
from alphaforge.signals.model import Direction, FilterName, Levels, Status
from builders import GBP_USD, MONDAY, bars, decision, open_signal

OPENED = MONDAY + 300
PIPS = {"GBP_USD": 0.0001, "USD_JPY": 0.01, "XAU_USD": 0.01}
QUIET = [1.2499, 1.2505, 1.2495, 1.2500]
STOPPED = [1.2495, 1.2496, 1.2480, 1.2482]
TAKEN = [1.2510, 1.2535, 1.2505, 1.2533]
BOTH = [1.2500, 1.2540, 1.2480, 1.2500]


def test_a_signal_opens_at_the_close_of_its_candle_for_four_hours() -> None:
    assert opened(decision(), 7) == open_signal(id=7)


def test_a_rejection_opens_nothing() -> None:
    with pytest.raises(InvalidInput, match="cooldown"):
        Book().add(decision(reason=FilterName.COOLDOWN), 1)


def test_exposure_is_net_by_currency() -> None:
    book = Book()
    book.hold((open_signal(id=1), open_signal(Direction.SELL, id=2, instrument="XAU_USD")))
    assert book.exposure() == {"GBP": 1, "XAU": -1}
    yen = {"instrument": "USD_JPY", "entry": 150.0, "stop": 149.0, "target": 152.0}
    book.hold((open_signal(id=3, **yen), open_signal(id=4, **yen)))
    assert book.exposure() == {"GBP": 1, "XAU": -1, "USD": 2, "JPY": -2}


def test_a_signal_is_in_the_next_context() -> None:
    book = Book()
    before = book.context_for(GBP_USD, 5.0, market_open=True)
    assert (before.exposure, before.last_signal_at, before.r_multiples) == ({}, None, ())
    book.add(decision(), 1)
    after = book.context_for(GBP_USD, 6.0, market_open=False)
    assert (after.exposure, after.last_signal_at) == ({"GBP": 1, "USD": -1}, OPENED)
    assert (after.as_of, after.market_open, after.instrument) == (6.0, False, GBP_USD)
    assert before.exposure == {}


def test_an_older_signal_added_later_is_not_the_newest() -> None:
    book = Book()
    book.add(decision(), 2)
    book.add(decision(candle_time=MONDAY - 7_200), 1)
    assert book.last_signal_at == {"GBP_USD": OPENED}


def test_what_has_ended_leaves_the_book_and_is_remembered() -> None:
    book = Book()
    book.add(decision(), 1)
    candles = {"GBP_USD": bars([QUIET, STOPPED], start=OPENED)}
    assert book.settle(candles, PIPS, OPENED + 300) == []
    (ended,) = book.settle(candles, PIPS, OPENED + 600)
    assert (ended.signal.id, ended.outcome.status) == (1, Status.LOST)
    assert book.open == {}
    assert book.exposure() == {}
    assert book.r_multiples("GBP_USD") == (-1.0,)
    assert book.last_signal_at == {"GBP_USD": OPENED}


def test_candles_after_the_moment_are_not_looked_at() -> None:
    book = Book()
    book.add(decision(), 1)
    assert book.settle({"GBP_USD": bars([QUIET, TAKEN], start=OPENED)}, PIPS, OPENED + 599.9) == []


def test_time_ends_a_signal_whose_market_has_no_candles() -> None:
    book = Book()
    book.add(decision(), 1)
    candles = {"GBP_USD": bars([QUIET], start=OPENED)}
    assert book.settle(candles, PIPS, OPENED + 14_399) == []
    (ended,) = book.settle(candles, PIPS, OPENED + 14_400)
    assert ended.outcome.status is Status.EXPIRED


def test_signals_of_instruments_without_candles_stay() -> None:
    book = Book()
    book.add(decision(), 1)
    assert book.settle({}, PIPS, OPENED + 99_999) == []
    assert list(book.open) == [1]


def test_finer_candles_are_given_by_signal() -> None:
    book = Book()
    book.add(decision(), 1)
    finer = {1: bars([TAKEN, STOPPED], granularity=Granularity.M1, start=OPENED)}
    (ended,) = book.settle({"GBP_USD": bars([BOTH], start=OPENED)}, PIPS, OPENED + 300, finer=finer)
    assert (ended.outcome.status, ended.outcome.ambiguous) == (Status.WON, False)


def test_a_signal_whose_finer_candles_are_awaited_stays_open() -> None:
    book = Book()
    book.add(decision(), 1)
    candles = {"GBP_USD": bars([BOTH], start=OPENED)}
    assert book.settle(candles, PIPS, OPENED + 300, awaited={1}) == []
    assert list(book.open) == [1]
    assert len(book.settle(candles, PIPS, OPENED + 300)) == 1


def test_results_are_in_the_order_of_time_however_they_arrive() -> None:
    book = Book()
    for r, at in ((3.0, 30.0), (1.0, 10.0), (2.0, 20.0)):
        book.record("GBP_USD", r, at)
    assert book.r_multiples("GBP_USD") == (1.0, 2.0, 3.0)
    assert book.r_multiples("XAU_USD") == ()


def test_only_the_newest_fifty_results_are_given() -> None:
    book = Book()
    for at in range(60):
        book.record("GBP_USD", float(at), at)
    assert book.r_multiples("GBP_USD") == tuple(float(at) for at in range(10, 60))


def test_several_ends_come_oldest_signal_first() -> None:
    book = Book()
    levels = Levels(Direction.BUY, 1.25, 1.2485, 1.253)
    for signal_id, time in ((5, MONDAY + 600), (9, MONDAY), (7, MONDAY + 300)):
        book.add(replace(decision(levels=levels), candle_time=time), signal_id)
    candles = {"GBP_USD": bars([QUIET, QUIET, QUIET, STOPPED], start=OPENED)}
    assert [ended.signal.id for ended in book.settle(candles, PIPS, OPENED + 1_200)] == [9, 7, 5]
