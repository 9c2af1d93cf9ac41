"""One picture a workload and precision: how many times Fathom's time each peer takes."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws into files; must come before pyplot
from matplotlib import pyplot

from report import Result, describe, groups


def plot_group(group: list[Result], title: str, subtitle: str, file: Path) -> None:
    labels = [f"{describe(r.parameters)}: {peer}" for r in group for peer in r.peers]
    values = [ms / r.fathom_ms for r in group for ms in r.peers.values()]
    figure, axes = pyplot.subplots(figsize=(8, 1.6 + 0.34 * len(labels)), layout="constrained")
    bars = axes.barh(labels, values, color="#3b6ea5")
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("time of the peer / time of Fathom")
    axes.set_title(f"{title}\n{subtitle}", fontsize=9)
    figure.savefig(file, dpi=130)
    pyplot.close(figure)


def plot(results: list[Result], subtitle: str, folder: Path) -> None:
    for (precision, workload), group in groups(results).items():
        if any(result.peers for result in group):
            plot_group(group, f"{workload}, {precision}", subtitle,
                       folder / f"{workload}_{precision}.png")
