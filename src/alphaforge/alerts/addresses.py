"""Which network addresses alerts may go to, held at the last moment: where a socket is about to be connected.

Python tells audit hooks of every connection before it is made, with the very address: whatever the name resolved to,
whichever redirect led there and however the number was spelled, there is no second look-up in which it could change.
Python's hooks stay until the process ends; ours does nothing but in a thread that is sending.
"""

import ipaddress
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_EVENTS = frozenset({"socket.connect", "socket.sendto"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_OF_CLOUDS = ipaddress.ip_network("168.63.129.16/32")
"""Azure's, which is of the public kind."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Sending(threading.local):
    """Whether this thread sends under guard, and which address was refused it."""

    guarded: bool = False
    refused: str | None = None


_sending = _Sending()


class PrivateAddress(OSError):
    """An alert was about to go to an address that is not a public one."""


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet: not of this machine, its networks, a cloud's inside, or a group."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local or int(address) >> 32 == 0:  # ::a.b.c.d, long withdrawn
            return False
    elif address in _OF_CLOUDS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any spelling that a machine understands; None for a name."""
    bare = host.strip("[]").partition("%")[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare))  # 2130706433, 0x7f.1, 017700000001
    except (OSError, UnicodeEncodeError, ValueError):
        return None


def is_public_host(host: str) -> bool:
    """Whether a host, as written, may be a public one; a name is believed until it is connected to."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return False
    address = literal(name)
    return address is None or is_public(address)


@contextmanager
def only_public() -> Iterator[None]:
    """Within the block this thread can connect to public addresses only."""
    _install()
    _sending.guarded, _sending.refused = True, None
    try:
        yield
    finally:
        _sending.guarded = False


def refused() -> str | None:
    """The address that was refused this thread in its last guarded block."""
    return _sending.refused


@cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS and _sending.guarded:
        _check(arguments[1])


def _check(target: object) -> None:
    """Raises PrivateAddress for all but a public address of the internet; a name has no place here any more."""
    host = target[0] if isinstance(target, tuple) and target else None
    try:
        address = ipaddress.ip_address(host.partition("%")[0]) if isinstance(host, str) else None
    except ValueError:
        address = None
    if address is None or not is_public(address):
        _sending.refused = str(address or "a local socket or an unresolved name")
        raise PrivateAddress(f"{_sending.refused} is not a public address")
