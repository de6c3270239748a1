"""A server lives through simulated days; what it stored is held against an offline evaluation of the same candles."""

from pathlib import Path

import pytest
from kills import survive
from replay import REAL_CANDLES, Plan, replay

from alphaforge.core.times import parse_rfc3339

START = parse_rfc3339("2025-07-08T06:00:00Z")


def test_a_server_decides_and_settles_every_candle_as_an_offline_evaluation_does(tmp_path: Path) -> None:
    report = replay(Plan(None, START, days=0.35, speed=1500, folder=tmp_path))

    assert report.faults == ()
    assert report.evaluated >= 3 * 90
    assert report.settled > 0, "a day without an outcome would prove nothing about settlement"


def test_a_replay_of_candle_files_is_decided_as_offline(tmp_path: Path) -> None:
    if not REAL_CANDLES.is_dir():
        pytest.skip("the real candles are not there; ALPHAFORGE_REAL_CANDLES names their folder")
    report = replay(Plan(REAL_CANDLES, START, days=0.2, speed=1500, folder=tmp_path))

    assert report.faults == ()
    assert report.evaluated >= 3 * 50


def test_a_server_that_is_killed_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    damage = survive(kills=3, seed=2, folder=tmp_path)

    assert damage.acknowledged > 0
    assert damage.lost == 0
    assert damage.report.faults == ()
