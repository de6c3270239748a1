"""What `alphaforge doctor` looks at: one finding a check, with advice where something is wrong."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    GOOD = "good"
    NOTICE = "notice"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `advice` says what to do; a good one needs none."""

    name: str
    state: State
    found: str
    advice: str = ""


def good(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, State.GOOD, found)


def notice(name: str, found: str, advice: str) -> Check:
    """Nothing that hinders, but worth knowing."""
    return Check(name, State.NOTICE, found, advice)


def failed(name: str, found: str, advice: str) -> Check:
    """Something that hinders."""
    return Check(name, State.FAILED, found, advice)


def skipped(name: str, why: str) -> Check:
    """Not looked at."""
    return Check(name, State.SKIPPED, why)
