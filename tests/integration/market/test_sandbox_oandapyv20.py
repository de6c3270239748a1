"""The published client against the sandbox. It is synchronous, so it runs in a thread."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Any

import pytest

from sandbox_servers import ACCOUNT, sandbox

pytest.importorskip("oandapyV20", reason="oandapyV20 is not installed")
pytest.importorskip("six", reason="oandapyV20 needs six, which it does not ask for")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is from 2021, and today's Python warns of its regular expressions
    from oandapyV20.endpoints import accounts, instruments, pricing
    from oandapyV20.exceptions import V20Error
    from oandapyV20.oandapyV20 import API, TRADING_ENVIRONMENTS


@pytest.fixture
async def ask(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Any], Any]]:
    async with sandbox() as running:
        monkeypatch.setitem(TRADING_ENVIRONMENTS, "practice", {"api": running.url, "stream": running.stream_url})

        async def ask(endpoint: Any, lines: int = 0) -> Any:
            def request() -> Any:
                with API("token", request_params={"timeout": 10}) as api:
                    answer = api.request(endpoint)
                    return list(islice(answer, lines)) if lines else answer

            return await asyncio.to_thread(request)

        yield ask


async def test_candles_arrive(ask: Callable[..., Any]) -> None:
    parameters = {"granularity": "M5", "count": 5000, "price": "MBA"}
    answer = await ask(instruments.InstrumentsCandles("GBP_USD", params=parameters))

    assert len(answer["candles"]) == 5000
    assert answer["candles"][-1]["time"].startswith("2025-07-10T14:20:00")


async def test_a_refusal_is_the_clients_own_error(ask: Callable[..., Any]) -> None:
    with pytest.raises(V20Error, match="granularity"):
        await ask(instruments.InstrumentsCandles("GBP_USD", params={"granularity": "M6"}))


async def test_the_account_and_its_instruments_arrive(ask: Callable[..., Any]) -> None:
    listed = await ask(accounts.AccountList())
    account = listed["accounts"][0]["id"]
    summary = await ask(accounts.AccountSummary(account))
    details = await ask(accounts.AccountDetails(account))
    traded = await ask(accounts.AccountInstruments(account, params={"instruments": "XAU_USD"}))

    assert account == ACCOUNT
    assert summary["account"]["NAV"] == details["account"]["balance"] == "100000.0000"
    assert [row["name"] for row in traded["instruments"]] == ["XAU_USD"]


async def test_prices_arrive(ask: Callable[..., Any]) -> None:
    answer = await ask(pricing.PricingInfo(ACCOUNT, params={"instruments": "GBP_USD,USD_JPY"}))

    assert [price["instrument"] for price in answer["prices"]] == ["GBP_USD", "USD_JPY"]
    assert answer["time"].startswith("2025-07-10T14:22:13.7")


async def test_the_stream_arrives(ask: Callable[..., Any]) -> None:
    lines = await ask(pricing.PricingStream(ACCOUNT, params={"instruments": "GBP_USD,USD_JPY"}), lines=4)

    assert [line["type"] for line in lines] == ["PRICE", "PRICE", "HEARTBEAT", "HEARTBEAT"]
