"""The address of one server process, and of several."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from alphaforge.core.errors import InvalidSetting
from alphaforge.listening import SPREADS, Address, allow_many_files, listen, url_of

spreading = pytest.mark.skipif(not SPREADS, reason="only Linux spreads connections over sockets")


@pytest.fixture
def address() -> Iterator[Address]:
    with closing(Address("127.0.0.1", 0)) as made:
        yield made


def port_of(address: Address) -> int:
    return int(address.url.rpartition(":")[2])


def test_an_address_that_is_taken_is_refused_to_one_process_and_to_several(address: Address) -> None:
    with closing(address.listener()):
        for taker in (listen, Address):
            with pytest.raises(InvalidSetting, match="cannot be listened on: Address already in use"):
                taker("127.0.0.1", port_of(address))


def test_several_are_refused_the_address_of_one() -> None:
    with closing(listen("127.0.0.1", 0)) as one, pytest.raises(InvalidSetting, match="Address already in use"):
        Address("127.0.0.1", one.getsockname()[1])


def test_any_free_port_is_the_same_one_for_all(address: Address) -> None:
    with closing(address.listener()) as first, closing(address.listener()) as second:
        assert url_of(first) == url_of(second) == address.url
        assert port_of(address) > 0


def test_an_address_of_the_newer_protocol_is_written_as_clients_write_it() -> None:
    with closing(Address("::1", 0)) as address, closing(address.listener()) as one:
        assert address.url == url_of(one)
        assert address.url.startswith("http://[::1]:")


@spreading
def test_connections_are_spread_over_the_listeners(address: Address) -> None:
    with ExitStack() as opened:
        listeners = [opened.enter_context(closing(address.listener())) for _ in range(2)]
        for _ in range(64):
            opened.enter_context(socket.create_connection(("127.0.0.1", port_of(address))))
        waiting = [accepted(listener) for listener in listeners]
    assert sum(waiting) == 64
    assert min(waiting) >= 12  # one of 2 million runs has fewer


@spreading
def test_what_waits_at_a_listener_that_is_still_held_is_answered_by_the_next_and_a_closed_one_gets_nothing(
    address: Address,
) -> None:
    with ExitStack() as opened:
        held = opened.enter_context(closing(address.listener()))
        copy = held.dup()  # as its process has it
        waiting = opened.enter_context(socket.create_connection(("127.0.0.1", port_of(address))))
        copy.close()  # as when its process dies
        answering, _ = held.accept()
        with answering:
            answering.sendall(b"late, but here")
            assert waiting.recv(100) == b"late, but here"
        other = opened.enter_context(closing(address.listener()))
        held.close()
        for _ in range(16):
            opened.enter_context(socket.create_connection(("127.0.0.1", port_of(address))))
        assert accepted(other) == 16


def accepted(listener: socket.socket) -> int:
    """How many connections wait at it."""
    listener.setblocking(False)
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_as_many_files_may_be_open_as_the_machine_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 1000) - 1, before[1]))
    try:
        assert allow_many_files() == (min(before[1], 1000) - 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (soft, hard) == (before[1], before[1]) or hard == resource.RLIM_INFINITY
        assert allow_many_files() == (soft, soft)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
