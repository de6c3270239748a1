"""Importing a library without what it loads only because it is there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import cast


@contextmanager
def taken_for_absent(*names: str) -> Iterator[None]:
    """Within the block these modules count as not installed, except those that are loaded already.

    A name that is None in `sys.modules` is not found; all names are free again afterwards.
    """
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent, cast("ModuleType", None)))
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
