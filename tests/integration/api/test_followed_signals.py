"""Entries that name the signal they follow, over HTTP."""

import json
from typing import Any

import pytest

from alphaforge.api.imports import rows_of
from alphaforge.api.services import MarketFacts
from alphaforge.core.errors import InvalidRows
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from api_bench import NOW, SQLITE, Bench

TRADE = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31}
NO_IDS: list[Any] = ["abc", "1.5", 1.5, -1, 0, 2**31, 2**63, 10**300, True, [1], {"id": 1}, "1; DROP"]
ENTRIES, BULK = "/api/journal/entries", "/api/journal/entries/bulk"


async def write(bench: Bench, status: int = 200, /, **changes: Any) -> Any:
    return await bench.ask("POST", ENTRIES, status, json=TRADE | changes)


async def taken_in(bench: Bench, rows: list[dict[str, Any]]) -> None:
    """What the job does with an import of NDJSON."""
    content = "\n".join(map(json.dumps, rows)).encode()
    market = MarketFacts("sandbox", simulated=True, connected=True)
    payload = {"noun": "journal", "format": "ndjson"}
    sound = await rows_of(payload, content, market, NOW, FALLBACK_INSTRUMENTS)
    async with bench.services.database.write(sound.table) as connection:
        await sound.store(connection)


@pytest.mark.parametrize("name", ["signal_id", "signalId"])
async def test_an_entry_says_which_signal_it_follows(bench: Bench, name: str) -> None:
    signal = await bench.signal()
    written = await write(bench, **{name: signal})
    assert written["journal_entry"]["signal_id"] == signal
    assert (await bench.get(f"{ENTRIES}/{written['id']}"))["signal_id"] == signal
    assert (await bench.get(ENTRIES))["entries"][0]["signal_id"] == signal
    lines = (await bench.client.get("/api/journal/export")).text.splitlines()
    assert json.loads(lines[0])["signal_id"] == signal
    table = (await bench.client.get("/api/journal/export?format=csv")).text.splitlines()
    assert dict(zip(table[0].split(","), table[1].split(","), strict=True))["signal_id"] == str(signal)


async def test_an_entry_follows_none_unless_it_says_so(bench: Bench) -> None:
    assert (await write(bench))["signal_id"] is None
    assert (await write(bench, signalId=""))["signal_id"] is None
    assert (await write(bench, signal_id=None))["signal_id"] is None


async def test_a_change_names_a_signal_and_takes_it_away(bench: Bench) -> None:
    signal, written = await bench.signal(), await write(bench)
    path = f"{ENTRIES}/{written['id']}"
    assert (await bench.ask("PUT", path, json={"signalId": signal}))["signal_id"] == signal
    assert (await bench.ask("PUT", path, json={"notes": "late"}))["signal_id"] == signal
    assert (await bench.ask("PUT", path, json={"signal_id": None}))["signal_id"] is None


async def test_several_entries_follow_one_signal_and_are_listed_by_it(bench: Bench) -> None:
    first, second = await bench.signal(), await bench.signal()
    mine = [(await write(bench, signal_id=first, lots=lots))["id"] for lots in (0.1, 0.2)]
    await write(bench, signal_id=second)
    await write(bench)
    page = await bench.get(ENTRIES, signal_id=first)
    assert sorted(one["id"] for one in page["entries"]) == mine
    begun = await bench.get(ENTRIES, signal_id=first, limit=1)
    rest = await bench.get(ENTRIES, signal_id=first, limit=1, cursor=begun["next"])
    assert sorted(one["id"] for one in begun["entries"] + rest["entries"]) == mine
    assert rest["next"] is None
    assert (await bench.get("/api/journal", signal_id=99))["entries"] == []


async def test_a_signal_that_is_not_there_cannot_be_followed(bench: Bench) -> None:
    assert (await write(bench, 422, signal_id=99))["detail"] == "There is no signal 99"
    written = await write(bench)
    refused = await bench.ask("PUT", f"{ENTRIES}/{written['id']}", 422, json={"signal_id": 99, "notes": "x"})
    assert refused["detail"] == "There is no signal 99"
    assert await bench.get(f"{ENTRIES}/{written['id']}") == written["journal_entry"]


@SQLITE
async def test_what_is_no_id_is_refused_wherever_it_is_written(bench: Bench) -> None:
    await bench.signal()
    written = await write(bench)
    for name in NO_IDS:
        await write(bench, 422, signal_id=name)
        await bench.ask("PUT", f"{ENTRIES}/{written['id']}", 422, json={"signalId": name})
        refused = await bench.ask("POST", BULK, 422, json={"entries": [TRADE, TRADE | {"signal_id": name}]})
        assert [(one["row"], one["loc"][0]) for one in refused["errors"]] == [(1, "signal_id")], name
        await bench.ask("PUT", BULK, 422, json={"entries": [{"id": written["id"], "signal_id": name}]})
        if not isinstance(name, list | dict):
            await bench.get(ENTRIES, 422, signal_id=name)
    assert (await bench.get(ENTRIES))["total"] == 1


async def test_a_signal_of_another_instrument_cannot_be_followed(bench: Bench) -> None:
    gold = await bench.signal(instrument="XAU_USD")
    why = f"Signal {gold} is of XAU_USD, and the entry of GBP_USD"
    assert (await write(bench, 422, signal_id=gold))["detail"] == why
    written = await write(bench, symbol="gold", signal_id=gold)
    moved = await bench.ask("PUT", f"{ENTRIES}/{written['id']}", 422, json={"symbol": "GBP/USD"})
    assert moved["detail"] == why
    assert (await bench.get(f"{ENTRIES}/{written['id']}"))["symbol"] == "XAUUSD"


@SQLITE
async def test_a_symbol_that_is_no_instrument_follows_any_signal(bench: Bench) -> None:
    gold = await bench.signal(instrument="XAU_USD")
    assert (await write(bench, symbol="US30", signal_id=gold))["signal_id"] == gold


async def test_many_entries_follow_or_none_is_stored_and_each_wrong_row_is_named(bench: Bench) -> None:
    pound, gold = await bench.signal(), await bench.signal(instrument="XAU_USD")
    good = [TRADE | {"signal_id": pound}, TRADE, TRADE | {"signalId": pound}]
    ids = (await bench.ask("POST", BULK, json={"entries": good}))["ids"]
    assert [one["id"] for one in (await bench.get(ENTRIES, signal_id=pound))["entries"]] == [ids[2], ids[0]]
    wrong = [*good, TRADE | {"signal_id": 99}, TRADE | {"signal_id": gold}]
    refused = await bench.ask("POST", BULK, 422, json={"entries": wrong})
    assert [(one["row"], one["loc"], one["msg"]) for one in refused["errors"]] == [
        (3, ["signal_id"], "There is no signal 99"),
        (4, ["signal_id"], f"Signal {gold} is of XAU_USD, and the entry of GBP_USD"),
    ]
    assert (await bench.get(ENTRIES))["total"] == 3


async def test_many_changes_are_held_against_the_signals_as_one_is(bench: Bench) -> None:
    pound, gold = await bench.signal(), await bench.signal(instrument="XAU_USD")
    ids = (await bench.ask("POST", BULK, json={"entries": [TRADE | {"signal_id": pound}, TRADE]}))["ids"]
    changes = [{"id": ids[0], "signal_id": None}, {"id": ids[1], "signal_id": pound}]
    await bench.ask("PUT", BULK, json={"entries": changes})
    assert [one["id"] for one in (await bench.get(ENTRIES, signal_id=pound))["entries"]] == [ids[1]]
    changes = [{"id": ids[0], "signal_id": gold}, {"id": ids[1], "symbol": "USDJPY"}, {"id": 99, "signal_id": pound}]
    refused = await bench.ask("PUT", BULK, 422, json={"entries": changes})
    assert [(one["row"], one["msg"]) for one in refused["errors"]] == [
        (0, f"Signal {gold} is of XAU_USD, and the entry of GBP_USD"),
        (1, f"Signal {pound} is of GBP_USD, and the entry of USD_JPY"),
        (2, "There is no entry 99"),
    ]


async def test_an_exported_entry_comes_back_with_its_signal(bench: Bench) -> None:
    signal = await bench.signal()
    await write(bench, signal_id=signal)
    (line,) = (await bench.client.get("/api/journal/export")).text.splitlines()
    await taken_in(bench, [json.loads(line)])
    assert len((await bench.get(ENTRIES, signal_id=signal))["entries"]) == 2


async def test_an_import_that_names_signals_of_another_desk_says_so_and_stores_nothing(bench: Bench) -> None:
    with pytest.raises(InvalidRows) as refused:
        await taken_in(bench, [TRADE, TRADE | {"signal_id": 12}])
    assert [(one["row"], one["msg"]) for one in refused.value.faults] == [(1, "There is no signal 12")]
    assert (await bench.get(ENTRIES))["total"] == 0


async def test_signals_that_many_entries_name_at_once_are_looked_up_whatever_their_number(bench: Bench) -> None:
    rows = [{"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}] * 600
    ids = (await bench.ask("POST", "/api/signals/bulk", json={"signals": rows}))["ids"]
    await bench.ask("POST", BULK, json={"entries": [TRADE | {"signal_id": one} for one in ids]})
    assert [one["signal_id"] for one in (await bench.get(ENTRIES, signal_id=ids[550]))["entries"]] == [ids[550]]
