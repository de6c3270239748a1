"""The machine: Python, libraries, settings, port."""

import http.client
import json
import platform
import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from alphaforge.cli.checks import Check, failed, good, notice
from alphaforge.settings import Settings

_LIBRARIES = ("alphaforge", "fastapi", "uvicorn", "sqlalchemy", "httpx2", "numpy", "ta-lib")
_PATIENCE = 2.0


def machine_checks(settings: Settings) -> Iterator[Check]:
    """Everything that needs neither database nor market."""
    yield _python()
    yield _libraries()
    yield _settings(settings)
    yield _port(settings.host, settings.port)


def _python() -> Check:
    return good("python", f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}")


def _libraries() -> Check:
    found, missing = [], []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return failed("libraries", f"missing: {', '.join(missing)}", "Install again: make clean, then make run.")
    return good("libraries", ", ".join(found))


def _settings(settings: Settings) -> Check:
    name = "settings"
    if settings.ignored:
        return notice(name, f"in .env, but none of ours: {', '.join(settings.ignored)}", "Look for misspelt names.")
    return good(
        name, f"{sum(1 for field in type(settings).model_fields if settings.source_of(field) != 'default')} set"
    )


def _port(host: str, port: int) -> Check:
    """Free, or taken by AlphaForge itself."""
    name, where = "port", f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            problem = error.strerror
        else:
            return good(name, f"{where} is free")
    if _is_ours(host, port):
        return good(name, f"AlphaForge is running on {where}")
    return failed(name, f"{where} cannot be used: {problem}", "Choose another with PORT=5001, or end what uses it.")


def _is_ours(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/health/live")
        answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and answer.get("status") == "alive"
