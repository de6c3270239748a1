"""The place of one server process among several."""

import asyncio
import os
import socket
from contextlib import closing

import pytest

from alphaforge.listening import listen
from alphaforge.seat import NAME, Seat


async def test_a_process_finds_what_it_was_given_once_and_nothing_it_begins_inherits_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    with closing(listen("127.0.0.1", 0)) as listener, ours:
        given = os.dup(listener.fileno()), theirs.detach()
        for one in given:
            os.set_inheritable(one, True)
        monkeypatch.setenv(NAME, ",".join(map(str, given)))
        seat = Seat.given()
        assert seat is not None
        assert Seat.given() is None
        with seat.listener, seat.line:
            assert seat.listener.getsockname() == listener.getsockname()
            assert not any(os.get_inheritable(one) for one in given)
            seat.ready()
            assert ours.recv(10) == b"."
            dismissed = asyncio.create_task(seat.dismissed())
            await asyncio.sleep(0)
            assert not dismissed.done()
            ours.close()
            await asyncio.wait_for(dismissed, 10)
            seat.ready()  # nobody hears it, which is no failure


def test_a_process_begun_by_hand_has_none() -> None:
    assert Seat.given() is None
