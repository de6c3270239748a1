"""What was accepted: for each kind of machine the ratios, how much they waver there, when and why."""

import hashlib
import platform
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from statistics import median, pstdev

import msgspec
from msgspec.structs import replace

from benchmarks.gate.measured import Answers

PATH = Path(__file__).parents[1] / "baseline.json"


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ratio to `against`, and the standard deviation of several measurements as a share of it.

    `reference`: how many milliseconds the reference took, which says at what pace the machine was.
    """

    against: str
    ratio: float
    noise: float
    reference: float


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was accepted at once on a kind of machine. `on`: a date; `repeats`: how often each was measured."""

    on: str
    reason: str
    repeats: int
    ratios: dict[str, Accepted]


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By kind of machine, see `kind_of_machine`."""

    machines: dict[str, Acceptance]

    def accepting(self, machine: str, measured: Sequence[Answers], on: str, reason: str) -> "Baseline":
        """With what was measured several times on a machine in place of what it had."""
        ratios = {}
        for name, first in measured[0].items():
            found = [one[name].ratio for one in measured]
            pace = median([one[name].reference for one in measured])
            noise = pstdev(found) / median(found)
            ratios[name] = Accepted(first.against, *(_digits(value) for value in (median(found), noise, pace)))
        accepted = Acceptance(on, reason.strip(), len(measured), ratios)
        return replace(self, machines={**self.machines, machine: accepted})


class BaselineError(Exception):
    """The file cannot be read, or is not to be written like this; the text says what to do."""


def read(path: Path = PATH) -> Baseline:
    """The committed baseline. Raises BaselineError."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except FileNotFoundError as error:
        raise BaselineError(
            f'{path.name} is missing. Get it back (git checkout), or write one: make bench-accept REASON="why"'
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"{path.name} is broken: {error}. Get it back (git checkout), or remove it and accept anew"
        ) from error
    for machine, accepted in found.machines.items():
        for name, one in accepted.ratios.items():
            if not (one.ratio > 0 and one.noise >= 0 and one.reference > 0):
                raise BaselineError(
                    f"{path.name} is broken: {machine}, {name}: ratios and times are above 0, and a noise not below"
                )
    return found


def write(baseline: Baseline, path: Path = PATH) -> None:
    """Keep it, one value a line."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=1) + b"\n")


def kind_of_machine() -> str:
    """The processor, the Python, and a digest of how it was built: what ratios depend on. No name, no path."""
    flags = f"{sysconfig.get_config_var('CONFIG_ARGS')} {sysconfig.get_config_var('PY_CFLAGS')}".split()
    built = " ".join(sorted({flag.strip("'") for flag in flags if "/" not in flag}))
    digest = hashlib.sha256(built.encode()).hexdigest()[:8]
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{_processor()}, {platform.python_implementation()} {version}, build {digest}"


def _processor() -> str:
    """As Linux names it, family and model beside the name, which clouds shorten; elsewhere its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    said = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in reversed(lines)}
    if "model name" not in said:
        return platform.machine()
    return f"{said['model name']} ({said.get('cpu family', '?')}/{said.get('model', '?')})"


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
