"""Means, deviations, retention and when it may be stated. Pure functions."""

import math
from collections.abc import Sequence

# Above the majority baseline by less than this, a score does not clearly beat it.
LEAST_GAIN = {"accuracy": 0.03, "f1": 0.03, "matthews": 0.15, "spearman": 0.15, "pearson": 0.15}


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def deviation(values: Sequence[float]) -> float | None:
    """The sample's (n − 1); None of a single value."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


def beats_baseline(score: float, baseline: float, metric: str) -> bool:
    return score - baseline >= LEAST_GAIN.get(metric, 0.03)


def retention(curve: dict[int, float], baseline: float, metric: str) -> dict[int, float] | None:
    """score(n) / score(0); None where n = 0 does not clearly beat a constant answer."""
    if 0 not in curve or not beats_baseline(curve[0], baseline, metric):
        return None
    return {n: score / curve[0] for n, score in curve.items()}


def over_seeds(curves: Sequence[dict[int, float]]) -> dict[int, tuple[float, float | None]]:
    """n -> (mean, deviation) over the depths that all curves have."""
    depths = sorted(set.intersection(*(set(curve) for curve in curves)))
    columns = {n: [curve[n] for curve in curves] for n in depths}
    return {n: (mean(column), deviation(column)) for n, column in columns.items()}


def selection_depths(method: str, layers: int, skip_layers: int = 0) -> list[int]:
    """The fixed n at which dev is measured during training."""
    if method == "robust":
        return sorted({0, layers // 4, layers // 2, 3 * layers // 4})
    return [skip_layers if method == "specialized" else 0]


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
