"""How a figure is printed: what was measured, the reference of the same run, their ratio, the target."""

from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show(what: str, figure: str, target: str = "", *, met: bool | None = None) -> None:
    """One line of the report."""
    verdict = "" if met is None else "met" if met else "MISSED"
    print(f"  {what:<58} {figure:>22}   {target:<28} {verdict}")
