import io
import json
import logging
import warnings

import pytest
import structlog

from alphaforge.telemetry.logs import configure_logs

CANARIES = {name: f"c4nary-{name}" for name in ("message", "value", "nested", "exception", "url", "header", "stdlib")}


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def plant(log: structlog.BoundLogger) -> None:
    """Write every canary where a careless line would."""
    log.info(
        f"connected with {CANARIES['message']}",  # noqa: G004 - a careless line
        value=CANARIES["value"],
        deep={"list": [{"inner": CANARIES["nested"]}]},
        url=f"https://user:{CANARIES['url']}@host/path?token={CANARIES['url']}",
        headers={"Authorization": f"Bearer {CANARIES['header']}"},
    )
    try:
        raise ValueError(f"refused {CANARIES['exception']}") from RuntimeError(CANARIES["exception"])  # noqa: TRY301 - planted
    except ValueError:
        log.exception("failed", exc_value=ValueError(CANARIES["exception"]))
        logging.getLogger("some.library").exception("failed with %s", CANARIES["stdlib"])
    logging.getLogger("some.library").warning("GET https://host/?token=%s", CANARIES["stdlib"])


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_canary_reaches_the_log(stream: io.StringIO, style: str) -> None:
    redactor = configure_logs(style, "DEBUG", CANARIES.values(), stream)
    plant(structlog.get_logger("test"))
    written = stream.getvalue()
    assert written.count("\n") > 3
    assert "c4nary" not in written
    assert "c4nary" not in redactor.text(f"for other writers: {CANARIES['value']}")


def test_without_configured_secrets_the_shapes_still_hide_headers_and_urls(stream: io.StringIO) -> None:
    configure_logs("json", "DEBUG", (), stream)
    plant(structlog.get_logger("test"))
    assert CANARIES["header"] not in stream.getvalue()
    assert CANARIES["url"] not in stream.getvalue()


def test_a_value_named_like_a_secret_is_hidden_whatever_it_is(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    structlog.get_logger("test").info("asked", api_key="x1", token=17, password=None, instrument="GBP_USD")
    (line,) = lines(stream)
    assert (line["api_key"], line["token"], line["password"]) == ("[hidden]", "[hidden]", None)
    assert line["instrument"] == "GBP_USD"


def test_a_line_for_machines_is_json_with_time_level_logger_and_context(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    with structlog.contextvars.bound_contextvars(request_id="r-1", scan_id="s-2"):
        structlog.get_logger("alphaforge.test").info("scan_finished", signals=2)
        logging.getLogger("uvicorn.error").info("started")
    own, foreign = lines(stream)
    assert own["event"] == "scan_finished"
    assert own["signals"] == 2
    assert own["logger"] == "alphaforge.test"
    assert own["timestamp"].endswith("Z")
    assert (own["request_id"], own["scan_id"], own["level"]) == ("r-1", "s-2", "info")
    assert (foreign["request_id"], foreign["logger"], foreign["level"]) == ("r-1", "uvicorn.error", "info")


def test_a_traceback_is_one_json_line(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger("test").exception("failed")
    (line,) = lines(stream)
    assert "ZeroDivisionError" in line["exception"]
    assert "Traceback" in line["exception"]


def test_chatty_libraries_speak_from_warning_on(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    for name in ("httpx2", "httpcore2.connection", "sqlalchemy.engine", "alembic.runtime", "uvicorn.access"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("matters")
    assert [line["event"] for line in lines(stream)] == ["matters"] * 5


def test_the_level_holds_for_own_lines_and_for_libraries(stream: io.StringIO) -> None:
    configure_logs("json", "ERROR", (), stream)
    structlog.get_logger("test").warning("no")
    logging.getLogger("library").warning("no")
    logging.getLogger("httpx2").warning("no")
    structlog.get_logger("test").error("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_a_logger_made_before_the_logs_were_arranged_follows_them(stream: io.StringIO) -> None:
    early = structlog.get_logger("early")
    configure_logs("json", "INFO", (), stream)
    early.info("hello")
    assert lines(stream)[0]["logger"] == "early"


def test_arranging_twice_writes_each_line_once(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    configure_logs("json", "INFO", (), stream)
    logging.getLogger("library").info("one")
    assert len(lines(stream)) == 1


def test_a_line_that_cannot_be_rendered_does_not_print_its_arguments(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    logging.getLogger("library").info("%d", "s3cret-argument")
    assert "could not be written: TypeError" in stream.getvalue()
    assert "s3cret" not in stream.getvalue()


def test_a_log_that_nobody_reads_any_more_does_not_stop_the_work(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", (), stream)
    stream.close()
    structlog.get_logger("test").info("still working")
    logging.getLogger("library").info("still working")


def test_warnings_of_python_become_lines(stream: io.StringIO) -> None:
    configure_logs("json", "INFO", ["s3cret"], stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("deprecated s3cret", UserWarning, stacklevel=1)
    assert lines(stream)[0]["level"] == "warning"
    assert "s3cret" not in stream.getvalue()


def test_without_a_terminal_auto_means_json_and_with_one_it_is_for_people(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logs("auto", "INFO", (), stream)
    structlog.get_logger("test").info("one")
    assert lines(stream)
    stream.truncate(0)
    monkeypatch.setattr(stream, "isatty", lambda: True)
    configure_logs("auto", "INFO", (), stream)
    structlog.get_logger("test").info("two")
    assert "\x1b[" in stream.getvalue()


def test_retries_are_told_once_by_the_client_and_not_again_by_its_library(stream: io.StringIO) -> None:
    configure_logs("json", "DEBUG", (), stream)
    structlog.get_logger("stamina").warning("stamina.retry_scheduled")
    assert stream.getvalue() == ""
