"""Scores over n of several trainings, as tables and plots."""

from collections.abc import Iterable

from lib import glue, paper, scores
from lib.tables import points
from lib.training import curve_of


def grouped(results: dict[tuple, dict], parts: int) -> dict[tuple, list[dict[int, float]]]:
    """The curves of the seeds by the first `parts` parts of their labels."""
    groups: dict[tuple, list[dict[int, float]]] = {}
    for label, result in results.items():
        groups.setdefault(label[:parts], []).append(curve_of(result))
    return groups


def specialized_curve(groups: dict[tuple, list[dict[int, float]]],
                      task: str) -> dict[int, tuple[float, float | None]]:
    """n -> score of the adapter that was trained for n; labels are (task, "specialized", n)."""
    return {n: scores.over_seeds([{n: curve[n]} for curve in curves])[n]
            for (its_task, method, n), curves in sorted(groups.items(), key=str)
            if its_task == task and method == "specialized"}


def paper_row(task: str, method: str, layers: int) -> list[str] | None:
    """The paper's numbers at n = 0 …; None for another number of layers or another task."""
    numbers = paper.FIGURE2.get(task, {}).get(method)
    if numbers is None or layers != len(numbers):
        return None
    return [f"{number:.1f}" for number in numbers]


def rows(named: dict[str, dict[int, tuple[float, float | None]]],
         depths: Iterable[int]) -> list[list[str]]:
    return [[name, *(points(*curve[n]) if n in curve else "–" for n in depths)]
            for name, curve in named.items()]


def retention_rows(named: dict[str, dict[int, tuple[float, float | None]]], reference: str,
                   split: glue.Split, depths: Iterable[int]) -> list[list[str]] | None:
    """Percent of `reference` at n = 0, the paper's "original"; None where that does not clearly
    beat a constant answer."""
    baseline = glue.majority_baseline(split)
    if reference not in named or 0 not in named[reference]:
        return None
    original = named[reference][0][0]
    if not scores.beats_baseline(original, baseline, split.task.metric):
        return None
    return [[name, *(f"{100 * curve[n][0] / original:.1f} %" if n in curve else "–"
                     for n in depths)] for name, curve in named.items()]


def panel(title: str, named: dict[str, dict[int, tuple[float, float | None]]], layers: int,
          baseline: float, references: dict[str, list[float]] | None = None):
    """Trained depths only; the paper's lines dashed."""
    from lib.plots import Line, Panel
    lines = []
    for index, (name, curve) in enumerate(named.items()):
        lines.append(Line(name, {n: 100 * m for n, (m, _) in curve.items() if n < layers},
                          {n: 100 * (d or 0) for n, (_, d) in curve.items()}, color=f"C{index}"))
        if references and name in references:
            lines.append(Line(f"{name}, the paper", dict(enumerate(references[name])), style="--",
                              color=f"C{index}", marker=""))
    return Panel(title, lines, y_label="dev score (points)",
                 horizontal={"constant answer": 100 * baseline})
