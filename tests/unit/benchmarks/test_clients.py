"""The clients of the benchmarks: what they count is what came."""

from typing import Any, cast

import pytest
from benchmarks.clients.connection import Connection
from benchmarks.clients.sent import request
from benchmarks.clients.tally import Tally

ANSWERS = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello\r\n\r\nyou",
    b'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n',
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n1,0\r\n\r\n3\r\n2\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
)
STATUSES = [200, 304, 200, 503]


class FakeCrowd:
    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.losses: list[str] = []

    def answered(self, client: Connection, status: int, now: float) -> None:
        self.statuses.append(status)

    def lost(self, client: Connection, why: str) -> None:
        self.losses.append(why)


class FakeTransport:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        pass


def met() -> tuple[FakeCrowd, Connection, FakeTransport]:
    crowd, transport = FakeCrowd(), FakeTransport()
    client = Connection(crowd)
    client.connection_made(cast("Any", transport))
    return crowd, client, transport


def feed(client: Connection, data: bytes) -> None:
    client.get_buffer(-1)[: len(data)] = data
    client.buffer_updated(len(data))


def test_answers_are_counted_wherever_their_bytes_are_cut() -> None:
    everything = b"".join(ANSWERS)
    for cut in range(1, len(everything)):
        crowd, client, _ = met()
        feed(client, everything[:cut])
        feed(client, everything[cut:])
        assert crowd.statuses == STATUSES
        assert client.bytes == len(everything)


def test_half_an_answer_is_none() -> None:
    crowd, client, _ = met()
    client.ask(b"GET / HTTP/1.1\r\n\r\n", 0.0)
    feed(client, ANSWERS[0][:-1])
    assert not crowd.statuses
    assert client.waits


def test_a_connection_that_ends_in_mid_answer_is_an_error() -> None:
    crowd, client, _ = met()
    client.ask(b"GET / HTTP/1.1\r\n\r\n", 0.0)
    feed(client, ANSWERS[0][:-1])
    client.connection_lost(None)
    assert crowd.losses == ["hung up"]


def test_what_is_no_http_is_an_error_and_counted_once() -> None:
    crowd, client, _ = met()
    feed(client, b"SSH-2.0-OpenSSH\r\n")
    client.connection_lost(None)
    assert len(crowd.losses) == 1


def test_hanging_up_oneself_is_no_error() -> None:
    crowd, client, _ = met()
    client.close()
    client.connection_lost(None)
    assert not crowd.losses


def test_only_what_lies_in_the_window_counts_but_every_error_does() -> None:
    tally = Tally(frozenset({200}), start=10.0, end=20.0)
    for moment in (9.9, 10.0, 19.9, 20.0):
        tally.answered(200, 0.5, moment)
    tally.answered(500, 0.5, 5.0)
    seen = tally.seen(size=0, busy=0.0)
    assert (seen.answers, seen.rate, seen.errors) == (2, pytest.approx(0.2), {"status 500": 1})


def test_latencies_are_those_of_the_answers() -> None:
    tally = Tally(frozenset({200}), start=0.0, end=1.0)
    for number in range(1000):
        tally.answered(200, number / 1000, 0.5)
    seen = tally.seen(size=0, busy=0.0)
    assert (seen.p50, seen.p99, seen.longest) == (0.5, 0.99, 0.999)


def test_a_request_says_how_long_its_body_is() -> None:
    assert request("/x", {"Accept-Encoding": "gzip"}, b"{}") == (
        b"POST /x HTTP/1.1\r\nhost: localhost\r\nAccept-Encoding: gzip\r\n"
        b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )
