#!/usr/bin/env python3
"""Draws which layers a task needs: what the score loses when layer n is skipped too (the profile's
step score(n) − score(n+1)), and for a fusion the mean attention that each member gets in each layer.

    plot_importance.py PROFILE.json… --output FILE.svg|png

The files hold {"tasks": {name: {"profile_steps": […], "fusion_attention": {member: [by layer]}}}},
either key alone or both; several files may hold parts of one task.
"""

import argparse

from profile_data import load_pyplot, read_tasks, whole_numbers


def draw_steps(axes, tasks):
    for name, task in tasks.items():
        axes.plot(range(len(task["profile_steps"])), task["profile_steps"], marker="o", label=name)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_ylabel("score(n) − score(n+1)")
    axes.set_title("what skipping the layer's adapter costs")
    axes.legend()


def draw_attention(axes, name, attention):
    """Members from top to bottom, layers from left to right; a member that was pruned is white."""
    rows = [[float("nan") if weight is None else weight for weight in weights]
            for weights in attention.values()]
    image = axes.imshow(rows, aspect="auto", vmin=0, cmap="viridis")
    axes.set_yticks(range(len(attention)), labels=list(attention))
    axes.set_title(f"{name}: mean attention to each member")
    axes.figure.colorbar(image, ax=axes)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profiles", nargs="+", metavar="PROFILE.json")
    parser.add_argument("--output", required=True, metavar="FILE.svg|png")
    options = parser.parse_args()
    tasks = read_tasks(options.profiles)
    stepped = {name: task for name, task in tasks.items() if task.get("profile_steps")}
    fused = {name: task for name, task in tasks.items() if task.get("fusion_attention")}
    panels = bool(stepped) + len(fused)
    if panels == 0:
        parser.error("no file holds profile_steps or fusion_attention")
    pyplot = load_pyplot()
    figure, axes = pyplot.subplots(panels, squeeze=False, figsize=(7, 3.5 * panels),
                                   layout="constrained")
    panel = iter(row[0] for row in axes)
    if stepped:
        draw_steps(next(panel), stepped)
    for name, task in fused.items():
        draw_attention(next(panel), name, task["fusion_attention"])
    for row in axes:
        row[0].set_xlabel("layer")
        whole_numbers(row[0].xaxis)
    figure.savefig(options.output)


if __name__ == "__main__":
    main()
