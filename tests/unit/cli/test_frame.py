import errno
import json
import os
import subprocess
import sys

import pytest

from alphaforge.cli import app as commands
from alphaforge.cli import frame, main
from alphaforge.cli.state import state
from alphaforge.core import errors


def every_error() -> list[type[errors.AlphaForgeError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.AlphaForgeError)]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> "list[BaseException]":
    """Put an error into the list, and every command line raises it."""
    raised: list[BaseException] = []

    def app(**_: object) -> None:
        raise raised[0]

    monkeypatch.setattr(commands, "app", app)
    return raised


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(str(ended.value.code))


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_ends_in_a_sentence_its_advice_and_a_code_but_no_trace(
    kind: type[errors.AlphaForgeError], failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(kind("The thing is broken", advice="Mend it."))
    assert run("scan") in {1, 2, 3, 4}
    out, err = capsys.readouterr()
    assert (out, err) == ("", "The thing is broken\nMend it.\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound("x"), 1),
        (errors.NoData("x"), 1),
        (errors.Conflict("x"), 1),
        (errors.InvalidSetting("x"), 2),
        (errors.UnknownInstrument("x"), 2),
        (errors.TokenRejected("x"), 3),
        (errors.MarketUnavailable("x"), 3),
        (errors.DatabaseInUse("x"), 4),
        (PermissionError(13, "Permission denied", "x.csv"), 2),
        (RuntimeError("x"), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_tells_what_kind_of_failure_it_was(
    error: BaseException, code: int, failing: list[BaseException]
) -> None:
    failing.append(error)
    assert run("scan") == code


def test_a_failure_is_json_too_where_json_was_asked_for(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(errors.TokenRejected("OANDA refused the token", advice="Make a new one."))
    assert run("scan", "--json") == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "error": {"kind": "TokenRejected", "message": "OANDA refused the token", "advice": "Make a new one."}
    }


def test_debug_shows_the_trace_wherever_it_stands(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(ZeroDivisionError("by nothing"))
    assert run("scan", "--debug") == 70
    assert "Traceback" in capsys.readouterr().err
    assert run("scan") == 70
    assert "Traceback" not in capsys.readouterr().err


def test_no_secret_is_in_a_failure_nor_in_its_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def app(**_: object) -> None:
        state.settings()
        raise errors.StorageError("cannot send s3cret-token", advice="Ask s3cret-token.")

    monkeypatch.setenv("OANDA_API_KEY", "s3cret-token")
    monkeypatch.setattr(commands, "app", app)
    run("scan", "--debug")
    out, err = capsys.readouterr()
    assert "Traceback" in err
    assert "s3cret-token" not in out + err


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("serve", "--nonsense"), ("signals", "show", "abc"), ("signals", "show")]
)
def test_wrong_use_is_a_sentence_and_code_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == frame.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "--help" in err
    assert "Traceback" not in err


def test_help_and_version_are_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "doctor" in capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out.strip()


def test_an_output_that_is_full_is_told_on_standard_error_alone(
    failing: list[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")

    def fails(*_: object) -> None:
        raise full

    failing.append(full)
    monkeypatch.setattr("alphaforge.cli.output.print_json", fails)
    assert run("scan", "--json") == frame.USAGE
    assert capsys.readouterr().err == "The output: No space left on device\nMake room.\n"


@pytest.mark.skipif(os.name == "nt", reason="shells there close no streams")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_defect(closed: str) -> None:
    command = ["/bin/sh", "-c", f'exec "{sys.executable}" -m alphaforge config {closed}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="a reader leaves in another way there")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
def test_a_reader_that_has_left_is_no_failure(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "alphaforge", "config", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
