"""TA-Lib, loaded without the data-frame libraries that it would otherwise bring along."""

import importlib
import sys
from types import ModuleType
from typing import Any, cast


def _load() -> Any:  # noqa: ANN401 - TA-Lib has no types
    """Import talib as if polars and pandas were not installed.

    Its package imports both where it finds them, only to accept their columns, which costs 35-100 MB of memory that
    nobody here uses. A name that is None in `sys.modules` counts as not installed; both names are free again after.
    """
    absent = [name for name in ("polars", "pandas") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent, cast("ModuleType", None)))
    try:
        return importlib.import_module("talib")
    finally:
        for name in absent:
            del sys.modules[name]


talib = _load()
