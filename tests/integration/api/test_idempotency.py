"""The same request with the same key is done once, and answered the same."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update

from alphaforge.signals.model import Direction
from alphaforge.storage.engine import Database
from alphaforge.storage.idempotent_answers import AnswerRepository
from alphaforge.storage.journal import JournalRepository
from alphaforge.storage.tables import idempotent_answers, journal, signals
from alphaforge.tasks import pruning
from alphaforge.tasks.pruning import BREATH, prune_answers
from api_bench import SQLITE, Bench, FakeResult

SIGNAL = {"symbol": "GBP/USD", "direction": Direction.BUY.value, "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31}
BODIES: dict[str, Any] = {
    "/api/signals": SIGNAL,
    "/api/signals/create": SIGNAL,
    "/api/signals/bulk": {"signals": [SIGNAL, SIGNAL]},
    "/api/journal/entries": ENTRY,
    "/api/journal/entries/bulk": {"entries": [ENTRY, ENTRY]},
    "/api/signals/enhanced/trade-result?pair=GBP_USD&profit_loss=10&risk=5": None,
    "/api/signals/generate": None,
    "/api/signals/generate/GBP_USD": None,
    "/api/signals/enhanced/generate": None,
    "/api/signals/enhanced/generate/GBP_USD": None,
}


async def post(bench: Bench, path: str, key: str | bytes | None = "k1", body: Any = ...) -> httpx2.Response:
    headers = [] if key is None else [(b"idempotency-key", key if isinstance(key, bytes) else key.encode())]
    return await bench.client.post(path, json=BODIES.get(path) if body is ... else body, headers=headers)


async def written(bench: Bench) -> tuple[int, ...]:
    """Signals, entries, results, scans."""
    async with bench.services.database.read() as connection:
        counts = [await connection.scalar(select(func.count()).select_from(table)) for table in (signals, journal)]
    return (*counts, len(bench.desk.recorded), len(bench.desk.asked))


@pytest.mark.parametrize("path", BODIES)
async def test_a_repetition_gets_the_first_answer_and_writes_nothing(bench: Bench, path: str) -> None:
    bench.desk.results = [FakeResult("GBP_USD", reason="trend")]
    first = await post(bench, path)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (200, False), first.text
    once = await written(bench)
    assert sum(once)
    bench.clock.moment += 100
    bench.desk.results = [FakeResult("GBP_USD", reason="another")]
    again = await post(bench, path)
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (200, first.content, "true")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await written(bench) == once
    assert (await post(bench, path, "k2")).headers.get("idempotent-replayed") is None
    assert await written(bench) == tuple(2 * count for count in once)


@SQLITE
async def test_without_a_key_every_request_is_a_new_one(bench: Bench) -> None:
    for _ in range(2):
        assert (await post(bench, "/api/journal/entries", None)).status_code == 200
    assert (await written(bench))[1] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/journal/entries", ENTRY | {"lots": 0.26}),
        ("/api/signals", SIGNAL),
        ("/api/journal/entries?x=1", ENTRY),
        ("/api/journal/entries/bulk", {"entries": [ENTRY]}),
        ("/api/signals/generate", None),
    ],
)
async def test_a_key_belongs_to_one_request(bench: Bench, path: str, body: Any) -> None:
    await post(bench, "/api/journal/entries")
    once = await written(bench)
    answer = await post(bench, path, body=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "used for another request" in answer.json()["detail"]
    assert await written(bench) == once


@pytest.mark.parametrize("path", ["/api/journal/entries", "/api/signals/bulk"])
async def test_many_at_once_with_one_key_are_one_write(bench: Bench, path: str) -> None:
    answers = await asyncio.gather(*(post(bench, path) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await written(bench) in [(0, 1, 0, 0), (2, 0, 0, 0)]


@pytest.mark.parametrize("path", ["/api/signals/generate", "/api/signals/enhanced/generate/GBP_USD"])
async def test_many_at_once_with_one_key_are_one_scan(bench: Bench, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, all_have_looked = iter(range(1_000)), asyncio.Event()
    look, scan = AnswerRepository.get, bench.desk.scan

    async def counted(self: AnswerRepository, key: str, since: float) -> Any:
        found = await look(self, key, since)
        if next(looks) == 4 - 1:
            all_have_looked.set()
        return found

    async def slow(instruments: Sequence[str] | None = None) -> Any:
        await all_have_looked.wait()
        return await scan(instruments)

    bench.desk.results = [FakeResult("GBP_USD", reason="trend")]
    monkeypatch.setattr(AnswerRepository, "get", counted)
    monkeypatch.setattr(bench.desk, "scan", slow)
    answers = await asyncio.gather(*(post(bench, path) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await written(bench) == (0, 0, 0, 1)


async def test_a_refused_request_may_be_mended_and_sent_with_the_same_key(bench: Bench) -> None:
    assert (await post(bench, "/api/journal/entries", body=ENTRY | {"lots": -1})).status_code == 422
    assert (await post(bench, "/api/journal/entries")).status_code == 200
    assert (await written(bench))[1] == 1


async def test_a_write_that_fails_leaves_its_key_free(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = JournalRepository.create

    async def failing(self: JournalRepository, entry: Any) -> int:
        await usual(self, entry)
        message = "fails after it wrote"
        raise RuntimeError(message)

    monkeypatch.setattr("alphaforge.api.errors._log.error", lambda *_, **__: None)
    monkeypatch.setattr(JournalRepository, "create", failing)
    assert (await post(bench, "/api/journal/entries")).status_code == 500
    assert await written(bench) == (0, 0, 0, 0)
    monkeypatch.undo()
    answer = await post(bench, "/api/journal/entries")
    assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (200, None)


@SQLITE
@pytest.mark.parametrize("key", [b"", b"x" * 201, b"a\x01b", b"a\tb", b"\xe4", b"a\x7f"])
async def test_a_key_that_is_none_is_refused(bench: Bench, key: bytes) -> None:
    answer = await post(bench, "/api/journal/entries", key)
    assert answer.status_code == 422, answer.text
    assert await written(bench) == (0, 0, 0, 0)


@SQLITE
async def test_the_longest_key_is_accepted_and_two_are_refused(bench: Bench) -> None:
    assert (await post(bench, "/api/journal/entries", "~" * 200)).status_code == 200
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await bench.client.post("/api/journal/entries", json=ENTRY, headers=twice)
    assert answer.status_code == 422
    assert "one Idempotency-Key" in answer.json()["detail"]


async def aged(database: Database, key: str, seconds: float) -> None:
    own = idempotent_answers.c
    async with database.write("idempotent_answers") as connection:
        statement = update(idempotent_answers).where(own.key == key).values(created_at=own.created_at - seconds)
        await connection.execute(statement)


async def test_a_key_is_forgotten_after_a_day_and_not_before(bench: Bench) -> None:
    await post(bench, "/api/journal/entries")
    await aged(bench.services.database, "k1", 86_300)
    assert (await post(bench, "/api/journal/entries")).headers["idempotent-replayed"] == "true"
    await aged(bench.services.database, "k1", 200)
    answer = await post(bench, "/api/journal/entries", body=ENTRY | {"lots": 2})
    assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (200, None)
    assert (await written(bench))[1] == 2


async def test_old_answers_are_pruned_in_batches(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    database, pauses = bench.services.database, []
    for number in range(6):
        await post(bench, "/api/journal/entries", f"k{number}")
        if number != 3:
            await aged(database, f"k{number}", 86_500 + number)

    async def wait(seconds: float) -> None:
        pauses.append(seconds)

    assert await prune_answers(database, wait) == 5
    assert pauses == [BREATH, BREATH]
    async with database.read() as connection:
        answers = AnswerRepository(connection)
        assert [await answers.get(f"k{number}", 0.0) is not None for number in range(6)] == [
            number == 3 for number in range(6)
        ]
