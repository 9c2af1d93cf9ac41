"""Plots as SVG."""

from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws into files; must come before pyplot
from matplotlib import pyplot
from matplotlib.ticker import MaxNLocator

matplotlib.rcParams["svg.hashsalt"] = "fathom"  # equal plots are equal files


@dataclass
class Line:
    label: str
    values: dict[float, float]  # x -> y
    deviations: dict[float, float] = field(default_factory=dict)
    style: str = "-"
    color: str | None = None
    marker: str = "o"


@dataclass
class Panel:
    title: str
    lines: list[Line]
    x_label: str = "skip depth n"
    y_label: str = ""
    horizontal: dict[str, float] = field(default_factory=dict)  # label -> y
    whole_x: bool = True
    from_zero: bool = False


def draw(panel: Panel, axes) -> None:
    for line in panel.lines:
        xs = sorted(line.values)
        errors = [line.deviations.get(x) or 0 for x in xs] if line.deviations else None
        axes.errorbar(xs, [line.values[x] for x in xs], yerr=errors, label=line.label,
                      linestyle=line.style, marker=line.marker, markersize=4, capsize=2,
                      color=line.color)
    for label, y in panel.horizontal.items():
        axes.axhline(y, color="gray", linestyle=":", linewidth=1, label=label)
    if panel.whole_x:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if panel.from_zero:
        axes.set_ylim(bottom=0)
    axes.set_title(panel.title, fontsize=9)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def save(panels: list[Panel], file: Path) -> None:
    """The panels side by side, three in a row at most."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(5.2 * columns, 3.9 * rows),
                                   layout="constrained", squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index < len(panels):
            draw(panels[index], axes)
        else:
            axes.set_visible(False)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
