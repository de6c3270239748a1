"""The process's memory: how much a peak took, and that it goes back to the machine where the C library is glibc."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_M_ARENA_MAX, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -8, -1, -3
_LARGE = 256 * 1024
"""Bytes of what is returned as soon as it is free; by itself the C library keeps ever larger pieces."""

_LARGEST, _KEPT = 32 * 1024**2, 256 * 1024**2
"""The same during a long computation (more than the first the C library refuses), and what may lie free meanwhile."""


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


@contextmanager
def at_full_speed() -> Iterator[None]:
    """While a long computation runs: keep what it frees for its next step, and return it at the end.

    To fetch every large array anew from the machine takes longer than to fill it.
    """
    if _library:
        _library.mallopt(_M_TRIM_THRESHOLD, _KEPT)
        _library.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
    try:
        yield
    finally:
        if _library:
            _library.mallopt(_M_TRIM_THRESHOLD, _LARGE)
            _library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        give_back()


def held(process: int, which: str = "VmRSS") -> int:
    """Bytes that a process holds, by the kernel's name for them: `VmRSS` now, `VmHWM` at its peak.

    The peak is that since it began, or since `forget_peak`. Both raise OSError where the system is not Linux.
    """
    told = Path(f"/proc/{process}/status").read_text().partition(f"{which}:")[2]
    return 1024 * int(told.split(maxsplit=1)[0])


def forget_peak(process: int) -> None:
    """Let a process's peak count from now on."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


@dataclass(slots=True, eq=False)
class Peak:
    """`bytes`: the most that this process held while a block lasted, once it has ended; None if that is unknown.

    Where the system keeps no peak, or does not let it be forgotten, it is what was held when the block had ended.
    """

    bytes: int | None = None


_under_way: list[Peak] = []
"""Of the blocks that last: the peak is the process's, so that it is noted for all of them before it is forgotten."""


@contextmanager
def peak_of_block() -> Iterator[Peak]:
    """Tell the most that this process holds while the block lasts, whatever else it does then; in one thread."""
    mine = Peak()
    known = _peak_noted(forget=True)
    _under_way.append(mine)
    try:
        yield mine
    finally:
        if not (known and _peak_noted()):
            mine.bytes = _held_anywhere()
        _under_way.remove(mine)


def _peak_noted(*, forget: bool = False) -> bool:
    """Whether the peak could be noted for all blocks under way, and forgotten where it is to be."""
    me = os.getpid()
    try:
        peak = held(me, "VmHWM")
        for one in _under_way:
            one.bytes = max(one.bytes or 0, peak)
        if forget:
            forget_peak(me)
    except OSError:
        return False
    return True


def _held_anywhere() -> int | None:
    import psutil  # noqa: PLC0415 - only where the system keeps no peak

    try:
        return int(psutil.Process().memory_info().rss)
    except (OSError, psutil.Error):
        return None
