"""Instruments: what they are, when they trade, what the desk last thought of them."""

from fastapi import APIRouter, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.evaluations import decision_body
from alphaforge.api.parameters import Asked, Id, Spelling, clean_text, watched_instrument
from alphaforge.api.schemas import enhanced, market
from alphaforge.api.services import Services
from alphaforge.api.signal_body import signal_body
from alphaforge.core.errors import InvalidInput, NoData, NotFound
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.core.times import rfc3339
from alphaforge.signals.explain import decision_from_dict
from alphaforge.signals.model import Decision
from alphaforge.statistics.session_clock import session_spans
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalCriteria, SignalRepository
from alphaforge.workflows.verify_signal import verify_signal

router = APIRouter(tags=["instruments"])

_SESSIONS = 5
"""The one that is, and a day of those after it."""
_SAME = "It says the same when it is computed again from its candles."
_DIFFERS = "It differs from what its candles give now."


@router.get("/api/instruments", summary="The watched instruments", response_model=market.Instruments)
async def instruments(services: Asked) -> Response:
    """Pip, precision, whether each trades now by its hours, and which session it is."""
    now = services.clock.now()
    bodies = [_instrument_body(services, name, now) for name in services.instruments.watched]
    spans = [
        {"session": one.session.value, "start": rfc3339(one.start), "end": rfc3339(one.end)}
        for one in session_spans(now, _SESSIONS)
    ]
    return json_answer({"instruments": bodies, "count": len(bodies), "sessions": spans, "timestamp": rfc3339(now)})


@router.get(
    "/api/instruments/available", summary="What the account can trade", response_model=market.AvailableInstruments
)
async def available_instruments(services: Asked) -> Response:
    """Every instrument that OANDA lists for the account, and whether the desk watches it."""
    watched = frozenset(services.instruments.watched)
    known = sorted(services.instruments.known.values(), key=lambda one: one.name)
    bodies = [{**_facts(one), "watched": one.name in watched} for one in known]
    return json_answer({"instruments": bodies, "count": len(bodies)})


@router.post(
    "/api/instruments",
    status_code=201,
    summary="Watch another instrument",
    response_model=market.WatchedInstrument,
    responses={200: {"description": "It is watched already.", "model": market.WatchedInstrument}},
)
async def add_instrument(services: Asked, body: market.NewInstrument) -> Response:
    """From the next close on it is evaluated, over restarts too; its candles and prices come at once."""
    name = instrument_name(clean_text(body.instrument))
    added = await services.instruments.add(name)
    return json_answer(_instrument_body(services, name, services.clock.now()), 201 if added else 200)


@router.delete(
    "/api/instruments/{instrument:path}", summary="Watch an instrument no more", response_model=market.RemovedInstrument
)
async def remove_instrument(services: Asked, instrument: Spelling) -> Response:
    """It is evaluated no more, over restarts too; its open signals are followed to their end."""
    name = watched_instrument(services, instrument)
    await services.instruments.remove(name)
    return json_answer({"success": True, "instrument": name, "watched": list(services.instruments.watched)})


def _facts(instrument: Instrument) -> dict[str, object]:
    return {
        "instrument": instrument.name,
        "symbol": instrument.symbol,
        "pip": instrument.pip,
        "pip_location": instrument.pip_location,
        "display_precision": instrument.display_precision,
        "trade_units_precision": instrument.trade_units_precision,
        "minimum_trade_size": instrument.minimum_trade_size,
    }


def _instrument_body(services: Services, name: str, now: float) -> dict[str, object]:
    instrument = services.instruments.known.get(name) or Instrument(name)
    hours = services.instruments.hours(name)
    is_open = hours.is_open(now)
    return {
        **_facts(instrument),
        "open": is_open,
        "next_open": None if is_open else rfc3339(hours.next_open(now)),
        "next_close": rfc3339(hours.next_close(now)) if is_open else None,
        "candle_closes": rfc3339(Granularity.M5.floor(now) + Granularity.M5.seconds) if is_open else None,
    }


@router.get(
    "/api/instruments/{instrument:path}/explain",
    summary="What the desk last thought of an instrument",
    response_model=enhanced.Explanation,
)
async def explain_instrument(services: Asked, instrument: Spelling) -> Response:
    """The last evaluation, signal or not: votes, filters, the nearest change, the candles' hash, and a sentence."""
    name = watched_instrument(services, instrument)
    last = services.strategy.last_results.get(name)
    if last is not None and last.decision is not None:
        made = last.earlier_id if last.signal_id is None else last.signal_id
        return _explained(last.decision, made, services.status.market().source, services)
    stored = await _stored_evaluation(services, name)
    if stored is None:
        why = last.reason if last is not None else "no scan has run"
        message = f"{name} has not been evaluated yet: {why}"
        raise NoData(message, advice="POST /api/strategy/start begins the scheduled scans.")
    decision, signal_id, source = stored
    return _explained(decision, signal_id, source, services)


async def _stored_evaluation(services: Services, name: str) -> tuple[Decision, int | None, str | None] | None:
    """The newest evaluation of an instrument in the database: a rejection or one of the desk's own signals."""
    async with services.database.read() as connection:
        rejected = next(iter(await RejectionRepository(connection).newest(name, 1)), None)
        repository = SignalRepository(connection)
        signals = await repository.page(SignalCriteria(instrument=name, origin="strategy"), skip=0, limit=1)
        signal = next(iter(signals), None)
        if signal is not None and (rejected is None or signal["candle_time"] > rejected["candle_time"]):
            stored = await repository.decision_of(signal["id"])
            return None if stored is None else (decision_from_dict(stored), signal["id"], signal["source"])
    return None if rejected is None else (decision_from_dict(rejected["decision"]), None, rejected["source"])


@router.get(
    "/api/signals/{signal_id}/explain",
    summary="Why a signal was made",
    response_model=enhanced.Explanation,
    tags=["signals"],
)
async def explain_signal(services: Asked, signal_id: Id) -> Response:
    """The evaluation that made a signal. Signals made by hand, and the predecessor's, have none: 404."""
    async with services.database.read() as connection:
        repository = SignalRepository(connection)
        row = await repository.get(signal_id)
        if row is None:
            message = "Signal not found"
            raise NotFound(message)
        stored = await repository.decision_of(signal_id)
    if stored is None:
        message = "This signal was not made by the desk: there is no evaluation to explain"
        raise NotFound(message, advice="Its reasoning, where there is one, is in the signal itself.")
    body = signal_body(row)
    decision = decision_from_dict(stored)
    return json_answer(
        {
            "instrument": decision.instrument,
            "symbol": body["symbol"],
            "signal_id": signal_id,
            "status": body["status"],
            "source": body["source"],
            "simulated": body["simulated"],
            "evaluated_at": rfc3339(decision.as_of),
            "candle_time": rfc3339(decision.candle_time),
            **decision_body(decision, services.desk.settings),
        }
    )


@router.get(
    "/api/signals/{signal_id}/verify",
    summary="Whether a signal says what its candles say",
    response_model=enhanced.Verified,
    tags=["signals"],
)
async def verify(services: Asked, signal_id: Id) -> Response:
    """Compute a signal again from the stored candles that it was made from, as `alphaforge signals verify` does.

    Signals made by hand, and the predecessor's, have nothing to compute again: 404.
    """
    try:
        async with services.database.long_reads:
            found = await verify_signal(services.database, signal_id, services.desk.settings)
    except InvalidInput as error:  # there is such a signal, but nothing of the kind about it
        raise NotFound(error.message) from None
    return json_answer(
        {
            "signal_id": signal_id,
            "same": found.same,
            "sentence": _SAME if found.same else _DIFFERS,
            "differences": list(found.differences),
        }
    )


def _explained(decision: Decision, signal_id: int | None, source: str | None, services: Services) -> Response:
    facts = services.status.market()
    return json_answer(
        {
            "instrument": decision.instrument,
            "symbol": Instrument(decision.instrument).symbol,
            "signal_id": signal_id,
            "source": source,
            "simulated": facts.simulated if source == facts.source else None,
            "evaluated_at": rfc3339(decision.as_of),
            "candle_time": rfc3339(decision.candle_time),
            **decision_body(decision, services.desk.settings),
        }
    )
