"""`alphaforge backtest` from the stored candles to the files, and what it says where that cannot be."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any

import msgspec
import pytest

from alphaforge.storage.engine import Database
from backtests_at_hand import ASKED, SETTINGS, SOURCE, keep_candles, report
from command_line import Answer, Run

SCOPE = ("-i", "gbpusd", "--from", ASKED["from"], "--to", ASKED["to"])
SETS = tuple(word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}"))


@pytest.fixture
def kept(held: Path) -> Path:
    """Candles in a database that a running server has."""

    other = held.with_name("other.db")  # the server has the file itself
    other.write_bytes(held.read_bytes())

    async def keep() -> None:
        database = await Database.open(f"sqlite:///{other}")
        await keep_candles(database)
        await database.close()

    asyncio.run(keep())
    held.write_bytes(other.read_bytes())
    return held


def test_a_backtest_says_its_evidence_first_and_writes_what_opens_offline(run: Run, kept: Path, folder: Path) -> None:
    answer = run("backtest", *SCOPE, *SETS, "--out", "made", "--cores", 1)
    assert answer.code == 0, answer.err
    assert " ".join(answer.out.split()).startswith(report()["sentence"])
    for heading in ("Figures", "By instrument", "Refused, by the first reason", "Controls"):
        assert heading in answer.out
    made = json.loads((folder / "made" / "report.json").read_text())
    assert made == msgspec.json.decode(msgspec.json.encode(report()))
    page = (folder / "made" / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert len((folder / "made" / "trades.csv").read_text().splitlines()) == 1 + len(report()["trades"]["r"])
    assert compared(run, folder, made).code == 0


def compared(run: Run, folder: Path, made: dict[str, Any]) -> Answer:
    """The same report twice, compared."""
    (folder / "again").mkdir()
    (folder / "again" / "report.json").write_text(json.dumps(made))
    answer = run("backtest", "compare", "made", "again/report.json")
    assert "no difference shown" in answer.out
    assert run("backtest", "compare", "made", "again", "--json").json["names"] == ["made", "again"]
    return answer


def test_a_grid_walked_forward_has_in_sample_and_out_of_sample_columns(run: Run, kept: Path) -> None:
    more = ("--grid", "min_votes=1.5,2", "--walk-forward", "7d/3d", "--minimum-trades", 1, "--no-controls")
    answer = run("backtest", *SCOPE, *SETS, *more, "--cores", 1)
    assert answer.code == 0, answer.err
    assert "Out of sample over 2 folds" in answer.out
    assert "R in sample" in answer.out
    assert "R out of sample" in answer.out
    assert "2 settings: about" in answer.err


def begun(folder: Path, *arguments: object) -> "Popen[str]":
    """The command in a process of its own."""
    words = [sys.executable, "-m", "alphaforge", "backtest", *map(str, arguments)]
    return Popen(words, cwd=folder, stdout=PIPE, stderr=PIPE, text=True)  # noqa: S603 - our own command


def test_an_interruption_keeps_what_is_finished_and_leaves_no_process(kept: Path, folder: Path) -> None:
    del kept
    grid = ("--grid", "min_votes=1:3:0.25", "--grid", "stop=1:2:0.25", "--minimum-trades", 1, "--no-controls")
    command = begun(folder, *SCOPE, *SETS, *grid, "--cores", 1, "--json", "--out", "made")
    assert command.stderr is not None
    assert "45 settings" in command.stderr.readline()
    children = waited_for_children(command)
    os.kill(command.pid, signal.SIGINT)
    out, err = command.communicate(timeout=60)
    assert command.returncode == 130
    assert "Interrupted" in err
    assert not any(child.is_running() for child in children)
    if out:  # the first points were there in time
        assert json.loads(out)["finished"] < json.loads(out)["tasks"]


def waited_for_children(command: "Popen[str]") -> list[Any]:
    """The processes that a command has begun, as soon as there are any."""
    psutil = pytest.importorskip("psutil")
    parent = psutil.Process(command.pid)
    while not (children := parent.children()):
        with pytest.raises(TimeoutExpired):  # it has not ended
            command.wait(timeout=0.02)
    return list(children)


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--from", "2025-02-01", "--to", "2025-01-01"), 2, "There is no time between 2025-02-01T00:00:00Z"),
        (("--instruments", "nonsense"), 2, "'nonsense' is not an instrument"),
        (("--instruments", "EUR_USD"), 1, "There are no candles of EUR_USD"),
        (("--source", "oanda-live"), 1, f"no candles of GBP_USD of oanda-live; {SOURCE} has some"),
        (
            ("--from", "2030-01-01", "--to", "2030-02-01"),
            1,
            "There are no candles of GBP_USD by sandbox from 2030-01-01",
        ),
        (("--set", "min_votes=-1"), 2, "minimum_votes = -1.0 is impossible"),
        (("--set", "min_votes"), 2, "'min_votes' sets nothing"),
        (("--grid", "min_votes=1:3:0.001", "--grid", "stop=1:3:0.001"), 2, "A grid of 4,004,001 points"),
        (("--grid", "min_votes=1:3:1", "--limit", "2"), 2, "A grid of 3 points (3 minimum_votes) is more than the 2"),
        (("--walk-forward", "180d"), 2, "'180d' is no walk-forward"),
        (("--walk-forward", "900d/30d"), 2, "has no room for"),
        (("--financing", "GBP_USD=1"), 2, "'GBP_USD=1' is no financing"),
        (("--risk", "3"), 2, "A risk of 3.0 of the equity is impossible"),
        (("--balance", "0"), 2, "A starting balance of 0.0 is impossible"),
    ],
)
def test_what_cannot_be_meant_is_said(run: Run, kept: Path, more: tuple[str, ...], code: int, says: str) -> None:
    scope = () if "--instruments" in more else ("--instruments", "GBP_USD")
    answer = run("backtest", *scope, *more)
    assert (answer.code, says in answer.err) == (code, True), answer.err


def test_what_is_no_report_cannot_be_compared(run: Run, folder: Path) -> None:
    (folder / "notes.json").write_text("[1]")
    answer = run("backtest", "compare", "notes.json", "missing")
    assert (answer.code, "notes.json is no report of a backtest" in answer.err) == (2, True)
