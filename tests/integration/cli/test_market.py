"""`scan`, `candles download` and `sandbox`: the commands that talk to a market, here a sandbox of their own."""

import socket
from pathlib import Path

import pytest

from command_line import Run


@pytest.fixture(autouse=True)
def _one_instrument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTRUMENTS", "GBP_USD")


def test_a_download_keeps_what_the_market_has_and_a_second_one_changes_nothing(run: Run) -> None:
    bounds = ("--from", "2025-07-07T00:02:00Z", "--to", "2025-07-08T00:00:00Z")
    (first,) = run("candles", "download", *bounds, "--json").json
    assert first["source"] == "sandbox-seed-7"
    assert first["simulated"]
    assert first["new_or_changed"] == first["candles"] > 200
    (found,) = run("candles", "check", "--json").json
    assert found["quality"]["candles"] == first["candles"]
    assert found["quality"]["first"] >= "2025-07-07T00:05:00Z"
    assert found["quality"]["last"] < "2025-07-08T00:00:00Z"
    (second,) = run("candles", "download", *bounds, "--json").json
    assert second["new_or_changed"] == 0


def test_a_download_may_be_of_what_is_not_watched(run: Run) -> None:
    bounds = ("--from", "2025-07-07T00:00:00Z", "--to", "2025-07-07T02:00:00Z")
    (found,) = run("candles", "download", "eur/nok", *bounds, "--json").json
    assert (found["instrument"], found["candles"] > 0) == ("EUR_NOK", True)


def test_a_download_of_no_time_at_all_is_refused(run: Run) -> None:
    refused = run("candles", "download", "--from", "2025-07-08T00:00:00Z", "--to", "2025-07-07T00:00:00Z")
    assert refused.code == 2
    assert "--from comes before --to" in refused.err


def test_a_scan_says_why_and_that_its_prices_are_invented(run: Run) -> None:
    answer = run("scan", "--json")
    assert answer.code == 0
    assert answer.json["simulated"]
    (result,) = answer.json["results"]
    assert result["instrument"] == "GBP_USD"
    assert len(result["decision"]["filters"]) == 11
    assert (result["reason"] is None) == (result["signal_id"] is not None)


def test_a_scan_of_what_is_not_watched_is_refused_and_makes_no_database(run: Run, folder: Path) -> None:
    refused = run("scan", "gold")
    assert refused.code == 2
    assert "XAU_USD is not watched" in refused.err
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("held")
def test_a_scan_beside_a_running_server_says_how_to_ask_it(run: Run) -> None:
    refused = run("scan")
    assert refused.code == 4
    assert "curl -X POST http://127.0.0.1:5000/api/signals/generate" in refused.err


def test_a_market_that_does_not_answer_is_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OANDA_API_KEY", "token")
    monkeypatch.setenv("OANDA_API_URL", "http://127.0.0.1:9")  # discard: nobody listens there
    assert run("scan").code == 3


@pytest.mark.parametrize("latency", ["inf", "nan", "-1", "600001"])
def test_a_latency_that_nobody_can_mean_is_refused(run: Run, latency: str) -> None:
    refused = run("sandbox", f"--latency={latency}")
    assert refused.code == 2
    assert "--latency" in refused.err


def test_a_replay_without_a_moment_to_begin_at_is_refused(run: Run) -> None:
    refused = run("sandbox", "--replay", ".")
    assert refused.code == 2
    assert "--from" in refused.err


def test_a_port_that_is_taken_is_refused_with_another_way(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run("sandbox", "--port", port)
    assert refused.code == 2
    assert f"Port {port} cannot be listened on" in refused.err
    assert "0 for any" in refused.err
