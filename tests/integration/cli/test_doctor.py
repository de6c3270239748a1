import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import RunningSandbox, serve_sandbox
from command_line import Answer, Run
from predecessor import build_sqlite
from threads import BackgroundLoop

TOKEN = "right-token"


def found(answer: Answer) -> dict[str, tuple[str, str]]:
    """The checks by name: state and what was found."""
    return {check["name"]: (check["state"], check["found"]) for check in answer.json["checks"]}


@pytest.fixture
def broker() -> Iterator[RunningSandbox]:
    """A sandbox with GBP_USD and a token, in a thread of its own."""
    with BackgroundLoop() as loop:
        running = loop.run(serve_sandbox(SimulatedMarket(3, ["GBP_USD"]), token=TOKEN))
        yield running
        loop.run(running.aclose())


@pytest.fixture
def connected(broker: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """The settings that lead to it."""
    monkeypatch.setenv("OANDA_API_KEY", TOKEN)
    monkeypatch.setenv("OANDA_API_URL", broker.url)
    monkeypatch.setenv("INSTRUMENTS", "GBP_USD")
    return broker


def test_a_fresh_folder_is_healthy_and_stays_empty(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")
    answer = run("doctor", "--json")
    assert answer.code == 0
    assert answer.json["healthy"]
    checks = found(answer)
    assert "the first start creates it" in checks["database"][1]
    assert checks["token"][0] == "notice"
    assert checks["clock"] == ("skipped", "no token")
    assert list(folder.iterdir()) == []


def test_a_database_of_the_predecessor_is_said_to_be_adopted_and_left_alone(run: Run, folder: Path) -> None:
    build_sqlite(folder / "trading_signals.db", signals=3, entries=2)
    before = (folder / "trading_signals.db").read_bytes()
    assert "adopts it" in found(run("doctor", "--json"))["database"][1]
    assert (folder / "trading_signals.db").read_bytes() == before


def test_a_whole_database_beside_a_running_server_is_good(run: Run, held: Path) -> None:
    del held
    checks = found(run("doctor", "--json"))
    assert checks["database"][0] == checks["integrity"][0] == checks["writable"][0] == "good"


def test_a_damaged_database_is_found_and_the_backup_named(run: Run, database: Path) -> None:
    damaged = bytearray(database.read_bytes())
    damaged[8192:12288] = b"\xff" * 4096
    database.write_bytes(damaged)
    answer = run("doctor")
    assert answer.code == 1
    assert "backup" in answer.out


def test_a_database_that_was_cut_off_is_a_finding_and_no_defect(run: Run, database: Path) -> None:
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 3])
    answer = run("doctor", "--json")
    assert answer.code == 1
    assert found(answer)["database"] == ("failed", "The database file is damaged")


def test_a_file_that_is_no_database_is_refused_with_advice(run: Run, folder: Path) -> None:
    (folder / "trading_signals.db").write_text("a shopping list")
    answer = run("doctor", "--json")
    assert answer.code == 1
    assert found(answer)["database"][0] == "failed"


@pytest.mark.parametrize(("free", "state"), [(10**7, "failed"), (5 * 10**8, "notice"), (10**11, "good")])
def test_a_full_disk_is_a_failure_and_a_tight_one_a_notice(
    run: Run, database: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    del database
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert found(run("doctor", "--json"))["disk"][0] == state


def test_a_port_that_another_program_has_is_a_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("PORT", str(other.getsockname()[1]))
        monkeypatch.setattr("alphaforge.cli.checks.machine._PATIENCE", 0.05)
        answer = run("doctor", "--json")
    assert answer.code == 1
    assert "cannot be used" in found(answer)["port"][1]


@pytest.mark.usefixtures("connected")
def test_a_good_token_leads_to_account_and_instruments(run: Run) -> None:
    checks = found(run("doctor", "--json"))
    assert checks["token"] == ("good", "accepted by sandbox-seed-3")
    assert checks["account"][0] == checks["instruments"][0] == "good"


@pytest.mark.usefixtures("connected")
def test_a_wrong_token_is_a_failure_with_advice_and_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OANDA_API_KEY", "wrong-token")
    answer = run("doctor")
    assert answer.code == 1
    assert "token:" in answer.out
    assert "wrong-token" not in answer.out + answer.err


@pytest.mark.usefixtures("connected")
def test_an_instrument_that_the_account_lacks_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTRUMENTS", "GBP_USD,EUR_CHF")
    answer = run("doctor", "--json")
    assert answer.code == 1
    assert found(answer)["instruments"] == ("failed", "not on this account: EUR_CHF")
    assert found(answer)["clock"][0] != "failed", "the others' prices carry the time as well"


def test_a_broker_that_cannot_be_reached_is_named_with_what_to_look_at(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OANDA_API_KEY", TOKEN)
    monkeypatch.setenv("OANDA_API_URL", "http://127.0.0.1:9")  # discard: nobody listens there
    answer = run("doctor", "--json")
    assert answer.code == 1
    assert "http://127.0.0.1:9 gives no answer" in found(answer)["token"][1]
    (advice,) = (check["advice"] for check in answer.json["checks"] if check["name"] == "token")
    assert "firewall" in advice
