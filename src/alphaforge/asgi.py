"""The server: one process, one event loop. It answers as soon as it listens; the desk is loaded behind that."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
import uvloop

from alphaforge.api.connection import Connection
from alphaforge.api.entrance import Entrance
from alphaforge.api.patience import Patience, Watch
from alphaforge.core.imports import taken_for_absent
from alphaforge.core.memory import settle_down
from alphaforge.listening import allow_many_files, listen, url_of
from alphaforge.seat import Seat
from alphaforge.settings import Settings

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 5
PARTING_SECONDS = 3
"""How long a process whose place another took waits for its clients' next questions, to part with each in order."""

_PARTING_LOOK = 0.05


def serve(settings: Settings, seat: Seat | None = None) -> None:
    """Serve until SIGINT or SIGTERM; with a `seat` among several processes, until that is taken by another.

    Raises InvalidSetting for an address that cannot be used, and StorageError for a database that cannot.
    """
    if seat is not None:
        structlog.contextvars.bind_contextvars(process=os.getpid())
    before, after = allow_many_files()
    if after > before:
        log.info("open_files_allowed", files=after, before=before)
    uvloop.run(_serve(settings, seat))


async def _serve(settings: Settings, seat: Seat | None) -> None:
    listener = seat.listener if seat else listen(settings.host, settings.port)
    entrance = Entrance()
    server = server_of(entrance, ending=entrance.end)

    def ready(database: str) -> None:
        log.info("serving", address=url_of(listener), database=database)
        if seat is not None:
            seat.ready()

    desk = asyncio.create_task(_desk(settings, entrance, server, ready), name="desk")
    serving = asyncio.create_task(server.serve([listener]), name="server")
    dismissed = asyncio.create_task(seat.dismissed() if seat else asyncio.Event().wait(), name="dismissed")
    await asyncio.wait({desk, serving, dismissed}, return_when=asyncio.FIRST_COMPLETED)
    server.parts_in_order = dismissed.done()
    dismissed.cancel()
    server.should_exit = True
    server.force_exit = not entrance.is_open  # whoever waits for a desk that will not come is not waited for
    await serving
    desk.cancel()
    await asyncio.wait({desk})
    if not desk.cancelled():
        desk.result()


async def _desk(settings: Settings, entrance: Entrance, server: "_Server", ready: Callable[[str], None]) -> None:
    """Load and open the desk, let the requests in, say so to `ready`, and keep it open until cancelled."""
    await asyncio.to_thread(_load)
    from alphaforge.api.app import create_app  # noqa: PLC0415 - loaded by now
    from alphaforge.api.layers import from_memory_first  # noqa: PLC0415 - the same
    from alphaforge.bootstrap import (  # noqa: PLC0415 - the same
        api_options,
        open_second_level,
        open_services,
        open_shared_counts,
        traces_of,
    )
    from alphaforge.measuring import Measuring, measure_interface  # noqa: PLC0415 - the same
    from alphaforge.telemetry.request_lines import RequestLines  # noqa: PLC0415 - the same

    async with (
        traces_of(settings),
        open_second_level(settings) as second_level,
        open_shared_counts(settings) as shared_counts,
        open_services(settings) as services,
    ):
        options = api_options(settings)
        app = create_app(services, options, second_level=second_level, shared_counts=shared_counts)
        lines = RequestLines(times=services.counting)
        connections = server.server_state.connections
        measuring = services.measurements
        if isinstance(measuring, Measuring):
            measure_interface(measuring, services, app.state.layers, connections.__len__, lines.flush)
        front = from_memory_first(app, lines.line)
        entrance.open(front, services.stream.end)
        server.config.loaded_app = front  # new connections need no entrance any more
        settle_down()
        ready(services.database.url_for_people)
        await asyncio.Event().wait()


def _load() -> None:
    """Import what the desk is made of: more than a second's worth, in a thread, while the loop answers.

    FastAPI imports the whole of Pydantic's first version, 2.5 MB, to tell its models from today's; nobody here has any.
    """
    with taken_for_absent("pydantic.v1"):
        import alphaforge.api.app  # noqa: PLC0415 - see above
        import alphaforge.bootstrap  # noqa: F401, PLC0415 - the same


def server_of(
    app: Any,  # noqa: ANN401 - as uvicorn has it
    patience: Patience | None = None,
    ending: Callable[[], None] = lambda: None,
) -> "_Server":
    """A server around an application, with an end to what clients may take their time for.

    `ending` is called when the server ends, before it waits for the answers that are under way.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # whoever asks is the peer, whatever X-Forwarded-For claims
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return _Server(config, patience or Patience(), ending)


class _Server(uvicorn.Server):
    """Looks after slow clients, and ends in order.

    By itself uvicorn would send the signal to itself again, and the process die before the desk is closed. And it would
    hang up on whoever is not asking at the moment, which is fine where nobody is left to answer: `parts_in_order` is
    for a server whose place is taken by another. Its clients are told to connect anew when they ask next.
    """

    parts_in_order = False
    parting_seconds = PARTING_SECONDS

    def __init__(self, config: uvicorn.Config, patience: Patience, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending
        self._watch = Watch(patience)
        self._look = patience.look
        self._looked = 0.0

    async def on_tick(self, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._looked >= self._look:
            self._looked = now
            ours = [one for one in self.server_state.connections if isinstance(one, Connection)]
            if closed := self._watch.look(ours, now):
                log.info("slow_clients_left", connections=closed)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, part with the others, and end."""
        self._ending()
        if self.parts_in_order and not self.force_exit:
            for server in self.servers:
                server.close()
            for one in sockets or []:
                one.close()
            await self._part()
        await super().shutdown(sockets)

    async def _part(self) -> None:
        """Make the next answer on every connection its last, and wait a while for those who ask."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.parting_seconds
        while self.server_state.connections and not self.force_exit and loop.time() < until:
            for one in self.server_state.connections:
                if isinstance(one, Connection):
                    one.is_parting = True
            await asyncio.sleep(_PARTING_LOOK)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        ends = (signal.SIGINT, signal.SIGTERM)
        for end in ends:
            loop.add_signal_handler(end, self.handle_exit, end, None)
        try:
            yield
        finally:
            for end in ends:
                loop.remove_signal_handler(end)
