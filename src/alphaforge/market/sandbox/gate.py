"""What happens to every request before and after it is answered: counting, authorization, faults, headers."""

import asyncio
import hmac
from contextlib import suppress
from itertools import count

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.market.sandbox.answers import error_answer
from alphaforge.market.sandbox.broker import Broker, visit_of
from alphaforge.market.sandbox.faults import Fault, FaultKind, Visit
from alphaforge.market.sandbox.wire import Wire, wire_of

_LOOPBACK = ("127.", "::1", "::ffff:127.", "localhost", "testclient")
_AT_THE_DOOR = (FaultKind.REVOKED_TOKEN, FaultKind.STATUS, FaultKind.RESET, FaultKind.STALL)
_ON_THE_WAY_OUT = (FaultKind.TRUNCATED, FaultKind.BAD_JSON)


class Gate:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp, broker: Broker) -> None:
        self.app = app
        self.broker = broker
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stamped = self._stamped(send)
        if scope["path"].startswith("/sandbox/"):
            client = (scope.get("client") or ("", 0))[0]
            local = client.startswith(_LOOPBACK)
            await (self.app if local else error_answer(403))(scope, receive, stamped)
            return
        await self._broker_request(Request(scope, receive), receive, stamped)

    async def _broker_request(self, request: Request, receive: Receive, send: Send) -> None:
        visit = visit_of(request)
        self._count(visit, request.scope)
        slow = self.broker.faults.take(visit, (FaultKind.LATENCY,))
        await self._pause(self.broker.latency + (slow.delay if slow else 0.0))
        fault = self.broker.faults.take(visit, _AT_THE_DOOR)
        if not self._authorized(request) or (fault and fault.kind is FaultKind.REVOKED_TOKEN):
            await error_answer(401)(request.scope, receive, send)
        elif fault and fault.kind is FaultKind.STATUS:
            await error_answer(fault.status, html=fault.html)(request.scope, receive, send)
        elif fault:
            await self._fail(fault, request.scope, receive)
        elif visit.kind != "stream" and (broken := self.broker.faults.take(visit, _ON_THE_WAY_OUT)):
            await self.app(request.scope, receive, _Breaking(broken, wire_of(request.scope), send))
            if broken.kind is FaultKind.TRUNCATED:
                await _gone(receive)
        else:
            await self.app(request.scope, receive, send)

    def _count(self, visit: Visit, scope: Scope) -> None:
        wire = None
        with suppress(LookupError):  # another server: connections are not counted
            wire = wire_of(scope)
        self.broker.faults.count(visit, new_connection=wire is not None and not wire.counted)
        if wire is not None:
            wire.counted = True

    def _authorized(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expected = self.broker.token
        return (
            scheme.lower() == "bearer"
            and bool(token.strip())
            and (expected is None or hmac.compare_digest(token.strip().encode(), expected.encode()))
        )

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.broker.closing.wait(), seconds)

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive) -> None:
        """Reset the connection, or say nothing for as long as the fault holds."""
        wire = wire_of(scope)
        if fault.kind is FaultKind.STALL:
            gone = asyncio.ensure_future(_gone(receive))
            while self.broker.faults.holds(fault) and not self.broker.closing.is_set() and not gone.done():
                await asyncio.wait((gone,), timeout=0.05)
            gone.cancel()
        wire.reset()
        await _gone(receive)

    def _stamped(self, send: Send) -> Send:
        """Send with the headers that every answer has."""

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                clock = self.broker.market.clock
                headers = MutableHeaders(scope=message)
                headers["RequestID"] = f"{next(self._numbers):018d}"
                headers["Sandbox-Time"] = f"{clock.now():.6f}"
                headers["Sandbox-Speed"] = repr(float(clock.speed))
                headers["Sandbox-Market"] = self.broker.market.name
            await send(message)

        return stamped


class _Breaking:
    """A send that spoils the answer: cut off within a chunk, or JSON that ends too early."""

    def __init__(self, fault: Fault, wire: Wire, send: Send) -> None:
        self.fault = fault
        self.wire = wire
        self.send = send
        self.start: Message = {}

    async def __call__(self, message: Message) -> None:
        """Hold the head back until the body is known."""
        if message["type"] == "http.response.start":
            self.start = message
            return
        half = message["body"][: len(message["body"]) // 2]
        headers = MutableHeaders(scope=self.start)
        if self.fault.kind is FaultKind.BAD_JSON:
            del headers["content-encoding"]
            half = b'{"candles":[{"complete":tru'
            headers["content-length"] = str(len(half))
            await self.send(self.start)
            await self.send({"type": "http.response.body", "body": half})
            return
        del headers["content-length"]
        await self.send(self.start)
        self.wire.break_off(half)


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
