"""Bodies that are long, slow, deep or compressed, before anything is made of them."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from alphaforge.api.middleware.body_limit import BodyLimit
from alphaforge.api.nesting import is_deeper

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\[]{}:,/\n\u2028', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('a"\\[{}]', max_size=4), inner, max_size=4),
    max_leaves=40,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    return 1 + max((depth(item) for item in value), default=0) if isinstance(value, list) else 0


@given(JSON, st.sampled_from([None, 2]))
def test_the_depth_of_any_json_is_told_exactly(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=indent is None).encode()
    for most in range(1, 8):
        assert is_deeper(text, most) == (depth(value) > most)


@pytest.mark.parametrize(
    ("text", "deeper"),
    [
        (b"[" * 32 + b"]" * 32, False),
        (b"[" * 33 + b"]" * 33, True),
        (b'{"a":' * 33 + b"1" + b"}" * 33, True),
        (b'{"a":[' * 16 + b"]}" * 16, False),
        (b"[" * 100_000, True),
        (b"[" + b"[],{}," * 5_000 + b"1]", False),
        (b'["' + b"[{" * 5_000 + b'"]', False),
        (b'["\\"' + b"[" * 5_000 + b'\\\\"]', False),
        (b"[}" * 5_000, False),  # no JSON: the parser's matter
        (b'"' * 9_999 + b"[" * 5_000, False),  # a string without an end: the same
    ],
)
def test_brackets_count_where_they_nest_and_nowhere_else(text: bytes, *, deeper: bool) -> None:
    assert is_deeper(text, 32) is deeper


class Sender:
    """A client that sends `parts` one by one and then waits for ever, or ends."""

    def __init__(self, *parts: bytes, ends: bool = True, leaves: bool = False) -> None:
        self.messages: list[Message] = [{"type": "http.request", "body": one, "more_body": True} for one in parts]
        if ends:
            self.messages[-1]["more_body"] = False
        if leaves:
            self.messages.append({"type": "http.disconnect"})
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def answer(self) -> tuple[int, dict[str, str], Any]:
        start, body = self.sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, json.loads(body["body"])


class Reader:
    """An application that reads the body, and knows in how many messages it came."""

    def __init__(self) -> None:
        self.got: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while not self.got or self.got[-1].get("more_body"):
            self.got.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def put(sender: Sender, reader: Reader, method: str = "POST", seconds: float = 30.0, **headers: str) -> None:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "headers": named}
    await BodyLimit(reader, 100, seconds=seconds)(scope, sender.receive, sender.send)


async def test_a_body_arrives_whole_and_after_it_the_connection_speaks() -> None:
    sender, reader = Sender(b"ab", b"", b"c", leaves=True), Reader()
    await put(sender, reader)
    assert reader.got == [{"type": "http.request", "body": b"abc", "more_body": False}]
    assert sender.messages == [{"type": "http.disconnect"}]


async def test_a_body_that_does_not_come_is_408_and_reaches_nobody() -> None:
    sender, reader = Sender(b"{", ends=False), Reader()
    await put(sender, reader, seconds=0.01)
    status, headers, told = sender.answer
    assert status == 408
    assert headers["connection"] == "close"
    assert "0.01 s" in told["detail"]
    assert not reader.got


async def test_a_body_that_comes_byte_by_byte_gains_no_time() -> None:
    class Dripping(Sender):
        async def receive(self) -> Message:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"", "more_body": True}

    sender, reader = Dripping(b""), Reader()
    await put(sender, reader, seconds=0.01)
    assert sender.answer[0] == 408


async def test_who_goes_away_in_the_middle_of_a_body_is_not_answered_and_nothing_is_done() -> None:
    sender, reader = Sender(b"{", ends=False, leaves=True), Reader()
    await put(sender, reader)
    assert (sender.sent, reader.got) == ([], [])


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "nonsense", "GZIP"])
async def test_a_compressed_body_is_415_and_told_what_is_taken(coding: str) -> None:
    sender, reader = Sender(b"{}"), Reader()
    await put(sender, reader, content_encoding=coding)
    status, headers, told = sender.answer
    assert (status, headers["accept-encoding"]) == (415, "identity")
    assert "identity" in told["advice"]
    assert not reader.got


@pytest.mark.parametrize("coding", ["identity", "", " Identity "])
async def test_a_body_as_it_is_may_say_so(coding: str) -> None:
    sender, reader = Sender(b"{}"), Reader()
    await put(sender, reader, content_encoding=coding)
    assert len(reader.got) == 1


async def test_a_deep_body_is_422_and_reaches_nobody() -> None:
    sender, reader = Sender(b"[" * 33, b"]" * 33), Reader()
    await put(sender, reader)
    status, _, told = sender.answer
    assert status == 422
    assert "more than 32 deep" in told["detail"]
    assert not reader.got


@pytest.mark.parametrize("length", ["101", "9" * 5_000])
async def test_an_announced_body_is_refused_unread(length: str) -> None:
    sender, reader = Sender(b"x"), Reader()
    await put(sender, reader, content_length=length)
    assert sender.answer[0] == 413
    assert len(sender.messages) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_questions_without_a_body_wait_for_none(method: str) -> None:
    sender, reader = Sender(b"x", ends=True), Reader()
    await put(sender, reader, method, content_length="101")
    assert len(reader.got) == 1
