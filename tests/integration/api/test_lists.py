"""Lists page by page: cursors, fields, parts and filters."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.api.listing import WHOLE, CursorOf, cursor_position, cursor_text
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.model import Direction, FilterName
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.rows import Position
from alphaforge.storage.signals import NewSignal, SignalRepository
from api_bench import NOW, SQLITE, Bench, decided

PICTURES = {f"screenshot_{name}" for name in ("entry", "exit", "analysis")}


async def entry(bench: Bench, **changes: Any) -> int:
    given_now = {"open_time": NOW - 3600, "symbol": "GBPUSD", "trade_type": "BUY", "lots": 1.0, "entry_price": 1.31}
    async with bench.services.database.write() as connection:
        return await JournalRepository(connection).create(NewEntry(**(given_now | changes)))


async def add(bench: Bench, path: str, at: float) -> int:
    return await (bench.signal(created_at=at) if "signals" in path else entry(bench, open_time=at))


def ids(answer: dict[str, Any]) -> list[int]:
    return [one["id"] for one in answer.get("signals", answer.get("entries"))]


async def pages(bench: Bench, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every page, by following `next`."""
    found = [await bench.get(path, **params)]
    while found[-1]["next"]:
        assert len(found) < 100
        found.append(await bench.get(path, **params, cursor=found[-1]["next"]))
    return found


LISTS = ("/api/signals", "/signals", "/api/journal/entries", "/api/journal")


@pytest.mark.parametrize("path", LISTS)
async def test_pages_by_cursor_are_the_list_and_say_where_they_end(bench: Bench, path: str) -> None:
    for at in (5, 3, 3, 9, 3, 1, 7):
        await add(bench, path, NOW - at)
    whole = await bench.get(path)
    found = await pages(bench, path, limit=2)
    assert [ids(page) for page in found] == [ids(whole)[at : at + 2] for at in (0, 2, 4, 6)]
    assert whole["next"] is None
    assert [page["next"] for page in await pages(bench, path, limit=7)] == [None]


@SQLITE
@pytest.mark.parametrize("path", LISTS)
async def test_the_link_leads_to_the_next_page_of_the_same_question(bench: Bench, path: str) -> None:
    for minute in range(3):
        await add(bench, path, NOW - 60 * minute)
    first = await bench.client.get(path, params={"limit": 1, "skip": 1, "symbol": "GBP/USD", "fields": "minimal"})
    address, _, relation = first.headers["link"].partition("; ")
    assert relation == 'rel="next"'
    second = await bench.client.get(address.strip("<>"))
    assert (ids(first.json()), ids(second.json())) == ([2], [3])
    assert second.json()["next"] is None
    assert "link" not in second.headers
    parameters = httpx2.QueryParams(address.strip("<>").partition("?")[2])
    assert dict(parameters) == {
        "limit": "1",
        "symbol": "GBP/USD",
        "fields": "minimal",
        "cursor": first.json()["next"],
    }


@SQLITE
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("path", ["/api/signals", "/api/journal/entries"])
async def test_rows_written_between_pages_neither_repeat_nor_hide_any(bench: Bench, path: str, data: Any) -> None:
    moments = st.integers(0, 6)
    there = {await add(bench, path, NOW - at) for at in data.draw(st.lists(moments, min_size=1, max_size=5))}
    there |= set(ids(await bench.get(path)))  # those of the examples before, a hundred at most
    meanwhile = data.draw(st.lists(moments, max_size=5))
    size = data.draw(st.integers(1, 4))
    page = await bench.get(path, limit=size)
    seen = ids(page)
    while page["next"]:
        if meanwhile:
            await add(bench, path, NOW - meanwhile.pop())
        page = await bench.get(path, limit=size, cursor=page["next"])
        seen += ids(page)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


positions = st.builds(Position, st.floats(0, 4e9), st.integers(1, 2**31 - 1))


@given(of=st.sampled_from(CursorOf), position=positions)
def test_a_cursor_says_what_it_was_given(of: CursorOf, position: Position) -> None:
    text = cursor_text(of, position)
    assert text is not None
    assert cursor_position(text, [of]) == (of, position)
    with pytest.raises(InvalidInput, match="another page of this list"):
        cursor_position(text, set(CursorOf) - {of})


@given(position=positions, at=st.integers(0, 26), letter=st.characters())
def test_a_cursor_with_another_letter_is_refused(position: Position, at: int, letter: str) -> None:
    text = cursor_text(CursorOf.SIGNALS, position)
    assert text is not None
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        with pytest.raises(InvalidInput):
            cursor_position(changed, [CursorOf.SIGNALS])


@given(text=st.text(max_size=40))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        cursor_position(text, list(CursorOf))


@SQLITE
@pytest.mark.parametrize("path", [*LISTS, "/api/rejections", "/api/analysis/history"])
@pytest.mark.parametrize("cursor", ["x", "", "A" * 28, "é", "=", "\0"])
async def test_a_malformed_cursor_says_what_one_is(bench: Bench, path: str, cursor: str) -> None:
    assert "`next` of another page" in (await bench.get(path, 422, cursor=cursor))["detail"]


@SQLITE
@pytest.mark.parametrize(
    ("path", "params", "accepted"),
    [
        ("/api/signals", {"limit": 0}, "between 1 and 100"),
        ("/api/journal", {"limit": 101}, "between 1 and 100"),
        ("/api/rejections", {"limit": -5}, "between 1 and 100"),
        ("/api/analysis/history", {"limit": 1001}, "less than or equal to 1000"),
        ("/api/signals", {"limit": "many"}, "integer"),
        ("/api/signals", {"skip": -1}, "greater than or equal to 0"),
        ("/api/signals", {"fields": "few"}, "'full' or 'minimal'"),
        ("/api/signals", {"include": "votes"}, "reasoning, notes, decision"),
        ("/api/signals", {"include": "notes", "exclude": "notes"}, "at once"),
        ("/api/journal", {"exclude": "pictures"}, "screenshots, screenshot_entry"),
        ("/api/signals", {"min_confidence": 101}, "less than or equal to 100"),
        ("/api/signals", {"direction": "UP"}, "BUY or SELL"),
        ("/api/journal", {"type": "HOLD"}, "BUY"),
        ("/api/journal", {"type": "BUY", "direction": "SELL"}, "one of them"),
        ("/api/journal", {"outcome": "MAYBE"}, "'WIN', 'LOSS' or 'BREAKEVEN'"),
        ("/api/journal", {"from": "yesterday"}, "not a time"),
        ("/api/journal", {"tag": "a\0"}, "NUL"),
        ("/api/journal", {"setup": "x" * 101}, "100"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_what_can(
    bench: Bench, path: str, params: dict[str, Any], accepted: str
) -> None:
    assert accepted in json.dumps((await bench.get(path, 422, **params))["detail"], ensure_ascii=False)


@SQLITE
async def test_a_cursor_takes_no_skip_beside_it(bench: Bench) -> None:
    for _ in range(2):
        await bench.signal()
    following = (await bench.get("/api/signals", limit=1))["next"]
    assert "not both" in (await bench.get("/api/signals", 422, cursor=following, skip=1))["detail"]
    assert "another page of this list" in (await bench.get("/api/journal", 422, cursor=following))["detail"]


async def test_parts_come_as_asked_and_the_rest_stays(bench: Bench) -> None:
    await bench.store(decided())
    await bench.signal(reasoning="mine", notes="n")

    async def keys(**params: Any) -> set[str]:
        by_hand, own = (await bench.get("/api/signals", **params))["signals"][::-1]
        assert by_hand.keys() == own.keys()
        return set(own)

    every = await keys()
    assert {"reasoning", "notes"} <= every
    assert "decision" not in every
    assert await keys(include="decision") == every | {"decision"}
    assert await keys(exclude="reasoning,notes") == every - {"reasoning", "notes"}
    few = await keys(fields="minimal")
    assert few < every
    assert await keys(fields="minimal", include="reasoning, decision") == few | {"reasoning", "decision"}
    traces = {
        one["origin"]: one["decision"] for one in (await bench.get("/api/signals", include="decision"))["signals"]
    }
    assert traces["manual"] is None
    explained = await bench.get("/api/signals/1/explain")
    assert {key: traces["strategy"][key] for key in explained["decision"]} == explained["decision"]


@pytest.mark.parametrize("params", [{}, {"fields": "minimal"}, {"exclude": "reasoning"}, {"include": "decision"}])
async def test_fields_of_a_list_are_those_of_the_signal(bench: Bench, params: dict[str, str]) -> None:
    await bench.store(decided())
    await bench.signal(tp2=1.32, notes="n")
    for listed in (await bench.get("/api/signals", **params))["signals"]:
        one = (await bench.get(f"/api/signals/{listed['id']}"))["signal"]
        assert {key: value for key, value in listed.items() if key != "decision"} == {
            key: one[key] for key in listed if key != "decision"
        }
        assert list(listed) == sorted(listed, key=[*one, "decision"].index)


async def test_screenshots_come_unless_they_are_left_out(bench: Bench) -> None:
    eid = await entry(bench, close_time=NOW, duration_minutes=60, notes="n", **dict.fromkeys(PICTURES, "data:,x"))
    whole = await bench.get(f"/api/journal/entries/{eid}")

    async def listed(**params: Any) -> dict[str, Any]:
        return (await bench.get("/api/journal/entries", **params))["entries"][0]

    assert list((await listed()).items()) == list(whole.items())
    slim = await listed(exclude="screenshots")
    assert slim == {key: value for key, value in whole.items() if key not in PICTURES}
    assert set(whole) - set(await listed(exclude="screenshot_exit,notes")) == {"screenshot_exit", "notes"}
    few = await listed(fields="minimal", include="screenshot_entry")
    assert few == {key: whole[key] for key in few}
    assert PICTURES & set(few) == {"screenshot_entry"}
    assert {"openTime", "symbol", "pl", "outcome"} <= set(few) < set(whole)


async def test_entries_are_found_by_their_filters(bench: Bench) -> None:
    gold = await entry(bench, symbol="XAUUSD", outcome="WIN", tags="plan, News", trade_setup="London open")
    pound = await entry(bench, open_time=NOW - 7200, outcome="LOSS", tags="newsy,50%_off", session="LONDON")
    dollar = await entry(bench, open_time=NOW - 9000, symbol="GBP_USD", trade_type="SELL", tags="a\\b")

    async def found(**filters: Any) -> list[int]:
        assert ids(await bench.get("/api/journal", **filters)) == ids(
            await bench.get("/api/journal/entries", **filters)
        )
        return ids(await bench.get("/api/journal/entries", **filters))

    assert await found() == [gold, pound, dollar]
    assert await found(symbol="gold") == [gold]
    assert await found(symbol="GBP/USD") == [pound, dollar]
    assert await found(type="sell") == await found(direction="SELL") == [dollar]
    assert await found(outcome="win") == [gold]
    assert await found(session="london") == [pound]
    assert await found(setup="london OPEN") == [gold]
    assert await found(setup="London") == []
    assert await found(tag="news") == [gold]
    assert await found(tag="50%_off") == [pound]
    assert await found(tag="%") == []
    assert await found(tag="a\\b") == [dollar]
    assert await found(tag="a_b") == []
    assert await found(**{"from": "2026-03-03T08:00:00Z"}) == [gold, pound]
    assert await found(to="2026-03-03T08:00:00Z", symbol="gbpusd", type="SELL") == [dollar]


@SQLITE
async def test_a_list_that_comes_whole_has_an_end(bench: Bench) -> None:
    signal = NewSignal("GBP_USD", Direction.BUY, 1.31, 1.308, 1.314, NOW)
    trade = NewEntry(NOW, "GBPUSD", "BUY", 1.0, 1.31)
    async with bench.services.database.write() as connection:
        await SignalRepository(connection).create_many([signal] * (WHOLE + 1))
        await JournalRepository(connection).create_many([trade] * (WHOLE + 1))
    for path, rest, params in (
        ("/api/signals/today", "/api/signals", {}),
        ("/api/signals/pending", "/api/signals", {"status": "PENDING"}),
        ("/api/signals/symbol/GBPUSD", "/api/signals", {"symbol": "GBPUSD"}),
        ("/api/journal", "/api/journal", {}),
        ("/api/journal/entries", "/api/journal/entries", {}),
    ):
        answer = await bench.get(path)
        assert ids(answer) == list(range(WHOLE + 1, 1, -1)), path
        assert ids(await bench.get(rest, **params, cursor=answer["next"])) == [1], path


@pytest.mark.parametrize("filters", [{}, {"symbol": "GBPUSD"}, {"status": "PENDING,WON", "min_confidence": 1}])
async def test_the_oldest_come_first_where_they_are_asked_for_page_by_page(
    bench: Bench, filters: dict[str, Any]
) -> None:
    for number, at in enumerate((5, 3, 3, 9, 3, 1, 7)):
        await bench.signal(created_at=NOW - at, confidence_score=float(number))
    newest = ids(await bench.get("/api/signals", **filters))
    oldest = await pages(bench, "/api/signals", limit=2, order="oldest", **filters)
    assert [one for page in oldest for one in ids(page)] == newest[::-1]


async def test_the_total_of_a_filtered_list_does_not_follow_the_cursor(bench: Bench) -> None:
    for minute in range(5):
        await bench.signal(confidence_score=10.0 * minute, created_at=NOW - minute)
    found = await pages(bench, "/api/signals", limit=2, min_confidence=10)
    assert [(page["count"], page["total"]) for page in found] == [(2, 4), (2, 4)]


async def test_rejections_of_a_day_come_page_by_page(bench: Bench) -> None:
    for at in range(5):
        newest = int(NOW) // 300 * 300 - 300
        moment = {"candle_time": newest - 300 * at, "as_of": NOW - 300 * at + 0.1234567}
        await bench.store(decided(reason=FilterName.COOLDOWN, **moment))
    whole = (await bench.get("/api/rejections"))["rejections"]
    found = await pages(bench, "/api/rejections", limit=2)
    assert [len(page["rejections"]) for page in found] == [2, 2, 1]
    assert [one for page in found for one in page["rejections"]] == whole
    assert [one["candle_time"] for one in whole] == sorted(one["candle_time"] for one in whole)
    lines = (await bench.get("/api/rejections", limit=2, format="csv", cursor=found[0]["next"])).splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == [one["timestamp"] for one in whole[2:4]]
    assert (await bench.get("/api/rejections", symbol="gbp/usd"))["rejections"] == whole
    await bench.get("/api/rejections", 404, symbol="XAU_USD")
    await bench.get("/api/rejections", 422, date="2026-03-01", cursor=found[0]["next"])


async def test_the_history_goes_on_over_signals_and_rejections_alike(bench: Bench) -> None:
    newest = int(NOW) // 300 * 300 - 300
    for at in range(4):
        moment = {"candle_time": newest - 300 * at, "as_of": NOW - 300 * at + 0.7}
        await bench.store(decided(**moment))
        await bench.store(decided(instrument="XAU_USD", reason=FilterName.COOLDOWN, **moment))
        await bench.store(decided(instrument="USD_JPY", reason=FilterName.COOLDOWN, **moment))
    whole = (await bench.get("/api/analysis/history"))["history"]
    assert [one["generated"] for one in whole] == [True, False, False] * 4
    for size in (1, 2, 5):
        found = await pages(bench, "/api/analysis/history", limit=size)
        assert [one for page in found for one in page["history"]] == whole
