"""The dev metrics of fathom-train. Undefined ones are 0."""

import numpy as np


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / scale) if scale > 0 else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of equal values are averaged."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends + 1) / 2)[inverse]


def evaluate(metric: str, predicted: np.ndarray, expected: np.ndarray) -> float:
    if metric == "accuracy":
        return float((predicted == expected).mean())
    if metric == "matthews":  # of two classes: the correlation of 0 and 1
        return correlation(predicted.astype(float), expected.astype(float))
    if metric == "spearman":
        return correlation(ranks(predicted), ranks(expected))
    if metric == "pearson":
        return correlation(predicted, expected)
    raise SystemExit(f"metric {metric} is not known here")
