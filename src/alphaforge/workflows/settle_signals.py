"""Follow open signals to their outcome, with candles of the market that they were made in and of no other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import MarketError, MarketUnavailable, RequestRejected
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Outcome, Status
from alphaforge.signals.outcome import OpenSignal, ambiguous_candle, settle
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.results import Unsettleable
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)

M5 = Granularity.M5.seconds

GRACE = 600
"""Market seconds after an expiry within which the last candles before it may still come."""

PATIENCE = 86_400
"""Market seconds after an expiry for which a market is asked again that refuses to give the candles."""

_NO_CANDLES = "no candles of its market are to be had"
_WORDS = {Status.WON: "the target was touched", Status.LOST: "the stop was touched", Status.EXPIRED: "4 hours elapsed"}


@dataclass(frozen=True, slots=True)
class Settlement:
    """One open signal held against the candles; `status` stays PENDING while it is open."""

    signal_id: int
    instrument: str
    status: Status
    exit_price: float | None
    reason: str


async def settle_signals(desk: Desk, *, own_only: bool, scanning: bool) -> list[Settlement]:
    """Settle and store what has ended by the candles at hand; one settlement for every open signal.

    `own_only` leaves alone what was adopted from the predecessor or made in another market: an hour with the sandbox
    must not end the signals of a real one. Those end when somebody asks.
    `scanning`: candles that wait for their evaluation are left to the scan, which settles and decides in their order.
    """
    async with desk.deciding:
        mine, others, broken = await _open_signals(desk, own_only=own_only)
        found: list[tuple[_Followed, _End]] = [
            (signal, None if scanning and _awaits_scan(desk, signal) else await _look(desk, signal)) for signal in mine
        ]
        found += [(signal, _unseen(desk, signal)) for signal in others]
        found += [(signal, _unseen(desk, signal, signal.why)) for signal in broken]
        await _store(desk, [(signal, end) for signal, end in found if end is not None])
        return [_settlement(signal, end) for signal, end in found]


@dataclass(frozen=True, slots=True)
class Finer:
    """By signal, the finer candles of the one that touched both its levels, as far as the market has them.

    `awaited`: signals whose finer candles cannot be had at present; to settle them without would be to guess.
    """

    candles: Mapping[int, CandleSeries]
    awaited: frozenset[int]


async def finer_candles(
    desk: Desk, signals: Iterable[OpenSignal], candles: Mapping[str, CandleSeries], through: float
) -> Finer:
    """What it takes to settle the signals that one candle up to `through` (epoch seconds) leaves in doubt."""
    finer, awaited = {}, set()
    for signal in signals:
        known = candles.get(signal.instrument)
        start = None if known is None else ambiguous_candle(signal, known.until(through))
        if start is None:
            continue
        try:
            finer[signal.id] = await _resolved(desk, signal, start)
        except RequestRejected as error:
            log.info("no_finer_candles", signal_id=signal.id, reason=error.message)
        except MarketError as error:
            if desk.clock.now() <= signal.expires_at + PATIENCE:
                awaited.add(signal.id)
            log.warning("finer_candles_unavailable", signal_id=signal.id, error=error.message)
    return Finer(finer, frozenset(awaited))


@dataclass(frozen=True, slots=True)
class _Unseen:
    """The end of a signal that no candle can settle: its time is over, nobody knows at what price."""

    why: str


_End = Outcome | _Unseen | None
_Followed = OpenSignal | Unsettleable


async def _open_signals(desk: Desk, *, own_only: bool) -> tuple[list[OpenSignal], list[OpenSignal], list[Unsettleable]]:
    """The open signals of the market that the desk looks at, those whose market it cannot see, and the impossible."""
    source = desk.source.name
    async with desk.database.read() as connection:
        signals = SignalRepository(connection)
        mine = await signals.open_signals(own_only=own_only, source=source)
        broken = await signals.unsettleable(own_only=own_only, source=source if own_only else None)
        if own_only:
            return mine, [], broken
        every = await signals.open_signals(own_only=False)
        # what the predecessor left, and what was entered without saying where, is of the real market
        sourceless = [] if desk.source.simulated else await signals.open_signals(own_only=False, sourceless=True)
    seen = {signal.id for signal in (*mine, *sourceless)}
    return [*mine, *sourceless], [signal for signal in every if signal.id not in seen], broken


def _awaits_scan(desk: Desk, signal: OpenSignal) -> bool:
    """Whether the signal's instrument has candles that are not evaluated yet."""
    held, evaluated = desk.candles.series(signal.instrument), desk.evaluated.get(signal.instrument)
    return evaluated is not None and len(held) > 0 and int(held.time[-1]) > evaluated


async def _look(desk: Desk, signal: OpenSignal) -> _End:
    """How a signal of this market ended, None while it is open or its candles cannot be had at present."""
    now = desk.clock.now()
    try:
        candles = await _candles_of(desk, signal)
        over = now > signal.expires_at + GRACE
        if not len(candles.after(signal.opened_at).until(signal.expires_at)):
            return _Unseen(_NO_CANDLES) if over else None
        through = float(signal.expires_at) if over else float(candles.end)
        finer = await finer_candles(desk, (signal,), {signal.instrument: candles}, through)
    except MarketError as error:
        if isinstance(error, RequestRejected) and now > signal.expires_at + PATIENCE:
            return _Unseen(error.message)
        log.info("settlement_waits", signal_id=signal.id, reason=error.message)
        return None
    if signal.id in finer.awaited:
        return None
    pip = desk.instrument(signal.instrument).pip
    return settle(signal, candles.until(through), pip, finer=finer.candles.get(signal.id), through=through)


async def _candles_of(desk: Desk, signal: OpenSignal) -> CandleSeries:
    """The M5 candles that a signal lived through: from memory, else from the archive, else from the market."""
    held = desk.candles.series(signal.instrument)
    if len(held) and held.time[0] <= signal.opened_at:
        return held
    end = min(signal.expires_at, Granularity.M5.floor(desk.clock.now()))
    if end <= signal.opened_at:
        return held
    stored = await CandleStore(desk.database, desk.source.name).between(signal.instrument, signal.opened_at, end)
    if len(stored) >= (end - signal.opened_at) // M5:
        return stored
    page = await desk.source.candles(signal.instrument, Granularity.M5, start=signal.opened_at, end=end)
    return page.closed


def _unseen(desk: Desk, signal: _Followed, why: str = _NO_CANDLES) -> _End:
    return _Unseen(why) if desk.clock.now() >= signal.expires_at else None


async def _resolved(desk: Desk, signal: OpenSignal, start: int) -> CandleSeries:
    """M1 candles of five minutes, and where one of those touched both levels too, its S5 candles."""
    minutes = await _complete(desk, signal.instrument, Granularity.M1, start, start + M5)
    minute = ambiguous_candle(signal, minutes) if len(minutes) else None
    if minute is None:
        return minutes
    return await _complete(desk, signal.instrument, Granularity.S5, minute, minute + Granularity.M1.seconds)


async def _complete(desk: Desk, instrument: str, granularity: Granularity, start: int, end: int) -> CandleSeries:
    """The candles of [start, end). Raises MarketError, also while the last of them is not complete."""
    page = await desk.source.candles(instrument, granularity, start=start, end=end)
    if page.forming:
        raise MarketUnavailable(f"A {granularity} candle of {instrument} is not complete yet")
    return page.closed


async def _store(desk: Desk, ended: Sequence[tuple[_Followed, Outcome | _Unseen]]) -> None:
    """Store the ends, all in one transaction."""
    if not ended:
        return
    now = desk.clock.now()
    async with desk.database.write("trading_signals") as connection:
        signals = SignalRepository(connection)
        for signal, end in ended:
            if isinstance(end, _Unseen):
                await signals.expire_unseen(signal.id, now)
            else:
                await signals.settle(signal.id, end, now)
    for signal, end in ended:
        settlement = _settlement(signal, end)
        log.info("outcome", signal_id=signal.id, instrument=signal.instrument, status=settlement.status)


def _settlement(signal: _Followed, end: _End) -> Settlement:
    if isinstance(end, _Unseen):
        reason = f"4 hours elapsed; {end.why}"
        return Settlement(signal.id, signal.instrument, Status.EXPIRED, None, reason)
    if end is None:
        return Settlement(signal.id, signal.instrument, Status.PENDING, None, "open")
    return Settlement(signal.id, signal.instrument, end.status, end.exit_price, _WORDS[end.status])
