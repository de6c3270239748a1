"""The application: routers, middleware and error table put together around what they are given."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette_compress import CompressMiddleware, remove_compress_type

from alphaforge.api import (
    alerts,
    analysis,
    backtest,
    backtest_estimate,
    backtest_reports,
    backtests,
    bulk,
    cache_stats,
    candles,
    documentation,
    enhanced,
    exports,
    imports,
    instruments,
    job_files,
    jobs,
    journal,
    journal_statistics,
    metrics,
    performance,
    prices,
    rejections,
    signal_changes,
    signals,
    statistics,
    status,
    stream,
    track_record,
)
from alphaforge.api.errors import answer_http_exception, answer_own_error, answer_validation_error
from alphaforge.api.kept_answer import WORTH_COMPRESSING, KeptAnswer
from alphaforge.api.layers import Layers
from alphaforge.api.middleware.access import LOOPBACK_ORIGIN, ApiKey, NoForeignPages
from alphaforge.api.middleware.allowance import RateLimit, SharedCounts
from alphaforge.api.middleware.answers import Remembering
from alphaforge.api.middleware.body_limit import BodyLimit
from alphaforge.api.middleware.request_log import RequestLog
from alphaforge.api.middleware.web_client import WebClient
from alphaforge.api.services import ApiOptions, Services
from alphaforge.cache.answers import SecondLevel
from alphaforge.core.errors import AlphaForgeError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_ROUTERS = (
    status.router,
    cache_stats.router,
    metrics.router,
    performance.router,
    enhanced.router,
    exports.router,
    imports.router,
    bulk.router,
    instruments.router,
    track_record.router,
    signals.router,
    signal_changes.router,
    journal_statistics.router,
    journal.router,
    prices.router,
    candles.router,
    analysis.router,
    alerts.router,
    rejections.router,
    stream.router,
    jobs.router,
    job_files.router,
    backtest.router,
    backtest_reports.router,
    backtest_estimate.router,
    backtests.router,
    statistics.router,
    documentation.router,
)
"""In this order: fixed paths come before those with an id in the same place."""


def create_app(
    services: Services,
    options: ApiOptions | None = None,
    *,
    lifespan: Lifespan | None = None,
    second_level: SecondLevel[KeptAnswer] | None = None,
    shared_counts: SharedCounts | None = None,
) -> FastAPI:
    """The ASGI application around `services`. It opens and closes nothing itself.

    `second_level` keeps answers for several processes, `shared_counts` counts what clients ask of them.
    """
    options = options or ApiOptions()
    app = described(options.version, lifespan)
    app.add_exception_handler(AlphaForgeError, answer_own_error)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_exception_handler(RequestValidationError, answer_validation_error)
    serve(app, services, options, second_level, shared_counts)
    return app


def described(version: str, lifespan: Lifespan | None = None) -> FastAPI:
    """The routes and their description (`openapi()`), with nothing behind them yet."""
    app = FastAPI(
        title="AlphaForge",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        # not `include_router`: it makes every route a second time, and looks through them twice for each request
        routes=[route for router in _ROUTERS for route in router.routes],
        # FastAPI traces and measures by itself unless told not to; nobody here reads that.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    documentation.describe(app)
    return app


def serve(
    app: FastAPI,
    services: Services,
    options: ApiOptions,
    second_level: SecondLevel[KeptAnswer] | None = None,
    shared_counts: SharedCounts | None = None,
) -> None:
    """Put the application in front of these services, with layers of its own; see `create_app`."""
    layers = Layers.of(services, options, second_level, shared_counts)
    log = Middleware(
        RequestLog,
        times=services.counting,
        slow=services.slow,
        slow_seconds=options.slow_request,
    )
    app.state.services = services
    app.state.options = options
    app.state.layers = layers
    app.user_middleware = [log, Middleware(WebClient), *_middleware(options, layers)]
    app.middleware_stack = None  # built with the first request


def _middleware(options: ApiOptions, layers: Layers) -> list[Middleware]:
    """Outermost first, within the log; a browser's preflight carries no key, so it is answered before the key."""
    chain = [
        Middleware(
            CORSMiddleware,
            allow_origins=list(options.allowed_origins),
            allow_origin_regex=LOOPBACK_ORIGIN,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            # whatever a client of this machine says beside: cookies and odd headers mean nothing here
            allow_headers=["*"],
            allow_credentials=True,
            expose_headers=[
                *("Content-Disposition", "ETag", "Idempotent-Replayed", "Link", "RateLimit", "Retry-After"),
                *("Server-Timing", "X-Cache", "X-Request-ID"),
            ],
            max_age=600,
        ),
    ]
    if options.rate_limit_per_minute:  # before the key: guessing it is bounded, too
        chain.append(Middleware(RateLimit, allowances=layers.allowances))
    if layers.key:
        chain.append(Middleware(ApiKey, key=layers.key))
    else:
        chain.append(Middleware(NoForeignPages, names=layers.names, allowed_origins=options.allowed_origins))
    chain.append(Middleware(Remembering, cache=layers.cache))
    if options.enable_compression:
        remove_compress_type(stream.MEDIA_TYPE)  # of each listener it would keep a dictionary, and send nothing smaller
        chain.append(Middleware(CompressMiddleware, minimum_size=WORTH_COMPRESSING))
    return [*chain, Middleware(BodyLimit, limit=options.max_body_bytes)]
