"""How a figure is printed: what was measured, the reference of the same run, their ratio, the target."""

from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the second coordinate grows with the first: least squares; 0 of fewer than two points."""
    mean_x, mean_y = (sum(point[i] for point in points) / len(points) for i in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def show(what: str, figure: str, target: str = "", *, met: bool | None = None) -> None:
    """One line of the report."""
    verdict = "" if met is None else "met" if met else "MISSED"
    print(f"  {what:<58} {figure:>22}   {target:<28} {verdict}", flush=True)
