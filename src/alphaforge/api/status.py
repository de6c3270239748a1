"""The system about itself: what works, what is missing, and the switch of the scheduled scans."""

from fastapi import APIRouter, Response

from alphaforge.api.encoding import json_answer, machine_now
from alphaforge.api.errors import public_words
from alphaforge.api.parameters import Asked, Options
from alphaforge.api.schemas import system as shapes
from alphaforge.api.services import Services
from alphaforge.core.errors import NoData, StorageError
from alphaforge.core.times import rfc3339

router = APIRouter(tags=["system"])


@router.get("/", summary="Who answers", response_model=shapes.Root)
async def root(options: Options) -> Response:
    """Name and version."""
    return json_answer({"message": "AlphaForge API Server", "version": options.version})


@router.get("/health", summary="How the system is", response_model=shapes.Health)
async def health(services: Asked) -> Response:
    """A verdict and its grounds. Always 200: /health/ready is for those who want a status."""
    database = await _database_word(services)
    words = _words(services)
    details = _market_details(services)
    healthy = database == "connected" and words["oanda"] == "connected" and details["scan_problem"] is None
    return json_answer({"status": "healthy" if healthy else "degraded", **words, "database": database, **details})


@router.get("/status", summary="The parts of the system in a word each", response_model=shapes.Status)
async def status(services: Asked) -> Response:
    """Read from the system at this moment."""
    return json_answer(_words(services))


@router.get("/api/status", summary="The same with database and Gemini", response_model=shapes.FullStatus)
async def full_status(services: Asked, options: Options) -> Response:
    """Read from the system at this moment; the database's word comes from a query."""
    return json_answer(
        {
            **_words(services),
            "gemini": "configured" if services.status.gemini_configured else "not configured",
            "database": await _database_word(services),
            "database_kind": services.database.dialect,
            "version": options.version,
            "started_at": rfc3339(services.status.started_at),
            **_market_details(services),
        }
    )


def _words(services: Services) -> dict[str, object]:
    market = services.status.market()
    return {
        "backend": "online",
        "oanda": "connected" if market.connected else "disconnected",
        "strategy": "running" if services.strategy.is_running else "stopped",
        "timestamp": machine_now(),
        "source": market.source,
        "simulated": market.simulated,
    }


def _market_details(services: Services) -> dict[str, object]:
    market = services.status.market()
    last_scan, failure = services.strategy.last_scan_at, services.strategy.last_failure
    return {
        "market_time": rfc3339(services.clock.now()),
        "market_problem": market.problem,
        "last_market_answer": None if market.last_answer_at is None else rfc3339(market.last_answer_at),
        "last_scan": None if last_scan is None else rfc3339(last_scan),
        "scan_problem": None if failure is None else public_words(failure),
    }


async def _database_word(services: Services) -> str:
    try:
        await _ask_database(services)
    except StorageError:
        return "disconnected"
    return "connected"


async def _ask_database(services: Services) -> None:
    async with services.database.read() as connection:
        await connection.exec_driver_sql("SELECT 1")


@router.get("/health/live", summary="Whether the process answers", response_model=shapes.Live)
async def live() -> Response:
    """Nothing is touched and no key is asked for."""
    return json_answer({"status": "alive"})


@router.get("/health/ready", summary="Whether decisions can be made", response_model=shapes.Ready)
async def ready(services: Asked) -> Response:
    """200 when the database answers and every instrument has candles enough; 503 naming what is missing."""
    missing = [] if await _database_word(services) == "connected" else ["the database does not answer"]
    facts = services.status.candles()
    missing += [
        f"{one.instrument} has {one.loaded} of {one.needed} candles" for one in facts if one.loaded < one.needed
    ]
    if missing:
        message = f"Not ready: {'; '.join(missing)}"
        raise NoData(message, advice="Candles are loaded from the market at the start; /health says how it is.")
    loaded = {one.instrument: one.loaded for one in facts}
    return json_answer({"status": "ready", "database": "connected", "candles": loaded})


@router.post("/api/strategy/start", summary="Turn scheduled scans on", response_model=shapes.Switched)
async def start_strategy(services: Asked) -> Response:
    """Every closed M5 candle is evaluated from now on, over restarts too."""
    await services.strategy.start()
    return json_answer({"status": "success", "message": "Strategy started"})


@router.post("/api/strategy/stop", summary="Turn scheduled scans off", response_model=shapes.Switched)
async def stop_strategy(services: Asked) -> Response:
    """Nothing is evaluated unless somebody asks; open signals are still followed to their outcome."""
    await services.strategy.stop()
    return json_answer({"status": "success", "message": "Strategy stopped"})
