"""A hundred clients on everything at once, before a server with five connections to its database."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from processes import Server, server, until

CLIENTS = 100
EACH = 4
ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.3}
SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
ANSWERS = {200, 404, 503}
"""404: a day without rejections, a signal that was made by hand and has nothing to explain."""

FILLED = {
    "/compare": "/compare?a=1&b=2",
    "/breakdown": "/breakdown?by=hour",
    "{backtest_id}": "1",
    "{signal_id}": "1",
    "{entry_id}": "1",
    "{job_id}": "1",
    "{symbol}": "GBP_USD",
    "{instrument}": "GBP_USD",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/desk.db"
    return str(request.getfixturevalue("postgres_database"))


def test_a_hundred_clients_on_everything_at_once_are_answered_and_leave_nothing(tmp_path: Path, database: str) -> None:
    few = {"DB_POOL_SIZE": "5", "DB_MAX_OVERFLOW": "0", "DATABASE_URL": database}
    with server(tmp_path, None, **few) as desk:
        asyncio.run(crowd(desk.url, 10))  # every connection has been opened once
        before = held(desk)
        codes = asyncio.run(crowd(desk.url, CLIENTS))
        assert set(codes) <= ANSWERS, codes
        assert codes[200] > codes.get(503, 0)
        asyncio.run(recovered(desk.url))
        until(lambda: held(desk) <= before, "the server has closed what it opened", desk.process)


def held(desk: Server) -> int:
    """Open files, and connections of clients; those to the market are opened one by one whoever asks."""
    descriptors = Path(f"/proc/{desk.process.pid}/fd").iterdir()
    files = sum(not _leads_to(one).startswith("socket:") for one in descriptors)
    port = f":{int(desk.url.rpartition(':')[2]):04X}"
    lines = Path(f"/proc/{desk.process.pid}/net/tcp").read_text().splitlines()[1:]
    ours = [line.split() for line in lines if line.split()[1].endswith(port)]
    return files + sum(state in ("01", "08") for _, _, _, state, *_ in ours)  # open, or closed by the client alone


def _leads_to(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return "socket: just closed"


async def crowd(url: str, clients: int) -> dict[int, int]:
    """Each client asks some questions, each beginning elsewhere, so that together they ask all; statuses counted."""
    codes: dict[int, int] = {}
    limits = httpx2.Limits(max_connections=clients)
    async with asyncio.timeout(120), httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        for method, path, body in [("POST", "/api/signals", SIGNAL), ("POST", "/api/journal/entries", ENTRY)]:
            (await client.request(method, path, json=body)).raise_for_status()
        questions = await everything(client)

        async def one(number: int) -> None:
            for turn in range(EACH):
                method, path, body = questions[(number + turn) % len(questions)]
                answer = await client.request(method, path, json=body)
                if answer.status_code not in ANSWERS:
                    raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
                if answer.status_code == 503:
                    assert int(answer.headers["retry-after"]) >= 1, path
                codes[answer.status_code] = codes.get(answer.status_code, 0) + 1

        await asyncio.gather(*(one(number) for number in range(clients)))
    return codes


async def everything(client: httpx2.AsyncClient) -> list[tuple[str, str, Any]]:
    """Every GET that the server documents, and some writes."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    questions: list[tuple[str, str, Any]] = []
    for path, methods in paths.items():
        if "get" not in methods or path == "/api/stream":
            continue  # never ends
        for name, value in FILLED.items():
            path = path.replace(name, value)  # noqa: PLW2901 - filled in
        questions.append(("GET", path, None))
    assert len(questions) > 25
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/api/journal/entries", ENTRY),
        ("PUT", "/api/journal/entries/1", {"notes": "again"}),
        ("POST", "/api/signals", SIGNAL),
    ]
    return questions + writes


async def recovered(url: str) -> None:
    """Whoever asks after the crowd has gone is answered as ever, within two seconds."""
    async with httpx2.AsyncClient(base_url=url, timeout=2) as client:
        for path in ("/api/signals?limit=3", "/api/journal/statistics", "/api/analysis/history"):
            (await client.get(path)).raise_for_status()
        (await client.post("/api/journal/entries", json=ENTRY)).raise_for_status()
