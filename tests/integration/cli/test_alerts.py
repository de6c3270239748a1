"""`alphaforge alerts`."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alert_builders import HOOK, dispatch, signal
from alphaforge.storage.engine import Database
from command_line import Run


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if self.path.startswith("/ok") else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def channels(receiver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTS_ALLOW_PRIVATE", "true")
    monkeypatch.setenv(
        "ALERT_URLS", f"json://{receiver}/ok/s3cr3t-path?af_name=good json://{receiver}/s3cr3t-path?af_name=bad"
    )


def test_a_test_goes_to_every_channel_and_says_what_came_of_it(run: Run, channels: None) -> None:
    answer = run("alerts", "test", "--json")
    assert answer.code == 1
    good, bad = answer.json["channels"]
    assert good == {"channel": "good", "sent": True, "error": None}
    assert (bad["channel"], bad["sent"]) == ("bad", False)
    assert "500" in bad["error"]
    assert "s3cr3t" not in answer.out + answer.err


def test_a_test_can_go_to_one_channel_beside_a_running_server(run: Run, channels: None, held: Path) -> None:
    answer = run("alerts", "test", "--channel", "good")
    assert answer.code == 0
    assert "good" in answer.out
    assert "bad" not in answer.out
    missing = run("alerts", "test", "--channel", "nobody")
    assert missing.code == 1
    assert "Channels: good, bad" in missing.err


def test_without_a_channel_the_way_to_one_is_said(run: Run) -> None:
    answer = run("alerts", "test")
    assert answer.code == 2
    assert "ALERT_URLS" in answer.err


def test_a_malformed_address_stops_every_command_and_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_URLS", "discord://a/b json://h.example/s3cr3t?af_kinds=trades")
    answer = run("alerts", "test")
    assert answer.code == 2
    assert "ALERT_URLS (environment): address 2 (json://...): af_kinds takes signal" in answer.err
    monkeypatch.setenv("ALERT_URLS", "discord://s3cr3t")
    refused = run("alerts", "test")
    assert refused.code == 2
    assert "discord://..." in refused.err
    assert "s3cr3t" not in answer.err + answer.out + refused.err + refused.out


def test_telegrams_settings_that_mean_nothing_are_said(
    run: Run, channels: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "your-s3cr3t-here")
    monkeypatch.setenv("TELEGRAM_CHAT_ID", "-100")
    answer = run("alerts", "test", "--channel", "good")
    assert answer.code == 0
    assert "TELEGRAM_CHAT_ID make no channel" in answer.err
    assert "s3cr3t" not in answer.err + answer.out


async def _told(path: Path) -> None:
    database = await Database.open(f"sqlite:///{path}")
    telling = dispatch(database, HOOK)
    await telling.dispatch()
    await signal(database)
    await telling.dispatch()
    await database.close()


def test_alerts_are_listed(run: Run, database: Path) -> None:
    assert "No alerts." in run("alerts", "list").out
    asyncio.run(_told(database))
    (one,) = run("alerts", "list", "--json").json["alerts"]
    assert (one["title"], one["channel"], one["status"], one["attempts"]) == ("BUY GBP/USD", "hook", "queued", 0)
    shown = run("alerts", "list").out
    assert "BUY GBP/USD" in shown
    assert "h.example" not in shown
