"""The process's memory: what a peak took goes back to the machine. Does nothing where the C library is not glibc."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_M_ARENA_MAX, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -8, -1, -3
_LARGE = 256 * 1024
"""Bytes of what is returned as soon as it is free; by itself the C library keeps ever larger pieces."""


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


_library = _glibc()


@contextmanager
def thrifty_start() -> Iterator[None]:
    """Before anything is imported: what imports make stays, so looking for garbage costs a sixth of the start.

    All threads share one arena of the C library; each keeps what it ever needed at once, and work is handed around.
    """
    gc.disable()
    if _library:
        _library.mallopt(_M_ARENA_MAX, 1)
        _library.mallopt(_M_TRIM_THRESHOLD, _LARGE)
        _library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
    try:
        yield
    finally:
        gc.enable()  # where the start failed, before `settle_down`


def settle_down() -> None:
    """Once everything is imported: collect garbage from now on, and never look through what is there already."""
    gc.freeze()
    gc.enable()


def give_back() -> None:
    """Return what is free to the machine; after a peak only, for it takes some milliseconds."""
    if _library:
        _library.malloc_trim(0)
