"""What every answer of the sandbox is made from."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.requests import Request

from alphaforge.market.sandbox.faults import Fault, FaultKind, Faults, Visit
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.protocol import SandboxMarket
from alphaforge.market.sandbox.refusal import Refusal

T = TypeVar("T")

_VISIT = "alphaforge.visit"


@dataclass(slots=True)
class Broker:
    """A market behind a counter: who may ask, how slow it is, what goes wrong.

    `token`, `account`: the only ones accepted; None accepts any. `latency`: real seconds before each answer.
    `heartbeat`, `price_interval`: real seconds between a stream's heartbeats, and at least between two prices.
    `closing` is set when the server ends: streams and pauses end with it.
    """

    market: SandboxMarket
    token: str | None
    faults: Faults
    account: str | None = None
    latency: float = 0.0
    heartbeat: float = 5.0
    price_interval: float = 0.25
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _workers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "sandbox"))
    _long_work: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def work(self, job: Callable[[], T], *, long: bool) -> T:
        """Run a job beside the event loop; long ones one at a time, so that short ones find a worker free."""
        loop = asyncio.get_running_loop()
        if not long:
            return await loop.run_in_executor(self._workers, job)
        async with self._long_work:
            return await loop.run_in_executor(self._workers, job)

    def stop(self) -> None:
        """Let the workers go, once nothing is answered any more."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def listing(self, name: str, parameter: str = "instrument") -> Listing:
        """The listing of an instrument; raises Refusal for one that the account does not have."""
        listing = self.market.listings.get(name)
        if listing is None:
            raise Refusal(f"Invalid value specified for '{parameter}'")
        return listing


def broker_of(request: Request) -> Broker:
    """The broker that a request is addressed to."""
    broker: Broker = request.app.state.broker
    return broker


def visit_of(request: Request) -> Visit:
    """What a request is about; found out once, for every kind of fault is looked up by it."""
    visit = request.scope.get(_VISIT)
    if not isinstance(visit, Visit):
        visit = request.scope[_VISIT] = _visit(request)
    return visit


def _visit(request: Request) -> Visit:
    path = request.url.path
    parts = path.strip("/").split("/")
    asked = request.query_params.get("instruments", "").split(",")
    if parts[-1] == "candles":
        asked = parts[-2:-1]
    kinds = {"candles": "candles", "pricing": "pricing", "stream": "stream", "instruments": "instruments"}
    return Visit(kinds.get(parts[-1], "account"), path, frozenset(filter(None, asked)))


def struck(request: Request, *kinds: FaultKind) -> Fault | None:
    """The fault of these kinds that strikes this request now, if any."""
    return broker_of(request).faults.take(visit_of(request), kinds)


def unix_times(request: Request) -> bool:
    """Whether the client wants seconds since 1970 instead of RFC 3339."""
    return request.headers.get("accept-datetime-format", "").upper() == "UNIX"
