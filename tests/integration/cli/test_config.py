from pathlib import Path

import pytest

from alphaforge.settings import Settings
from command_line import Run


def test_config_shows_every_setting_its_source_and_no_secret(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("OANDA_API_KEY=s3cret\nPORT=5001\nFLASK_DEBUG=1\nREDIS_URL=redis://:s3cret@r/0\n")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    answer = run("config", "--json")
    assert answer.code == 0
    found = {row["name"]: row for row in answer.json["settings"]}
    assert set(found) == {name.upper() for name in Settings.model_fields}
    assert (found["PORT"]["value"], found["PORT"]["source"]) == ("5001", ".env")
    assert found["LOG_LEVEL"]["source"] == "environment"
    assert found["HOST"]["source"] == "default"
    assert found["OANDA_API_KEY"]["value"] == "(set)"
    assert answer.json["ignored"] == ["FLASK_DEBUG"]
    shown = run("config")
    assert "PORT" in shown.out
    assert "FLASK_DEBUG" in shown.err
    assert "s3cret" not in answer.out + answer.err + shown.out + shown.err


def test_every_wrong_setting_stops_every_command_with_code_2(run: Run, folder: Path) -> None:
    (folder / ".env").write_text("PORT=x\nOANDA_APIKEY=s3cret\n")
    for command in (("config",), ("doctor",), ("serve",), ("signals", "list")):
        answer = run(*command)
        assert answer.code == 2
        assert "PORT is 'x' (.env)" in answer.err
        assert "OANDA_API_KEY was meant" in answer.err
        assert "s3cret" not in answer.err
