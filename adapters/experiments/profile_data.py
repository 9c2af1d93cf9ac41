"""Profiles as `fathom-train profile --json` writes them, for the plots beside this file."""

import json
import sys


def read_tasks(paths):
    """The tasks of all files by name; parts of one task (profile, fusion) in several are joined."""
    tasks = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            for name, task in content["tasks"].items():
                tasks.setdefault(name, {}).update(task)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            sys.exit(f"{path} is no profile of fathom-train: {error!r}")
    return tasks


def load_pyplot():
    """matplotlib's pyplot for files, or an end with what to do."""
    try:
        import matplotlib
    except ImportError:
        sys.exit("plots need matplotlib: pip install matplotlib, or name a Python that has it "
                 "(fathom-train: --python)")
    matplotlib.use("Agg")
    from matplotlib import pyplot
    return pyplot


def whole_numbers(axis):
    from matplotlib.ticker import MaxNLocator
    axis.set_major_locator(MaxNLocator(integer=True))
