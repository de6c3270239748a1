"""Sending by apprise, to receivers on this machine."""

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from alphaforge.alerts.by_apprise import AppriseNotifier
from alphaforge.alerts.channel import Channel, channel_of, telegram_channel
from alphaforge.alerts.notifier import Message
from alphaforge.core.errors import InvalidSetting, NotDelivered
from alphaforge.telemetry.logs import configure_logs
from logs import logs_restored

SECRET = "s3cr3t-t0ken"
HOSTILE = Message("alert:k:event:1", "BUY <GBP/USD>", 'x "quoted"\n<script>alert(1)</script> & é')


class Receiver(ThreadingHTTPServer):
    """Answers by the path: /ok 200, /refuse 403, /away 302, /mute nothing."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.muted = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        if self.path.startswith("/mute"):
            self.server.muted.wait(20)
            return
        status = 403 if self.path.startswith("/refuse") else 302 if self.path.startswith("/away") else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.muted.set()
        server.shutdown()


@pytest.fixture
def notifier() -> AppriseNotifier:
    return AppriseNotifier(allow_private=True)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What would be in the log, with everything that anybody says."""
    with logs_restored():
        stream = io.StringIO()
        configure_logs("json", "DEBUG", stream=stream)
        yield stream


def checked(notifier: AppriseNotifier, address: str) -> Channel:
    channel = channel_of(address)
    notifier.check(channel)
    return channel


async def test_a_webhook_gets_the_text_as_it_is_and_the_key(notifier: AppriseNotifier, receiver: Receiver) -> None:
    await notifier.send(checked(notifier, f"json://{receiver.url}/ok?method=POST&af_name=a"), HOSTILE)
    await notifier.send(checked(notifier, f"json://{receiver.url}/ok/two"), HOSTILE)
    assert [path.rstrip("/") for path, _, _ in receiver.got] == ["/ok", "/ok/two"]
    for _, headers, body in receiver.got:
        assert headers["Idempotency-Key"] == HOSTILE.key
        said = json.loads(body)
        assert (said["title"], said["message"]) == (HOSTILE.title, HOSTILE.body)
        assert "af_name" not in str(headers) + str(said)


async def test_a_service_with_markup_gets_it_escaped(notifier: AppriseNotifier, receiver: Receiver) -> None:
    await notifier.send(checked(notifier, f"xml://{receiver.url}/ok"), HOSTILE)
    assert b"<script>" not in receiver.got[0][2]
    await notifier.send(checked(notifier, f"json://{receiver.url}/ok?format=html"), HOSTILE)
    assert "<script>" not in json.loads(receiver.got[1][2])["message"]


async def test_a_refusal_is_told_without_the_address_and_without_a_log_line(
    notifier: AppriseNotifier, receiver: Receiver, lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    channel = checked(notifier, f"json://user:{SECRET}@{receiver.url}/refuse/{SECRET}?%2BX-Key={SECRET}")
    with pytest.raises(NotDelivered, match="403") as refused:
        await notifier.send(channel, HOSTILE)
    assert SECRET not in str(refused.value) + "".join(capfd.readouterr())
    assert lines.getvalue() == ""
    assert refused.value.__cause__ is None


async def test_redirects_are_not_followed(notifier: AppriseNotifier, receiver: Receiver) -> None:
    with pytest.raises(NotDelivered, match="302"):
        await notifier.send(checked(notifier, f"json://{receiver.url}/away"), HOSTILE)
    assert [path for path, _, _ in receiver.got] == ["/away"]


async def test_private_addresses_are_refused_at_the_start_and_when_connecting(receiver: Receiver) -> None:
    guarded = AppriseNotifier(allow_private=False)
    for host in (receiver.url, f"localhost:{receiver.server_port}", "2130706433", "[::1]", "[::ffff:10.0.0.1]"):
        with pytest.raises(InvalidSetting, match="private network"):
            guarded.check(channel_of(f"json://{host}/ok"))
    channel = channel_of(f"json://hooks.example.org:{receiver.server_port}/ok")
    guarded.check(channel)
    guarded._services[channel.key].host = "127.0.0.1"  # as a name that resolves to it
    here = Channel(channel.key, "x", "ntfy", channel.url)
    with pytest.raises(NotDelivered, match=r"leads to 127\.0\.0\.1.*ALERTS_ALLOW_PRIVATE=true"):
        await guarded.send(here, HOSTILE)
    assert receiver.got == []


async def test_a_dead_receiver_holds_up_nobody_else(notifier: AppriseNotifier, receiver: Receiver) -> None:
    dead = [checked(notifier, f"json://{receiver.url}/mute/{n}") for n in range(12)]
    waiting = [asyncio.create_task(notifier.send(one, HOSTILE)) for one in dead]
    await notifier.send(checked(notifier, f"json://{receiver.url}/ok"), HOSTILE)
    assert not any(task.done() for task in waiting)
    receiver.muted.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, NotDelivered) for one in ended)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"nosuch://{SECRET}/x", "does not know"),
        (f"discord://{SECRET}", "lacks something"),
        (f"mqtt://h.example/{SECRET}", "needs paho-mqtt"),
        (f"https://h.example/{SECRET}", "does not know"),
    ],
)
def test_what_apprise_cannot_use_is_refused_in_words_without_the_address(
    address: str, says: str, lines: io.StringIO
) -> None:
    with pytest.raises(InvalidSetting, match=says) as refused:
        AppriseNotifier(allow_private=False).check(channel_of(address))
    assert SECRET not in str(refused.value)
    assert lines.getvalue() == ""


def test_telegrams_old_settings_make_an_address_that_apprise_knows() -> None:
    notifier = AppriseNotifier(allow_private=False)
    notifier.check(telegram_channel("123456789:abcdefg_hijklmnopqrstuvwxyz-12345", "-1001234567890"))
    with pytest.raises(InvalidSetting, match="tgram"):
        notifier.check(telegram_channel("your-token-here", "your-chat"))


def test_a_desk_without_channels_does_not_load_apprise() -> None:
    program = (
        "import asyncio, sys; from alphaforge.asgi import _load; _load()\n"
        "from alphaforge.desk_work import open_channels; from alphaforge.settings import Settings\n"
        "print(asyncio.run(open_channels(Settings())), {'apprise', 'requests', 'yaml'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert ran.stdout.strip() == "((), None) set()"
