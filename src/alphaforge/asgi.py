"""The server: the desk behind its interface, in one process, on one event loop."""

import socket

import structlog
import uvicorn
import uvloop

from alphaforge.api.app import create_app
from alphaforge.bootstrap import api_options, open_services
from alphaforge.core.errors import InvalidSetting
from alphaforge.core.memory import settle_down
from alphaforge.settings import Settings

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 5


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises InvalidSetting for an address that cannot be used, and StorageError for a database that cannot.
    """
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    listener = _listen(settings.host, settings.port)
    async with open_services(settings) as services:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(services, api_options(settings)),
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        settle_down()
        host, port = listener.getsockname()[:2]
        log.info("serving", address=f"http://{host}:{port}", database=services.database.url_for_people)
        await server.serve([listener])


def _listen(host: str, port: int) -> socket.socket:
    """The listening socket, taken first: an address in use is the cheapest of all failures to find."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InvalidSetting(
            f"{host}:{port} cannot be listened on: {error.strerror}",
            advice="Another server may run there already; choose another with PORT=5001 or --port 5001.",
        ) from None
