"""Every field of every body, given what nobody means well; and clients that speak of codings and kinds."""

import gzip
import json
from typing import Any

import pytest

from api_bench import SQLITE, Bench

pytestmark = SQLITE

VALUES = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 400, "-" + "9" * 400, "1e-400", "0", "-0.0", "-1"),
    *("9223372036854775808", "-9223372036854775809", "true", "null", '""', '"\\u0000"', '"\\ud800"', '"\\udfff x"'),
    *('"9999-12-31T23:59:59Z"', '"0001-01-01"', '"-1"', '"NaN"', "[]", "{}", "[[[[1]]]]", '{"a":{"b":{}}}'),
    json.dumps("x" * 20_000),
)


async def bodies(bench: Bench) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Method, path, an accepted body, and the fields of each operation that takes one."""
    document = await bench.get("/openapi.json")
    found = []
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            schema = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if "$ref" not in schema:
                continue
            shape = _shape(document, schema)
            for one_shape in [_shape(document, one) for one in shape.get("oneOf", ())] or [shape]:
                fields = one_shape["properties"]
                told = {name: field["const"] for name, field in fields.items() if "const" in field}
                example = shape.get("example", {})
                fits = all(example.get(name) == value for name, value in told.items())
                found.append((method.upper(), path.replace("{entry_id}", "1"), example if fits else told, fields))
    return found


def _shape(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return shape


async def test_no_value_of_any_field_is_more_than_refused(bench: Bench) -> None:
    tried, broken = 0, []
    for method, path, example, fields in await bodies(bench):
        for number, name in enumerate(fields):
            rest = {key: value for key, value in example.items() if key != name}
            start = json.dumps(rest)[:-1] + (", " if rest else "")
            for value in VALUES[number % 3 :: 3]:  # each kind of field has more than three of its kind
                body = f'{start}"{name}": {value}}}'.encode()
                answer = await bench.client.request(method, path, content=body, headers=JSON)
                tried += 1
                if answer.status_code >= 500 or (answer.status_code > 400 and len(answer.content) > 20_000):
                    broken.append(f"{method} {path} {name}={value[:40]}: {answer.status_code} {answer.text[:200]}")
    assert tried > 300
    assert not broken, "\n".join(broken[:10])


JSON = {"content-type": "application/json"}
ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.3}


async def test_of_two_fields_of_one_name_the_last_counts(bench: Bench) -> None:
    body = json.dumps(ENTRY)[:-1].encode() + b', "lots": 2, "lots": 3}'
    answer = await bench.client.post("/api/journal/entries", content=body, headers=JSON)
    assert answer.status_code == 200
    assert (await bench.get("/api/journal/entries"))["entries"][0]["lots"] == 3


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        json.dumps(ENTRY)[:-1].encode() + b', "notes": ' + b"[" * 32 + b"]" * 32 + b"}",
        b"[{" * 5_000_000,
    ],
)
async def test_a_deep_body_is_refused_by_its_depth(bench: Bench, body: bytes) -> None:
    answer = await bench.client.post("/api/journal/entries", content=body, headers=JSON)
    assert answer.status_code == 422
    assert "32 deep" in answer.json()["detail"]


async def test_a_body_of_the_greatest_depth_is_judged_by_what_it_says(bench: Bench) -> None:
    body = json.dumps(ENTRY)[:-1].encode() + b', "notes": ' + b"[" * 31 + b"]" * 31 + b"}"
    answer = await bench.client.post("/api/journal/entries", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "notes"]


async def test_a_compressed_body_is_refused_and_told_how_to_come(bench: Bench) -> None:
    packed = gzip.compress(json.dumps(ENTRY).encode())
    answer = await bench.client.post(
        "/api/journal/entries", content=packed, headers=JSON | {"content-encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert (await bench.get("/api/journal/entries"))["total"] == 0


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense", "a/b;c"]
)
async def test_a_body_of_another_kind_is_refused_in_plain_words(bench: Bench, kind: str) -> None:
    answer = await bench.client.post(
        "/api/journal/entries", content=json.dumps(ENTRY).encode(), headers={"content-type": kind}
    )
    assert 400 <= answer.status_code < 500
    assert "Content-Type: application/json" in answer.text
    assert (await bench.get("/api/journal/entries"))["total"] == 0


@pytest.mark.parametrize(
    "accepted", ["nonsense", "", "*;q=0", "identity;q=0", "gzip;q=nan", ",,,;;;q=", "\xff", "a" * 8_000, "gzip;q=0, x"]
)
async def test_codings_that_nobody_knows_get_the_answer_as_it_is(bench: Bench, accepted: str) -> None:
    plain = await bench.client.get("/api/symbols", headers={"accept-encoding": "identity"})
    for _ in range(2):  # made, and from memory
        answer = await bench.client.get("/api/symbols", headers={"accept-encoding": accepted.encode("latin-1")})
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers
        assert answer.content == plain.content


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/signals?limit=101", "100"),
        ("/api/signals?limit=0", "1"),
        ("/api/signals?limit=-1", "1"),
        ("/api/signals?limit=99999999999999999999", "100"),
        ("/api/signals?skip=-1", "skip"),
        ("/api/signals?skip=99999999999999999999", "skip"),
        ("/api/journal/entries?limit=101", "100"),
        ("/api/journal/entries?skip=-5", "skip"),
        ("/api/signals?from=0000-00-00", "from"),
        ("/api/signals?to=99999-01-01", "to"),
        ("/api/signals?min_confidence=nan", "min_confidence"),
        ("/api/signals?min_confidence=1e400", "min_confidence"),
        ("/api/signals/99999999999999999999", "signal_id"),
        ("/api/candles/GBP_USD?limit=1000000", "limit"),
    ],
)
async def test_what_is_out_of_range_is_refused_naming_it(bench: Bench, path: str, words: str) -> None:
    answer = await bench.client.get(path)
    assert answer.status_code == 422, answer.text
    assert words in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/signals?skip=2147483648",
        "/api/signals?skip=9223372036854775807",
        "/api/signals?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
        "/api/signals?from=9999-12-31T23:59:59Z&to=0001-01-01T00:00:00Z",
        "/api/signals?symbol=%25&status=%25",
        "/api/journal/entries?skip=2147483648",
        "/api/rejections?date=9999-12-31",
        "/api/rejections?date=0001-01-01",
        "/api/candles/GBP_USD?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
        "/api/signals/performance?days=2147483647",
    ],
)
async def test_what_is_absurd_is_nothing_or_refused(bench: Bench, path: str) -> None:
    await bench.signal()
    answer = await bench.client.get(path)
    assert answer.status_code in (200, 400, 404, 422), answer.text
