"""What the predecessor answered, held against this application over the predecessor's own database.

The rules are those of the recorded exchanges: a status of the recorded kind, every recorded key there, and with a
value of the recorded kind. The files are found by ALPHAFORGE_LEGACY_DIR, else beside the repository.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alphaforge.market.source import Quote
from alphaforge.signals.model import FilterName, Status
from alphaforge.storage.engine import Database
from api_bench import NOW, Bench, FakeResult, FakeSettlement, decided

LEGACY = Path(os.environ.get("ALPHAFORGE_LEGACY_DIR") or Path(__file__).parents[4] / "shared" / "legacy")

pytestmark = pytest.mark.skipif(
    not (LEGACY / "exchanges.json").is_file(), reason=f"no recorded exchanges in {LEGACY}: set ALPHAFORGE_LEGACY_DIR"
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copyfile(LEGACY / "trading_signals.db", tmp_path / "trading_signals.db")
    opened = await Database.open(f"sqlite:///{tmp_path}/trading_signals.db")
    yield opened
    await opened.close()


@pytest.fixture
def steps() -> list[dict[str, Any]]:
    return json.loads((LEGACY / "exchanges.json").read_text())


def differences(want: object, got: object, at: str = "$") -> list[str]:
    """Where an answer lacks what the predecessor's had."""
    if want is None or (got is None and not isinstance(want, dict)):
        return []
    if isinstance(want, (int, float)) and not isinstance(want, bool):
        return [] if isinstance(got, (int, float)) and not isinstance(got, bool) else [f"{at}: {got!r} is no number"]
    if type(want) is not type(got):
        return [f"{at}: {got!r} is no {type(want).__name__}"]
    if isinstance(want, dict) and isinstance(got, dict):
        return _keys_differ(want, got, at)
    if isinstance(want, list) and isinstance(got, list) and want:
        return differences(want[0], got[0], f"{at}[0]") if got else [f"{at}: empty"]
    return []


def _keys_differ(want: dict[str, Any], got: dict[str, Any], at: str) -> list[str]:
    other_outcome = any(key in want and want[key] != got.get(key) for key in ("generated", "status"))
    lax = other_outcome or at.endswith("distribution")
    found = [] if lax else [f"{at}.{key}: missing" for key in want if key not in got]
    return found + [line for key in want if key in got for line in differences(want[key], got[key], f"{at}.{key}")]


def saved_by(step: dict[str, Any], answer: Any) -> dict[str, Any]:
    found = {}
    for name, route in step.get("save", {}).items():
        value = answer
        for key in route:
            value = value[key]
        found[name] = value
    return found


def violations(step: dict[str, Any], status: int, answer: Any) -> list[str]:
    """What of the recorded step does not hold."""
    recorded = step["status"]
    if recorded < 400:
        return (
            differences(step["answer"], answer) if status < 400 else [f"status was {recorded}, is {status}: {answer}"]
        )
    if status >= 500 or (recorded < 500 and status < 400):
        return [f"status was {recorded}, is {status}"]
    return ["no detail"] if status >= 400 and "detail" not in answer else []


def furnish(bench: Bench) -> None:
    """A desk that finds one signal and one settled one, in a market that trades."""
    prices = {"GBP_USD": (1.2648, 1.2652), "XAU_USD": (2735.5, 2736.5), "USD_JPY": (155.0, 155.02)}
    bench.market.known_quotes = {
        name: Quote(name, NOW - 1, bid, ask, 1, 1, tradeable=True) for name, (bid, ask) in prices.items()
    }
    bench.desk.results = [
        FakeResult("GBP_USD", decided(reason=FilterName.COOLDOWN), None, "cooldown"),
        FakeResult("XAU_USD", decided(instrument="XAU_USD"), 303),
        FakeResult("USD_JPY", None, None, "warming_up: 200 of 13000 candles"),
    ]
    bench.desk.settlements = [
        FakeSettlement(37, "USD_JPY", Status.EXPIRED, None, "4 hours elapsed"),
        FakeSettlement(6, "XAU_USD", Status.ACTIVE, None, "open"),
    ]


async def test_every_recorded_exchange_holds(bench: Bench, steps: list[dict[str, Any]]) -> None:
    furnish(bench)
    saved: dict[str, Any] = {}
    broken = []
    for step in steps:
        answer = await bench.client.request(
            step["method"], step["path"].format(**saved), params=step.get("query"), json=step.get("body")
        )
        saved |= saved_by(step, answer.json())
        broken += [
            f"{step['method']} {step['path']}: {one}" for one in violations(step, answer.status_code, answer.json())
        ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    "path",
    ["/api/stats", "/api/journal/statistics", "/api/signals/statistics", "/api/signals/active", "/api/signals/pending"],
)
async def test_the_figures_over_the_predecessors_rows_are_the_predecessors(
    bench: Bench, steps: list[dict[str, Any]], path: str
) -> None:
    recorded = next(step["answer"] for step in steps if step["path"] == path and "query" not in step)
    answer = await bench.get(path)
    assert {key: answer[key] for key in recorded if key != "signals"} == {
        key: value for key, value in recorded.items() if key != "signals"
    }


async def test_the_first_page_of_signals_is_the_predecessors(bench: Bench, steps: list[dict[str, Any]]) -> None:
    recorded = next(step["answer"] for step in steps if step["path"] == "/api/signals")
    answer = await bench.get("/api/signals")
    assert answer["count"] == recorded["count"]
    assert answer["statistics"] == recorded["statistics"]
    times = ("timestamp", "entry_time", "exit_time", "created_at", "updated_at")
    for was, is_now in zip(recorded["signals"], answer["signals"], strict=False):
        expected = was | {key: was[key] and was[key] + "Z" for key in times}
        assert {key: is_now[key] for key in expected} == expected
        assert is_now["instrument"] in bench.market.watched


async def test_the_first_entries_are_the_predecessors(bench: Bench, steps: list[dict[str, Any]]) -> None:
    recorded = next(step["answer"] for step in steps if step["path"] == "/api/journal/entries")
    answer = await bench.get("/api/journal/entries")
    assert (answer["total"], answer["total_entries"]) == (180, 180)
    for was, is_now in zip(recorded["entries"], answer["entries"], strict=False):
        expected = was | {"created_at": was["created_at"] + "Z", "updated_at": was["updated_at"] + "Z"}
        assert {key: is_now[key] for key in expected} == expected


async def test_the_recorded_refusals_keep_their_words(bench: Bench, steps: list[dict[str, Any]]) -> None:
    sid = await bench.signal()
    for step in steps:
        if step["status"] in {400, 404}:
            path = step["path"].format(sid=sid)
            answer = await bench.client.request(step["method"], path, params=step.get("query"))
            assert (answer.status_code, answer.json()["detail"]) == (step["status"], step["answer"]["detail"])


def test_the_rules_of_comparison_see_what_is_missing() -> None:
    assert differences({"a": {"b": 1}}, {"a": {}}) == ["$.a.b: missing"]
    assert differences({"a": [1]}, {"a": []}) == ["$.a: empty"]
    assert differences({"a": True}, {"a": 1}) == ["$.a: 1 is no bool"]
    assert differences({"a": 1}, {"a": "1"}) == ["$.a: '1' is no number"]
    assert differences({"a": {"b": 1}}, {"a": None}) == ["$.a: None is no dict"]
    assert differences({"a": 1, "b": None}, {"a": None, "b": 3, "c": 4}) == []
