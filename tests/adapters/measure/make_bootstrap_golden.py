"""Prints the expected values of paired_bootstrap_test.cc, from numpy and scipy.

    pip install numpy scipy && python3 make_bootstrap_golden.py
"""

import numpy
from scipy.stats import bootstrap

VALUES = [0.3, -1.0, 2.5, 0.0, 7.25, 3.5, 3.5]
for share in (0, 0.025, 0.5, 0.6, 0.975, 1):
    print(f"quantile {share}: {numpy.quantile(VALUES, share):.12f}")

# Correct answers of two lists over the same 400 rows, in the pattern of the test.
rows = numpy.arange(400)
first = (rows % 10 != 0).astype(float)
second = (rows % 4 != 0).astype(float)


def interval(a, b):
    result = bootstrap((a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), paired=True,
                       vectorized=True, n_resamples=200_000, method="percentile",
                       random_state=numpy.random.default_rng(1))
    low, high = result.confidence_interval
    return (high - low) / 2


print(f"half-width: {interval(second, first):.4f}")
