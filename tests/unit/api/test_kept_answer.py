"""A finished answer in every encoding."""

import gzip

import brotli  # type: ignore[import-untyped]  # has no stubs
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.api.kept_answer import KeptAnswer, coding_of, is_unchanged

DECODERS = {
    b"": bytes,
    b"gzip": gzip.decompress,
    b"br": brotli.decompress,
    b"zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
}


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"", b""),
        (b"identity", b""),
        (b"gzip", b"gzip"),
        (b"gzip, deflate, br", b"br"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"GZIP;q=1.0", b"gzip"),
        (b"br;q=0, gzip;q=0.1", b"gzip"),
        (b"br;q=0.000, gzip; q=0", b""),
        (b"*", b"zstd"),
        (b"*;q=0", b""),
        (b"zstd;q=0, *", b"br"),
        (b"sdch, x-unknown", b""),
        (b",;=,q=,;;", b""),
    ],
)
def test_the_coding_is_one_that_the_client_accepts(accepted: bytes, coding: bytes) -> None:
    assert coding_of(accepted) == coding


@given(st.binary(max_size=60))
def test_no_accept_encoding_breaks_anything(accepted: bytes) -> None:
    assert coding_of(accepted) in DECODERS


@given(st.binary(max_size=3_000), st.sampled_from(list(DECODERS)))
def test_every_coding_carries_the_very_body(body: bytes, coding: bytes) -> None:
    variant, _ = KeptAnswer(body, ()).variant(coding)
    headers = dict(variant.headers)
    assert DECODERS[headers.get(b"content-encoding", b"")](variant.body) == body
    assert headers[b"content-length"] == str(len(variant.body)).encode()


def test_a_small_body_is_left_as_it_is() -> None:
    assert b"content-encoding" not in dict(KeptAnswer(b"x" * 499, ()).variant(b"gzip")[0].headers)
    assert b"content-encoding" in dict(KeptAnswer(b"x" * 500, ()).variant(b"gzip")[0].headers)


def test_it_is_compressed_once_and_its_bytes_are_counted_once() -> None:
    answer = KeptAnswer(b"x" * 5_000, ())
    first, grown = answer.variant(b"br")
    assert grown == len(first.body)
    assert answer.variant(b"br") == (first, 0)


def test_tags_differ_between_bodies_and_between_codings() -> None:
    one, other = KeptAnswer(b"a" * 600, ()), KeptAnswer(b"b" * 600, ())
    tags = {answer.variant(coding)[0].etag for answer in (one, other) for coding in DECODERS}
    assert len(tags) == 8
    assert KeptAnswer(b"a" * 600, ()).variant(b"br")[0].etag == one.variant(b"br")[0].etag


def test_a_304_says_what_the_200_would_have_said_of_freshness() -> None:
    variant, _ = KeptAnswer(b"a" * 600, ((b"content-type", b"application/json"),)).variant(b"gzip")
    assert set(variant.unchanged) < set(variant.headers)
    assert (b"cache-control", b"private, no-cache") in variant.unchanged


@pytest.mark.parametrize(
    ("named", "unchanged"),
    [(b'"a"', True), (b'W/"a"', True), (b'"b", "a"', True), (b"*", True), (b'"b"', False), (b"a", False), (b"", False)],
)
def test_if_none_match_is_compared_weakly(named: bytes, *, unchanged: bool) -> None:
    assert is_unchanged(named, b'"a"') == unchanged


@given(st.binary(max_size=200), st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=3))
def test_another_process_makes_the_same_of_it(body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    answer = KeptAnswer(body, tuple(headers))
    copy = KeptAnswer.unpacked(answer.packed())
    assert (copy.body, copy.headers) == (answer.body, answer.headers)
    assert copy.variant(b"gzip")[0] == answer.variant(b"gzip")[0]
