"""TA-Lib, loaded without the data-frame libraries that it would otherwise bring along."""

import importlib
from typing import Any

from alphaforge.core.imports import taken_for_absent


def _load() -> Any:  # noqa: ANN401 - TA-Lib has no types
    """Import talib as if polars and pandas were not installed.

    Its package imports both where it finds them, only to accept their columns, which costs 35-100 MB of memory that
    nobody here uses.
    """
    with taken_for_absent("polars", "pandas"):
        return importlib.import_module("talib")


talib = _load()
