"""Prints the expected values of metrics_test.cc, from scikit-learn and scipy.

    pip install scikit-learn scipy && python3 make_metric_golden.py
"""

from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

BINARY = ([1, 0, 1, 1, 0, 0, 1, 0, 1, 1], [1, 0, 0, 1, 0, 1, 1, 0, 1, 0])
THREE = ([0, 1, 2, 2, 1, 0, 0, 2, 1, 1, 0, 2], [0, 1, 1, 2, 1, 0, 2, 2, 0, 1, 0, 1])
ABSENT = ([0, 0, 2, 2, 0], [0, 2, 2, 2, 0])
VALUES = ([0.1, 2.5, 3.0, 3.0, 4.75, -1.0, 2.5], [0.0, 2.0, 3.5, 3.0, 5.0, 0.0, 2.0])


def classification(name, answers):
    predicted, expected = answers
    average = "binary" if set(predicted) | set(expected) <= {0, 1} else "macro"
    print(f"{name}: accuracy {accuracy_score(expected, predicted):.12f}"
          f" f1 {f1_score(expected, predicted, average=average):.12f}"
          f" macro_f1 {f1_score(expected, predicted, average='macro'):.12f}"
          f" matthews {matthews_corrcoef(expected, predicted):.12f}")


classification("binary", BINARY)
classification("three", THREE)
classification("absent", ABSENT)
print(f"values: pearson {pearsonr(*VALUES)[0]:.12f} spearman {spearmanr(*VALUES)[0]:.12f}")
