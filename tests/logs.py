"""Logging as it was before a test arranged it anew."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logs_restored() -> Iterator[None]:
    """Whatever `configure_logs` does inside is undone afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
