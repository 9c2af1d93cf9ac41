#!/usr/bin/env python3
"""Draws depth profiles: the score at every skip depth n, with what a constant answer scores, and,
if it was measured, the time of a text.

    plot_depth.py PROFILE.json… --output FILE.svg|png

The files are those of `fathom-train profile --json`. Bars are half of the 95 % interval of the
difference to n = 0 on the same rows.
"""

import argparse

from profile_data import load_pyplot, read_tasks, whole_numbers


def column(points, key):
    """(n, value) of the points that hold the key."""
    pairs = [(point["skip_layers"], point[key]) for point in points if key in point]
    return [n for n, _ in pairs], [value for _, value in pairs]


def draw_scores(axes, tasks):
    for name, task in tasks.items():
        depths, scores = column(task["points"], "score")
        errors = [point.get("half_width", 0) for point in task["points"]]
        label = f"{name} ({task['metric']}, {task['samples']} rows)"
        line = axes.errorbar(depths, scores, yerr=errors, marker="o", capsize=3, label=label)
        if "majority_baseline" in task:
            axes.axhline(task["majority_baseline"], color=line[0].get_color(), linestyle=":")
    axes.set_ylabel("score (dotted: a constant answer)")
    axes.legend()


def draw_times(axes, tasks):
    for name, task in tasks.items():
        for key, title, style in (("ms_one_task", "1 task", "-"), ("ms_eight_tasks", "8 tasks", "--")):
            depths, times = column(task["points"], key)
            if times:
                axes.plot(depths, times, style, marker=".", label=f"{name}, {title}")
    axes.set_ylabel("ms a text of median length")
    axes.set_ylim(bottom=0)
    axes.legend()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profiles", nargs="+", metavar="PROFILE.json")
    parser.add_argument("--output", required=True, metavar="FILE.svg|png")
    options = parser.parse_args()
    tasks = {name: task for name, task in read_tasks(options.profiles).items() if "points" in task}
    if not tasks:
        parser.error("no file holds the points of a depth profile")
    pyplot = load_pyplot()
    timed = any("ms_one_task" in point for task in tasks.values() for point in task["points"])
    figure, axes = pyplot.subplots(2 if timed else 1, squeeze=False, sharex=True,
                                   figsize=(7, 7 if timed else 4), layout="constrained")
    draw_scores(axes[0][0], tasks)
    if timed:
        draw_times(axes[1][0], tasks)
    axes[-1][0].set_xlabel("skip depth n")
    whole_numbers(axes[-1][0].xaxis)
    figure.savefig(options.output)


if __name__ == "__main__":
    main()
