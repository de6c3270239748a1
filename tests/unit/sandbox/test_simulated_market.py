from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries, derived, series_from_columns
from alphaforge.core.granularity import Granularity
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.bars import Bars, bars_of, gathered
from alphaforge.market.sandbox.buckets import SECONDS, Buckets
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.market import HISTORY_BEGINS, SimulatedMarket
from alphaforge.market.sandbox.queries import candle_query
from alphaforge.market.sandbox.windows import candles_for

NAMES = ("GBP_USD", "XAU_USD", "USD_JPY")
DAY = 86_400
NOW = parse_rfc3339("2025-07-10T14:22:13.7Z")
TODAY = int(NOW // DAY) * DAY


@cache
def market(seed: int = 7) -> SimulatedMarket:
    return SimulatedMarket(seed, NAMES, SandboxClock(NOW, 0.0))


@cache
def weeks(name: str) -> Bars:
    return market().candles(name, Buckets("M5"), TODAY - 42 * DAY, TODAY, NOW)


def candles(granularity: str, start: float, end: float, now: float = NOW, name: str = "GBP_USD") -> Bars:
    return market().candles(name, Buckets(granularity), int(start), int(end), now)


def same(one: Bars, other: Bars) -> bool:
    return (
        one.time.tolist() == other.time.tolist()
        and one.prices.tolist() == other.prices.tolist()
        and one.volume.tolist() == other.volume.tolist()
    )


def as_series(bars: Bars, granularity: Granularity = Granularity.M5) -> CandleSeries:
    return series_from_columns("GBP_USD", granularity, [bars.time, *(bars.prices / 1e5), bars.volume])


def returns(name: str) -> np.ndarray:
    bars = weeks(name)
    steps = np.diff(np.log(bars.prices[3]))
    return steps[np.diff(bars.time) == 300]


def test_the_same_seed_gives_the_same_candles_in_whatever_order_they_are_asked_for() -> None:
    forward, backward = (SimulatedMarket(7, NAMES, SandboxClock(NOW, 0.0)) for _ in range(2))
    days = range(TODAY - 9 * DAY, TODAY, DAY)
    ahead = {day: forward.candles("GBP_USD", Buckets("M5"), day, day + DAY, NOW) for day in days}
    backward.candles("XAU_USD", Buckets("M5"), TODAY - DAY, TODAY, NOW)
    for day in reversed(days):
        assert same(backward.candles("GBP_USD", Buckets("M5"), day, day + DAY, NOW), ahead[day])


def test_no_day_repeats_another() -> None:
    tuesday, wednesday = (
        np.diff(gathered(fine := market().seconds5("GBP_USD", day, day + DAY // 2), fine.time // 30).prices[3, :1_400])
        for day in (TODAY - 2 * DAY, TODAY - DAY)
    )

    assert abs(np.corrcoef(tuesday, wednesday)[0, 1]) < 0.15


def test_another_seed_is_another_market() -> None:
    assert not same(weeks("GBP_USD"), market(8).candles("GBP_USD", Buckets("M5"), TODAY - 42 * DAY, TODAY, NOW))


def test_a_market_forgets_days_and_makes_them_again_as_they_were() -> None:
    first = candles("M5", TODAY - DAY, TODAY)
    small = SimulatedMarket(7, ("GBP_USD",), SandboxClock(NOW, 0.0))
    small._days._capacity = small._strips._capacity = 1
    for day in (TODAY - DAY, TODAY - 2 * DAY, TODAY - DAY):
        again = small.candles("GBP_USD", Buckets("M5"), day, day + DAY, NOW)
    assert len(small._days._values) == 1
    assert same(again, first)


@pytest.mark.parametrize("granularity", sorted(SECONDS, key=lambda name: SECONDS[name]))
def test_candles_of_every_length_are_the_same_prices_added_up(granularity: str) -> None:
    buckets = Buckets(granularity)
    start = buckets.floor(TODAY - (3 if buckets.seconds <= DAY else 8) * DAY)
    end = min(buckets.ceil(start + 2 * DAY), TODAY)
    fine = market().seconds5("GBP_USD", start, end)

    assert same(candles(granularity, start, end), gathered(fine, buckets.starts_of(fine.time)))


@pytest.mark.parametrize("granularity", [Granularity.M15, Granularity.H1])
def test_longer_candles_are_those_the_desk_derives_from_m5(granularity: Granularity) -> None:
    served = candles(granularity.value, TODAY - 6 * DAY, TODAY)
    expected = derived(as_series(candles("M5", TODAY - 6 * DAY, TODAY)), granularity)

    assert np.array_equal(as_series(served, granularity).columns(), expected.columns())


def test_five_second_candles_are_made_of_their_ticks() -> None:
    start = TODAY + 9 * 3600
    fine = market().seconds5("GBP_USD", start, start + 1800)
    ticks = market().ticks("GBP_USD", start, start + 1800)

    assert len(ticks) == fine.volume.sum()
    assert same(bars_of(ticks, 5), fine)


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 2 * DAY), st.sampled_from(["S5", "M1", "M5", "H1", "D"]))
def test_the_forming_candle_knows_its_past_and_nothing_of_its_future(age: float, granularity: str) -> None:
    now = NOW - age
    buckets = Buckets(granularity)
    start = buckets.floor(now)
    forming = candles(granularity, start, buckets.after(start), now)
    known = market().ticks("GBP_USD", max(start, now - 2 * 3600), now)

    assert len(forming) <= 1
    if len(known) and len(forming) and start >= now - 2 * 3600:
        assert same(forming, gathered(bars_of(known, 5), buckets.starts_of(bars_of(known, 5).time)))
    elif len(known) and len(forming):
        assert forming.prices[3, 0] == known.prices[0, -1]


def test_nothing_is_served_of_the_future() -> None:
    ahead = candles("M5", TODAY, TODAY + 2 * DAY)

    assert ahead.time[-1] == NOW // 300 * 300
    assert len(candles("S5", NOW // 5 * 5 + 5, TODAY + DAY)) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "week",
    [
        "2025-03-03T00:00:00Z",  # New York changes to summer time on 9 March, London on the 30th
        "2025-03-24T00:00:00Z",
        "2025-10-20T00:00:00Z",  # London changes back on 26 October, New York on 2 November
        "2025-10-27T00:00:00Z",
        "2025-06-02T00:00:00Z",
    ],
)
def test_closed_hours_have_no_candles_and_open_ones_have_them(name: str, week: str) -> None:
    monday = int(parse_rfc3339(week))
    served = market().minutes5(name, monday, monday + 10 * DAY)
    minutes = np.arange(monday, monday + 10 * DAY, 60)
    trading = hours_of(name).open_at(minutes).reshape(-1, 5).any(axis=1)
    has = np.isin(minutes[::5], served.time)

    assert not (has & ~trading).any()
    assert has[trading].mean() > 0.98


def test_thin_hours_leave_gaps_now_and_then() -> None:
    gaps = np.diff(weeks("GBP_USD").time)

    assert 3 < (gaps == 600).sum() < 100
    busy = market().seconds5("GBP_USD", TODAY + 13 * 3600, TODAY + 14 * 3600)
    quiet = market().seconds5("GBP_USD", TODAY - 2 * 3600, TODAY - 3600)
    assert len(quiet) < len(busy) <= 720


@pytest.mark.parametrize("name", NAMES)
def test_prices_and_spreads_are_possible(name: str) -> None:
    bars = weeks(name)
    mid, bid, ask = (bars.prices[side : side + 4] for side in (0, 4, 8))

    assert (bid < ask).all()
    assert ((bid <= mid) & (mid <= ask)).all()
    for opens, highs, lows, closes in (mid, bid, ask):
        assert (lows <= np.minimum(opens, closes)).all()
        assert (highs >= np.maximum(opens, closes)).all()
    assert (bars.volume > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_returns_have_fat_tails_and_clusters_but_no_direction(name: str) -> None:
    steps = returns(name)
    size = np.abs(steps)

    assert 6 < ((steps - steps.mean()) ** 4).mean() / steps.var() ** 2 < 150
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.15
    assert np.corrcoef(size[36:], size[:-36])[0, 1] > 0.03
    assert abs(np.corrcoef(steps[1:], steps[:-1])[0, 1]) < 0.1


@pytest.mark.parametrize(("name", "low", "high"), [("GBP_USD", 45, 160), ("USD_JPY", 70, 260), ("XAU_USD", 1500, 7000)])
def test_a_day_covers_a_plausible_number_of_pips(name: str, low: float, high: float) -> None:
    bars, listing = weeks(name), market().listings[name]
    days = gathered(bars, Buckets("D").starts_of(bars.time))
    pips = (days.prices[1] - days.prices[2]) / listing.scale / listing.instrument.pip

    assert low < np.median(pips) < high


@pytest.mark.parametrize("name", NAMES)
def test_london_and_new_york_move_more_and_cost_less_than_the_evening(name: str) -> None:
    bars = weeks(name)
    hour = bars.time % DAY // 3600
    busy, evening = (hour >= 12) & (hour < 16), (hour >= 22) | (hour < 1)
    spread, size = bars.prices[11] - bars.prices[7], bars.prices[1] - bars.prices[2]

    assert size[busy].mean() > 1.5 * size[evening].mean()
    assert spread[busy].mean() < 0.8 * spread[evening].mean()
    assert bars.volume[busy].mean() > 2 * bars.volume[evening].mean()


def test_weekends_open_with_a_gap() -> None:
    bars = weeks("GBP_USD")
    (weekends,) = np.nonzero(np.diff(bars.time) > DAY)
    gaps = np.abs(bars.prices[0, weekends + 1] - bars.prices[3, weekends])
    within = np.abs(bars.prices[0, 1:] - bars.prices[3, :-1])

    assert np.median(gaps) > 5 * np.median(within)


@given(st.integers(HISTORY_BEGINS // DAY, 30_000), st.integers(0, 2**32), st.sampled_from(NAMES))
@settings(deadline=None, max_examples=20)
def test_no_price_runs_away_in_any_year_of_any_seed(day: int, seed: int, name: str) -> None:
    world = SimulatedMarket(seed, [name], SandboxClock(NOW, 0.0))
    bars = world.minutes5(name, day * DAY, (day + 3) * DAY)
    anchor = world.listings[name].anchor * world.listings[name].scale

    assert len(bars)
    assert anchor / 3 < bars.prices.min() <= bars.prices.max() < anchor * 3


def test_a_quote_is_the_last_price_before_its_moment() -> None:
    quote = market().quote("GBP_USD", NOW)
    ticks = market().ticks("GBP_USD", NOW - 600, NOW)

    assert quote.time[0] == ticks.time[-1] <= NOW
    assert quote.prices[:, 0].tolist() == ticks.prices[:, -1].tolist()


def test_on_a_weekend_the_quote_is_that_of_friday_evening() -> None:
    saturday = parse_rfc3339("2025-07-12T12:00:00Z")
    quote = market().quote("XAU_USD", saturday)

    assert parse_rfc3339("2025-07-11T20:50:00Z") < quote.time[0] < parse_rfc3339("2025-07-11T21:00:00Z")


def test_in_the_daily_break_the_quote_is_the_one_before_it_and_none_of_later_that_day() -> None:
    quote = market().quote("XAU_USD", parse_rfc3339("2025-07-09T21:30:00Z"))

    assert parse_rfc3339("2025-07-09T20:50:00Z") < quote.time[0] < parse_rfc3339("2025-07-09T21:00:00Z")


def test_before_the_history_there_is_nothing() -> None:
    assert len(candles("M5", HISTORY_BEGINS - DAY, HISTORY_BEGINS)) == 0
    assert len(market().quote("GBP_USD", HISTORY_BEGINS - 5.0)) == 0


def test_a_count_reaches_back_over_weekends() -> None:
    query = candle_query({"granularity": "M5", "count": "3000"}, NOW)
    answer = candles_for(market(), "GBP_USD", query, NOW)

    assert len(answer) == 3000
    assert answer.time[-1] == NOW // 300 * 300
    assert same(answer, market().candles("GBP_USD", query.buckets, int(answer.time[0]), TODAY + DAY, NOW))


def test_a_count_from_a_moment_reaches_forward() -> None:
    friday = parse_rfc3339("2025-07-04T20:00:00Z")
    query = candle_query({"granularity": "M5", "count": "50", "from": str(int(friday))}, NOW)
    answer = candles_for(market(), "GBP_USD", query, NOW)

    assert (len(answer), answer.time[0]) == (50, friday)
    assert answer.time[-1] > friday + 2 * DAY


def test_a_span_gives_what_is_there_and_no_more() -> None:
    saturday = int(parse_rfc3339("2025-07-05T02:00:00Z"))
    query = candle_query({"granularity": "M5", "from": str(saturday), "to": str(saturday + DAY)}, NOW)

    assert len(candles_for(market(), "GBP_USD", query, NOW)) == 0


def test_a_count_that_history_cannot_fill_gives_what_there_is() -> None:
    early = HISTORY_BEGINS + 2 * DAY
    query = candle_query({"granularity": "H1", "count": "500", "to": str(early)}, NOW)

    assert 40 <= len(candles_for(market(), "GBP_USD", query, NOW)) <= 48
