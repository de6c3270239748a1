"""The one table from errors to HTTP, and what problem details may say."""

import inspect
import json
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Response
from fastapi.exceptions import RequestValidationError

from alphaforge.api.errors import VERDICTS, answer_own_error, answer_validation_error, verdict_of
from alphaforge.core import errors

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AlphaForgeError)]
REQUEST = SimpleNamespace(scope={"alphaforge.request_id": "r1"})


async def answered(error: Exception) -> tuple[Response, dict[str, Any]]:
    answer = await answer_own_error(REQUEST, error)
    return answer, json.loads(answer.body)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not errors.AlphaForgeError])
def test_every_error_has_a_status(kind: type[errors.AlphaForgeError]) -> None:
    assert verdict_of(kind("x")) is not None


def test_the_table_names_no_error_that_is_gone() -> None:
    assert set(VERDICTS) <= set(ALL)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.InvalidInput, 422),
        (errors.InvalidCandle, 422),
        (errors.UnknownInstrument, 404),
        (errors.NotFound, 404),
        (errors.Conflict, 409),
        (errors.NotOffered, 501),
        (errors.NoData, 503),
        (errors.TokenRejected, 502),
        (errors.MalformedAnswer, 502),
        (errors.RateLimited, 503),
        (errors.MarketUnavailable, 503),
        (errors.DatabaseBusy, 503),
        (errors.DatabaseUnwritable, 503),
    ],
)
async def test_errors_have_the_status_that_the_tree_promises(kind: type[errors.AlphaForgeError], status: int) -> None:
    answer, body = await answered(kind("what is wrong", advice="what to do"))
    assert (answer.status_code, body["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["request_id"] == "r1"


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not errors.AlphaForgeError])
async def test_every_503_says_when_to_ask_again(kind: type[errors.AlphaForgeError]) -> None:
    answer, _ = await answered(kind("x"))
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)


async def test_message_and_advice_reach_the_client() -> None:
    _, body = await answered(errors.NoData("no price yet", advice="wait"))
    assert (body["detail"], body["advice"]) == ("no price yet", "wait")
    assert body["type"] == "urn:alphaforge:problem:no-data"


@pytest.mark.parametrize("kind", [kind for kind in ALL if issubclass(kind, errors.StorageError)])
async def test_what_the_database_says_stays_inside(kind: type[errors.AlphaForgeError]) -> None:
    answer, _ = await answered(kind("/home/jane/signals.db is locked", advice="chmod /home/jane"))
    assert b"jane" not in answer.body


async def test_an_error_that_nobody_foresaw_is_a_500_without_its_inside() -> None:
    answer, body = await answered(errors.AlphaForgeError("SELECT secret FROM /etc/passwd"))
    assert (answer.status_code, body["status"]) == (500, 500)
    assert b"SELECT" not in answer.body


async def validation(**one: Any) -> tuple[Response, dict[str, Any]]:
    error = {"type": "missing", "loc": ("body", "direction"), "msg": "Field required", "input": None, **one}
    answer = await answer_validation_error(REQUEST, RequestValidationError([error]))
    return answer, json.loads(answer.body)["detail"][0]


async def test_a_validation_error_keeps_the_shape_that_clients_know() -> None:
    answer, detail = await validation(input={"symbol": "GBP/USD"})
    assert answer.status_code == 422
    assert detail == {
        "type": "missing",
        "loc": ["body", "direction"],
        "msg": "Field required",
        "input": {"symbol": "GBP/USD"},
    }


async def test_a_validation_error_does_not_echo_megabytes() -> None:
    answer, _ = await validation(
        input={f"k{i}" * 100: ["x" * 1_000_000] * 100 for i in range(100)}, loc=("body", "y" * 1_000_000)
    )
    assert len(answer.body) < 20_000


@pytest.mark.parametrize("name", ["password", "api_key", "X-API-Key", "telegram_token", "Authorization"])
async def test_a_validation_error_does_not_echo_secrets(name: str) -> None:
    answer, _ = await validation(input={name: "hunter2"})
    assert b"hunter2" not in answer.body
    answer, _ = await validation(loc=("header", name), input="hunter2")
    assert b"hunter2" not in answer.body


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**70, "\ud800", "\0", b"\xff", object()])
async def test_a_validation_error_survives_what_json_cannot_say(value: object) -> None:
    answer, _ = await validation(input={"entry": value})
    assert answer.status_code == 422
