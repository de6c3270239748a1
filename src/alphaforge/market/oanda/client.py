"""The client of OANDA v20: a `CandleSource` over HTTP."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from random import Random
from typing import TypeVar
from urllib.parse import quote as escaped

import httpx2
import structlog

from alphaforge.core.candles import empty_series
from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import AccessDenied, InvalidInput, MarketError, RequestRejected
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.market.oanda import answers
from alphaforge.market.oanda.access import OandaAccess
from alphaforge.market.oanda.breaker import CircuitBreaker
from alphaforge.market.oanda.calls import Caller, CallLimits
from alphaforge.market.oanda.candle_pages import candle_page
from alphaforge.market.oanda.candle_request import CandleRequest
from alphaforge.market.oanda.limiter import WindowLimiter
from alphaforge.market.oanda.market_time import Timekeeper
from alphaforge.market.oanda.prices import TickReader, quotes_of, read_pricing
from alphaforge.market.oanda.readiness import Readiness
from alphaforge.market.oanda.stream import SILENCE, Streamer
from alphaforge.market.oanda.traffic import Asked, Traffic
from alphaforge.market.oanda.transport import PacedTransport, connection_limiter
from alphaforge.market.source import AccountSummary, CandlePage, Heartbeat, Quote

log = structlog.get_logger(__name__)
T = TypeVar("T")

_REQUESTS_A_SECOND = 100
_CONNECTIONS = 30
_STREAMS = 4

_read_accounts = answers.reader(answers.AccountsAnswer, "accounts")
_read_instruments = answers.reader(answers.InstrumentsAnswer, "instruments")
_read_summary = answers.reader(answers.SummaryAnswer, "the account")


class OandaClient:
    """OANDA v20, or the sandbox that imitates it. Make it inside a running event loop; close it with `aclose`.

    All requests share one limit of 100 a second, and all connections, the stream's included, one of two new ones in
    any second. `clock` is set by the answers. `transport` takes the place of the network in tests.
    """

    def __init__(
        self,
        access: OandaAccess,
        clock: MarketClock | None = None,
        *,
        limits: CallLimits | None = None,
        breaker: CircuitBreaker | None = None,
        silence: float = SILENCE,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.clock = clock or MarketClock()
        self.traffic = Traffic()
        self.breaker = breaker or CircuitBreaker()
        self._access = access
        self._account = access.account_id
        self._finding_account = asyncio.Lock()
        self._listed: frozenset[str] = frozenset()
        self._keeper = Timekeeper(self.clock, sandboxed=access.environment == "sandbox")
        openings, requests = connection_limiter(), WindowLimiter(_REQUESTS_A_SECOND, 1.0)
        context = httpx2.create_ssl_context() if "https://" in access.api_url + access.stream_url else None
        limits = limits or CallLimits()
        rest = transport or PacedTransport(openings, self.traffic, _CONNECTIONS, context)
        self._http = _http(access, limits, rest)
        self._stream_http = _http(
            access, limits, transport or PacedTransport(openings, self.traffic, _STREAMS, context)
        )
        observe = self._keeper.headers
        self._caller = Caller(
            self._http,
            rest,
            access,
            limits,
            requests,
            self.breaker,
            self.traffic,
            observe,
            Random(),  # noqa: S311 - jitter
        )
        self._ready = Readiness(self._caller, getattr(rest, "pool", None), self.clock)
        self._streamer = Streamer(self._stream_http, access, requests, self.traffic, observe, silence)

    @property
    def name(self) -> str:
        """Where prices come from; certain after the first answer: a sandbox says that it is one, and which."""
        if self._keeper.sandboxed:
            return f"sandbox-{self._keeper.market}" if self._keeper.market else "sandbox"
        return self._access.source_name

    @property
    def address(self) -> str:
        """The server that is asked."""
        return self._access.api_url

    @property
    def simulated(self) -> bool:
        """Whether the answers come from a sandbox."""
        return self._keeper.sandboxed

    @property
    def budget_left(self) -> int:
        """How many requests may go out at once."""
        return self._caller.requests.free()

    async def connect(self) -> None:
        """Ask for the token's accounts: learn who answers, what the time is there, and whether the token is valid."""
        accounts = await self._accounts()
        self._account = self._account or accounts[0]

    async def prepare(self, connections: int) -> None:
        """Have so many kept-alive connections, at most 30, so that as many requests can go out side by side at once.

        Two a second are opened, one after the other, and each serves whoever asks as soon as it is open. From then on
        those that the broker closes are opened anew before the next close. Raises MarketError.
        """
        self._ready.wanted = min(connections, _CONNECTIONS)
        self._ready.begin()
        await self._ready.fill()

    async def candles(
        self,
        instrument: str,
        granularity: Granularity,
        *,
        start: int | None = None,
        end: int | None = None,
        count: int | None = None,
    ) -> CandlePage:
        """Bid, ask and mid candles, see `CandleSource`. Raises MarketError."""
        request = CandleRequest(instrument, granularity, start, end, count)
        if self.clock.observed and request.ahead_of(self.clock.now()):
            return CandlePage(empty_series(instrument, granularity), forming=False)
        try:
            page = await self._candles(request)
        except RequestRejected as error:
            if request.end is None or "future" not in error.message.lower():
                raise
            log.info("market_clock_ahead", what=request.what)
            page = await self._candles(request.open_ended())
        return request.checked(page)

    async def _candles(self, request: CandleRequest) -> CandlePage:
        decode = partial(candle_page, instrument=request.instrument, granularity=request.granularity)
        path = f"/v3/instruments/{escaped(request.instrument, safe='')}/candles"
        self._ready.used = time.monotonic()
        answer = await self._caller.get(Asked.CANDLES, request.what, path, decode, request.parameters(self.clock.now()))
        return answer.value

    async def quotes(self, instruments: Sequence[str]) -> list[Quote]:
        """The newest quote of each instrument that has one. Raises MarketError."""
        path = f"{await self._account_path()}/pricing"
        asked = ",".join(self._on_the_account(instruments))
        answer = await self._caller.get(Asked.PRICES, "prices", path, read_pricing, {"instruments": asked})
        if answer.value.time is not None and not self._keeper.sandboxed:
            self._keeper.tell(answers.moment(answer.value.time), answer.elapsed)
        return quotes_of(answer.value, instruments, self.traffic)

    async def stream(self, instruments: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        """Quotes and heartbeats as they come. Raises MarketError where it ends, silence included."""
        path = f"{await self._account_path()}/pricing/stream"
        if not self.clock.observed:
            await self.quotes(instruments)  # without the market's time no tick could be told from one of the future
        ticks = TickReader(instruments, self.clock, self.traffic)
        asked = ",".join(self._on_the_account(instruments))
        items = self._streamer.stream(path, {"instruments": asked}, ticks)
        try:
            async with aclosing(items):
                async for item in items:
                    yield item
        except MarketError as error:
            self.traffic.failed(error)
            raise

    async def instruments(self) -> list[Instrument]:
        """What the account may trade. Raises MarketError."""
        path = f"{await self._account_path()}/instruments"
        answer = await self._caller.get(Asked.INSTRUMENTS, "instruments", path, _read_instruments)
        self._listed = frozenset(entry.name for entry in answer.value.instruments)
        return [known for entry in answer.value.instruments if (known := _instrument(entry))]

    async def account(self) -> AccountSummary:
        """The account's money. Raises MarketError."""
        path = f"{await self._account_path()}/summary"
        account = (await self._caller.get(Asked.ACCOUNT, "the account", path, _read_summary)).value.account
        return AccountSummary(account.currency, account.balance, account.nav, account.open_trade_count)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._ready.aclose()
        await self._http.aclose()
        await self._stream_http.aclose()

    def _on_the_account(self, instruments: Sequence[str]) -> Sequence[str]:
        """Those that may be asked for together: one that the account lacks would have the others refused too.

        All, where it lists none of them: then OANDA itself is to say what is wrong.
        """
        return [name for name in instruments if name in self._listed] or instruments

    async def _account_path(self) -> str:
        async with self._finding_account:
            if self._account is None:
                self._account = (await self._accounts())[0]
        return f"/v3/accounts/{escaped(self._account, safe='')}"

    async def _accounts(self) -> list[str]:
        answer = await self._caller.get(Asked.ACCOUNTS, "accounts", "/v3/accounts", _read_accounts)
        if not answer.value.accounts:
            raise AccessDenied("The token has no account", advice="Open an account at OANDA, or use another token.")
        return [account.id for account in answer.value.accounts]


def _http(access: OandaAccess, limits: CallLimits, transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    """A client; the environment's proxies are not asked, since connections could not be counted behind them."""
    return httpx2.AsyncClient(
        transport=transport,
        headers={
            "Authorization": f"Bearer {access.token}",
            "Accept-Datetime-Format": "RFC3339",
            "Accept-Encoding": "gzip",
            "User-Agent": "AlphaForge",
        },
        timeout=limits.timeout,
        trust_env=False,
    )


def _instrument(entry: answers.InstrumentAnswer) -> Instrument | None:
    try:
        return Instrument(
            entry.name,
            entry.pip_location,
            entry.display_precision,
            entry.trade_units_precision,
            entry.minimum_trade_size,
        )
    except InvalidInput as error:
        log.info("instrument_left_out", name=entry.name, reason=error.message)  # an exotic one must not hide the others
        return None
