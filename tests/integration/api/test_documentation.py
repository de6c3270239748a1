"""The OpenAPI document, the page made of it, and every operation held against it by generated requests."""

import contextlib
import json
import re
import threading
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from alphaforge.market.source import Quote
from api_bench import SQLITE, Bench, decided
from backtests_at_hand import keep_candles

pytestmark = SQLITE


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()


async def test_every_operation_says_what_it_does_takes_and_answers(bench: Bench) -> None:
    document = await bench.get("/openapi.json")
    tags = {tag["name"] for tag in document["tags"]}
    for method, path, one in operations(document):
        where = f"{method} {path}"
        assert one["summary"], where
        assert one["description"], where
        assert set(one["tags"]) <= tags, where
        for parameter in one.get("parameters", []):
            assert parameter.get("description"), f"{where} {parameter['name']}"
        for status in ("4XX", "5XX"):
            assert one["responses"][status] == {"$ref": "#/components/responses/Problem"}, where
        for content in one["responses"]["200"]["content"].values():
            assert content["schema"] not in ({}, {"title": ""}), where


async def test_every_reference_leads_somewhere(bench: Bench) -> None:
    document = await bench.get("/openapi.json")
    for reference in references(document):
        part: Any = document
        for key in reference.removeprefix("#/").split("/"):
            part = part[key]
        assert part


async def test_what_may_be_kept_says_so_and_nothing_else_does(bench: Bench) -> None:
    document = await bench.get("/openapi.json")
    says = {path: "304" in one["responses"] for method, path, one in operations(document) if method == "get"}
    assert says["/api/signals"]
    assert says["/api/signals/symbol/{symbol}"]
    assert not says["/api/signals/export"]
    assert not says["/api/prices/live/{symbol}"]
    assert not says["/api/backtests"], "progress is not kept"
    for method, path, one in operations(document):
        tells = "ETag" in one["responses"].get("200", {}).get("headers", {})
        assert tells == (method == "get" and says[path]), f"{method} {path}"


async def test_a_kept_answer_has_the_headers_that_are_documented(bench: Bench) -> None:
    document = await bench.get("/openapi.json")
    headers = document["paths"]["/api/journal/statistics"]["get"]["responses"]["200"]["headers"]
    answer = await bench.client.get("/api/journal/statistics")
    assert {name for name in headers if name not in answer.headers} <= {"RateLimit"}  # where there is a limit
    again = await bench.client.get("/api/journal/statistics", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


async def test_bodies_come_with_an_example_that_is_accepted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphaforge.api.backtest._PATIENCE", 0.0)
    await keep_candles(bench.services.database)
    document = await bench.get("/openapi.json")
    tried = 0
    for method, path, one in operations(document):
        if "requestBody" in one and method == "post":
            kinds = one["requestBody"]["content"]
            if "application/json" not in kinds:  # a file
                continue
            reference = kinds["application/json"]["schema"]["$ref"]
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
            answer = await bench.client.post(path, json=schema["example"])
            assert answer.status_code == (202 if "202" in one["responses"] else 200), path
            tried += 1
    assert tried == 10


async def test_every_path_of_the_predecessor_is_documented(bench: Bench) -> None:
    documented = {(method.upper(), path) for method, path, _ in operations(await bench.get("/openapi.json"))}
    signals = ("", "/today", "/statistics", "/performance", "/active", "/pending", "/symbol/{symbol}", "/{signal_id}")
    expected = {("GET", f"/api/signals{path}") for path in (*signals, "/enhanced/statistics")}
    posts = ("", "/create", "/check-outcomes", "/generate", "/generate/{instrument}")
    enhanced = ("/enhanced/generate", "/enhanced/generate/{pair}", "/enhanced/trade-result")
    expected |= {("POST", f"/api/signals{path}") for path in (*posts, *enhanced)}
    expected |= {("GET", path) for path in ("/", "/health", "/status", "/api/status", "/signals", "/api/stats")}
    expected |= {("GET", f"/api/journal{path}") for path in ("", "/statistics", "/entries", "/entries/{entry_id}")}
    expected |= {(verb, "/api/journal/entries/{entry_id}") for verb in ("PUT", "DELETE")}
    expected |= {("GET", f"/api/analysis/{path}") for path in ("status", "latest", "history")}
    expected |= {("GET", path) for path in ("/api/prices/live", "/api/prices/live/{symbol}", "/api/symbols")}
    expected |= {("POST", path) for path in ("/api/journal/entries", "/api/strategy/start", "/api/strategy/stop")}
    expected |= {("GET", path) for path in ("/api/rejections", "/api/rejections/latest", "/api/backtest/symbols")}
    expected |= {("POST", "/api/backtest/run"), ("PUT", "/api/signals/{signal_id}/status")}
    assert expected <= documented


async def test_the_page_names_every_operation_and_loads_nothing(bench: Bench) -> None:
    answer = await bench.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for _, path, _ in operations(await bench.get("/openapi.json")):
        assert path in answer.text
    assert "<script" not in answer.text
    assert set(re.findall(r"(?:src|href|url)\s*[=(]\s*['\"]?([^'\" >]+)", answer.text)) == {"openapi.json"}


async def test_generated_requests_never_break_the_server(bench: Bench) -> None:
    await bench.store(decided())
    bench.market.known_quotes = {"GBP_USD": Quote("GBP_USD", 1.0, 1.26, 1.27, 1, 1, tradeable=True)}
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(bench.app.openapi())))
    broken: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for case in examples(operation, GenerationMode.POSITIVE) + examples(operation, GenerationMode.NEGATIVE):
            answer = await bench.client.request(**sendable(case))
            if answer.status_code >= 500 and answer.status_code != 503:
                broken.append(f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {answer.text}")
    assert not broken, "\n".join(broken[:10])


def sendable(case: Any) -> dict[str, Any]:
    """A generated case in the client's words."""
    request = case.as_transport_kwargs(base_url="http://127.0.0.1:5000")
    body = request.get("data")
    words = {key: request[key] for key in ("method", "url", "params", "headers", "json") if key in request}
    return words | ({"content": body} if isinstance(body, bytes | str) else {"data": body})


def examples(operation: Any, mode: GenerationMode) -> list[Any]:
    """Some generated cases that fit the schema or break it, the same in every run."""
    cases: list[Any] = []

    @settings(
        max_examples=4,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        cases.append(case)

    with contextlib.suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
        collect()
    return cases


async def test_the_document_is_composed_beside_the_event_loop(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    composing = []
    composed = bench.app.openapi

    def openapi() -> dict[str, Any]:
        composing.append(threading.current_thread())
        return composed()

    monkeypatch.setattr(bench.app, "openapi", openapi)
    for path in ("/openapi.json", "/docs"):
        assert (await bench.client.get(path)).status_code == 200
    assert len(composing) == 2
    assert threading.main_thread() not in composing
