"""The machine: its cores, who runs on which, and what a process holds."""

import os
from pathlib import Path

from alphaforge.core.memory import held

MIB = 2**20


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0))


def server_core() -> int | None:
    """The core that a measured server has to itself; None where there is only one."""
    found = cores()
    return found[0] if len(found) > 1 else None


def client_core() -> int | None:
    """The core of the clients."""
    found = cores()
    return found[-1] if len(found) > 1 else None


def pin(process: int, core: int | None) -> None:
    """Keep a process, all its threads, on a core; the threads it starts later inherit it."""
    if core is not None:
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def resident(process: int) -> float:
    """MiB that a process holds now."""
    return held(process) / MIB


def peak(process: int) -> float:
    """The most that it held since it began, or since `forget_peak`, in MiB; a server forgets it before each scan."""
    return held(process, "VmHWM") / MIB


def worked(process: int) -> float:
    """Seconds of CPU that it has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_cores() -> float:
    """Seconds of CPU that were used by anybody since the machine began, on all cores together."""
    user, nice, system, _, _, interrupts, soft, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def open_files(process: int) -> int:
    """How many files and sockets it has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def threads(process: int) -> int:
    """How many threads it has."""
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def begun_by(process: int) -> list[int]:
    """The processes that it began."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
