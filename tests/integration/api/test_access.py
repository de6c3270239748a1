"""Who may ask: every route, with and without the key."""

from typing import Any

import pytest
from fastapi import FastAPI

from alphaforge.api.app import serve
from alphaforge.api.services import ApiOptions
from api_bench import SQLITE, Bench

pytestmark = SQLITE

KEY = "correct horse battery staple"
OPEN = {("GET", "/health/live")}


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of everything that the application answers, whether documented or not."""
    documented = [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]
    return [
        *documented,
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
        ("POST", "/"),
        ("HEAD", "/health"),
    ]


def filled(path: str) -> str:
    for name in ("signal_id", "entry_id"):
        path = path.replace(f"{{{name}}}", "1")
    return path.replace("{instrument}", "GBP_USD").replace("{symbol}", "GBP_USD").replace("{pair}", "GBP_USD")


class TestWithAKey:
    @pytest.fixture
    def options(self) -> ApiOptions:
        return ApiOptions(api_key=KEY)

    async def test_nothing_but_liveness_opens_without_it(self, bench: Bench) -> None:
        routes = every_route(bench.app)
        assert len(routes) > 45
        for method, path in routes:
            answer = await bench.client.request(method, filled(path))
            expected = 200 if (method, path) in OPEN else 401
            assert answer.status_code == expected, (method, path)
            if expected == 401 and method != "HEAD":
                assert answer.json()["title"] == "Unauthorized"

    @pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}])
    async def test_everything_opens_with_it(self, bench: Bench, headers: dict[str, str]) -> None:
        for method, path in every_route(bench.app):
            answer = await bench.client.request(method, filled(path), headers=headers)
            assert answer.status_code not in {401, 403}, (method, path)

    @pytest.mark.parametrize(
        "headers", [{"Authorization": "Bearer wrong"}, {"X-API-Key": KEY + " "}, {"Authorization": f"Basic {KEY}"}]
    )
    async def test_a_wrong_key_writes_nothing(self, bench: Bench, headers: dict[str, str]) -> None:
        for method, path in every_route(bench.app):
            if (method, path) not in OPEN:
                answer = await bench.client.request(method, filled(path), headers=headers)
                assert answer.status_code == 401, (method, path)
        assert not bench.strategy.is_running

    async def test_keys_can_be_guessed_only_so_often(self, bench: Bench) -> None:
        serve(bench.app, bench.services, ApiOptions(api_key=KEY, rate_limit_per_minute=2))
        for expected in (401, 401, 429):
            answer = await bench.client.post("/api/strategy/stop", headers={"X-API-Key": "guess"})
            assert answer.status_code == expected

    async def test_a_browsers_preflight_needs_no_key(self, bench: Bench) -> None:
        headers = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "PUT"}
        headers["Access-Control-Request-Headers"] = "authorization,cache-control,content-type,x-requested-with"
        answer = await bench.client.options("/api/journal/entries/1", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"

    async def test_a_refusal_can_be_read_by_the_web_client(self, bench: Bench) -> None:
        answer = await bench.client.get("/api/signals", headers={"Origin": "http://localhost:5173"})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"

    async def test_the_key_opens_by_any_name(self, bench: Bench) -> None:
        headers = {"Host": "desk.example", "X-API-Key": KEY}
        assert (await bench.client.get("/api/signals", headers=headers)).status_code == 200

    async def test_a_foreign_page_with_the_key_may_write(self, bench: Bench) -> None:
        headers = {"Origin": "https://elsewhere.example", "X-API-Key": KEY}
        assert (await bench.client.post("/api/strategy/start", headers=headers)).status_code == 200


async def test_without_a_key_the_server_is_open(bench: Bench) -> None:
    for method, path in every_route(bench.app):
        assert (await bench.client.request(method, filled(path))).status_code not in {401, 403}, (method, path)


async def test_without_a_key_a_foreign_page_writes_nothing(bench: Bench) -> None:
    for method, path in every_route(bench.app):
        if method not in {"GET", "HEAD"}:
            answer = await bench.client.request(method, filled(path), headers={"Origin": "https://evil.example"})
            assert answer.status_code == 403, (method, path)
    assert not bench.strategy.is_running


async def test_without_a_key_another_name_than_this_machines_reads_and_writes_nothing(bench: Bench) -> None:
    for method, path in every_route(bench.app):
        answer = await bench.client.request(method, filled(path), headers={"Host": "evil.example:5000"})
        assert answer.status_code == 421, (method, path)
        assert method == "HEAD" or "API_KEY" in answer.json()["advice"]
    assert not bench.strategy.is_running


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:3000", "https://localhost", "http://[::1]:8080"]
)
async def test_web_clients_of_this_machine_may_read_the_answers(bench: Bench, origin: str) -> None:
    answer = await bench.client.get("/health", headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true", "the predecessor's client may send cookies"
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "null", "http://localhost:80@evil"]
)
async def test_other_pages_may_not_read_the_answers(bench: Bench, origin: str) -> None:
    answer = await bench.client.get("/health", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


class TestWithAnOriginOfOnesOwn:
    @pytest.fixture
    def options(self) -> ApiOptions:
        return ApiOptions(allowed_origins=("https://desk.example",))

    async def test_its_page_may_read_and_write(self, bench: Bench) -> None:
        headers: dict[str, Any] = {"Origin": "https://desk.example"}
        answer = await bench.client.post("/api/strategy/start", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://desk.example"
