"""The market: token, environment, clock, instruments, hours."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alphaforge.cli.checks import Check, State, failed, good, notice, skipped
from alphaforge.core.errors import AlphaForgeError, MarketUnavailable
from alphaforge.core.market_hours import MarketHours
from alphaforge.core.times import rfc3339
from alphaforge.setting_values import hours_as_set
from alphaforge.settings import Settings

if TYPE_CHECKING:
    from alphaforge.market.oanda.client import OandaClient

_NOTICEABLE, _TOO_MUCH = 2.0, 60.0
_REACH = "Check the network and what stands between (firewall, proxy), and OANDA_API_URL."


async def market_checks(settings: Settings) -> list[Check]:
    """Everything about the market; without a token there is none to ask."""
    hours = [_hours(name, hours_as_set(settings.market_hours, name)) for name in settings.instruments]
    if settings.oanda_api_key is None:
        advice = "For real prices, set OANDA_API_KEY and OANDA_ENVIRONMENT: see README.md."
        asked = [skipped(name, "no token") for name in ("account", "clock", "instruments")]
        return [notice("token", "none: the server brings its own simulated market", advice), *asked, *hours]
    from alphaforge.bootstrap import open_source  # noqa: PLC0415 - a second's worth of imports

    async with open_source(settings) as source:
        return [*await _ask(source, settings), *hours]


async def _ask(source: "OandaClient", settings: Settings) -> list[Check]:
    try:
        await source.connect()
    except AlphaForgeError as error:
        later = [skipped(name, "no answer to ask further") for name in ("account", "clock", "instruments")]
        gone = isinstance(error, MarketUnavailable)
        found = f"not tried, {source.address} gives no answer: {error.message}" if gone else error.message
        return [failed("token", found, _REACH if gone else error.advice), *later]
    instruments, offered = await _instruments(source, settings)
    return [
        good("token", f"accepted by {source.name}"),
        await _account(source),
        await _clock(source, offered),
        instruments,
    ]


async def _account(source: "OandaClient") -> Check:
    try:
        account = await source.account()
    except AlphaForgeError as error:
        return failed("account", error.message, error.advice)
    return good("account", f"in {account.currency}, {account.open_trades} open trades")


async def _clock(source: "OandaClient", offered: Sequence[str]) -> Check:
    if not offered:
        return skipped("clock", "no instrument whose prices carry the time")
    try:
        await source.quotes(offered)
    except AlphaForgeError as error:
        return failed("clock", error.message, error.advice)
    if not source.clock.observed:
        return skipped("clock", "no answer carried a time")
    if source.simulated:
        return skipped("clock", "a sandbox has a time of its own")
    skew = source.clock.skew
    found = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the broker's"
    advice = "Keep the machine's clock by NTP. The desk goes by the broker's time; logs and tokens go by the machine's."
    if abs(skew) > _TOO_MUCH:
        return failed("clock", found, advice)
    return notice("clock", found, advice) if abs(skew) > _NOTICEABLE else good("clock", found)


async def _instruments(source: "OandaClient", settings: Settings) -> tuple[Check, list[str]]:
    """The finding, and those of the settings' instruments that the account has."""
    try:
        known = {instrument.name for instrument in await source.instruments()}
    except AlphaForgeError as error:
        return failed("instruments", error.message, error.advice), list(settings.instruments)
    missing = [name for name in settings.instruments if name not in known]
    if missing:
        advice = f"Take them out of INSTRUMENTS, or use an account that has them; this one has {len(known)}."
        finding = failed("instruments", f"not on this account: {', '.join(missing)}", advice)
        return finding, [name for name in settings.instruments if name in known]
    finding = good("instruments", f"{', '.join(settings.instruments)} are on the account")
    return finding, list(settings.instruments)


def _hours(name: str, hours: MarketHours) -> Check:
    now = time.time()
    if hours.is_open(now):
        return good(f"hours of {name}", "open now")
    return Check(f"hours of {name}", State.GOOD, f"closed now; opens {rfc3339(hours.next_open(now))}")
