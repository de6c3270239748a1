"""The sandbox as a server: OANDA's paths, and the running of them inside an event loop that is there already."""

import asyncio
from collections import deque
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.config import Config
from uvicorn.server import ServerState

from alphaforge.core.errors import InvalidInput
from alphaforge.market.sandbox.accounts import accounts, details, instruments, summary
from alphaforge.market.sandbox.answers import error_answer
from alphaforge.market.sandbox.broker import Broker
from alphaforge.market.sandbox.candle_page import candle_page
from alphaforge.market.sandbox.clock import steady_seconds
from alphaforge.market.sandbox.control import delete_faults, post_faults, set_clock, show_clock, show_faults
from alphaforge.market.sandbox.faults import Faults
from alphaforge.market.sandbox.gate import Gate
from alphaforge.market.sandbox.prices import pricing
from alphaforge.market.sandbox.protocol import SandboxMarket
from alphaforge.market.sandbox.refusal import Refusal
from alphaforge.market.sandbox.stream import price_stream
from alphaforge.market.sandbox.wire import SandboxProtocol

_KEEP_ALIVE_SECONDS = 75
_PATIENCE = 2.0
_BEGUN = 10_000
_ACCOUNT = "/v3/accounts/{account}"


def sandbox_app(market: SandboxMarket, token: str | None = None, faults: Faults | None = None) -> Starlette:
    """The sandbox as an ASGI application. Without a `token` any is accepted."""
    return _app(Broker(market, token, faults or Faults()))


@dataclass(slots=True)
class RunningSandbox:
    """A sandbox that listens. `url`: REST and stream alike, without a slash at the end.

    `begun`: when the newest connections began, as of `steady_seconds`.
    """

    url: str
    app: Starlette
    broker: Broker
    begun: deque[float]
    _listener: asyncio.Server
    _state: ServerState

    @property
    def stream_url(self) -> str:
        """Where the streams are: on the same port."""
        return self.url

    @property
    def market(self) -> SandboxMarket:
        """The market behind it."""
        return self.broker.market

    @property
    def faults(self) -> Faults:
        """The faults at work, and the counters."""
        return self.broker.faults

    async def aclose(self) -> None:
        """Stop listening, end streams, finish answers; after two seconds break off what is left."""
        self._listener.close()
        self.broker.closing.set()
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._answered()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await self._answered()
        for task in list(self._state.tasks):
            task.cancel()
        self.broker.stop()
        await self._listener.wait_closed()

    async def _answered(self) -> None:
        """Wait for the answers under way, but not for ever."""
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=_PATIENCE)


async def serve_sandbox(
    market: SandboxMarket,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    account: str | None = None,
    faults: Faults | None = None,
    latency: float = 0.0,
    heartbeat: float = 5.0,
    price_interval: float = 0.25,
) -> RunningSandbox:
    """Start the sandbox inside the running event loop; port 0 takes a free one.

    `latency`: milliseconds before each answer. `heartbeat`, `price_interval`: seconds of the stream.
    Raises OSError where the port is taken. No signal handlers, no logging set-up, no threads until candles are asked.
    """
    broker = Broker(market, token, faults or Faults(), account, latency / 1_000, heartbeat, price_interval)
    app = _app(broker)
    config = Config(
        app,
        http=SandboxProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    begun: deque[float] = deque(maxlen=_BEGUN)

    def connected() -> SandboxProtocol:
        begun.append(steady_seconds())
        return SandboxProtocol(config, state, {}, loop)

    listener = await loop.create_server(connected, host, port)
    bound = listener.sockets[0].getsockname()
    address = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return RunningSandbox(f"http://{address}:{bound[1]}", app, broker, begun, listener, state)


def _app(broker: Broker) -> Starlette:
    app = Starlette(
        routes=[
            Route("/v3/accounts", accounts),
            Route(_ACCOUNT, details),
            Route(f"{_ACCOUNT}/summary", summary),
            Route(f"{_ACCOUNT}/instruments", instruments),
            Route(f"{_ACCOUNT}/pricing", pricing),
            Route(f"{_ACCOUNT}/pricing/stream", price_stream),
            Route("/v3/instruments/{instrument}/candles", candle_page),
            Route(f"{_ACCOUNT}/instruments/{{instrument}}/candles", candle_page),
            Route("/sandbox/faults", show_faults),
            Route("/sandbox/faults", post_faults, methods=["POST"]),
            Route("/sandbox/faults", delete_faults, methods=["DELETE"]),
            Route("/sandbox/clock", show_clock),
            Route("/sandbox/clock", set_clock, methods=["POST"]),
        ],
        middleware=[Middleware(Gate, broker=broker)],
        exception_handlers={InvalidInput: _refused, HTTPException: _no_such_path},
    )
    app.state.broker = broker
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """What the broker says no to."""
    del request  # the handler's signature is Starlette's
    return error_answer(error.status if isinstance(error, Refusal) else 400, str(error))


async def _no_such_path(request: Request, error: Exception) -> Response:
    """404 and 405 in OANDA's form."""
    del request  # the handler's signature is Starlette's
    return error_answer(error.status_code if isinstance(error, HTTPException) else 500)
