"""Headers as HTTP/1.1 writes them."""

from collections.abc import Iterable


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A line each, with its end."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])
