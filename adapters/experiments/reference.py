#!/usr/bin/env python3
"""The absolute anchor: the same trainings in the `adapters` library 1.3.0 and in Fathom. At every n
the mean over the seeds must lie within one deviation (at least 1 point) of the library's.

    reference.py --encoder MINILM --glue DIR [--only adapters|fathom]

`adapters` drops out everywhere in the encoder; Fathom's side with `everywhere` is the like-for-like
one, `branch` (the default of fathom-train) stands beside it.
"""

from lib import environment

environment.use_own()

from dataclasses import replace

from lib import command, scores
from lib.tables import points
from lib.training import Training, adapters_run, curve_of, fathom_run

ROWS = {"SST-2": 4000, "STS-B": 3000}
METHODS = ("standard", "robust")
LEAST_TOLERANCE = 0.01


def parse():
    parser = command.parser(__doc__, "MiniLM")
    command.add_training(parser, "SST-2,STS-B", epochs=4, learning_rate=5e-4)
    parser.add_argument("--methods", type=command.some_of(METHODS), default=list(METHODS),
                        help=f"default: {','.join(METHODS)}")
    parser.add_argument("--dropouts", type=command.some_of(("everywhere", "branch", "off")),
                        default=["everywhere", "branch"],
                        help="of Fathom's side (default: everywhere,branch)")
    parser.add_argument("--only", choices=["adapters", "fathom"], help="run one side, no result")
    return parser.parse_args()


def sides(experiment):
    """Name of a side -> what makes a run of a training."""
    made = {}
    if experiment.options.only != "fathom":
        made["adapters"] = adapters_run
    if experiment.options.only != "adapters":
        program = experiment.trainer()
        for dropout in experiment.options.dropouts:
            made[f"Fathom, {dropout}"] = (
                lambda training, dropout=dropout: fathom_run(replace(training, dropout=dropout),
                                                             program))
    return made


def wanted(experiment, splits, makers):
    """((task, method, side, seed), maker of the run); the first seed of everything first."""
    options = experiment.options
    for seed in options.seeds:
        for split in splits:
            for method in options.methods:
                training = Training(options.encoder, split, method, epochs=options.epochs,
                                    learning_rate=options.learning_rate, seed=seed,
                                    batch_size=options.batch_size, threads=options.threads)
                for side, make in makers.items():
                    yield ((split.task.name, method, side, seed),
                           lambda make=make, training=training: make(training))


def compare(theirs, ours):
    """n -> (difference, tolerance): mean over seeds against mean over seeds."""
    return {n: (ours[n][0] - theirs[n][0], max(LEAST_TOLERANCE, theirs[n][1] or 0))
            for n in theirs if n in ours}


def add_table(report, title, curves, layers):
    """One task and method: a row a side, a column an n. The anchor counts where n was trained."""
    depths = sorted(next(iter(curves.values())))
    report.heading(title)
    rows = [[side, *(points(*curve[n]) for n in depths)] for side, curve in curves.items()]
    verdicts = {}
    for side, curve in curves.items():
        if side == "adapters" or "adapters" not in curves:
            continue
        differences = compare(curves["adapters"], curve)
        rows.append([f"{side} − adapters", *(f"{100 * d:+.1f} ({'in' if abs(d) <= t else 'out'})"
                                             for d, t in differences.values())])
        verdicts[side] = {n: {"difference": d, "tolerance": t, "within": abs(d) <= t}
                          for n, (d, t) in differences.items() if n < layers}
    report.table(["points", *(f"n = {n}" for n in depths)], rows)
    return verdicts


def main():
    options = parse()
    experiment = command.Experiment("reference", "The same trainings in `adapters` 1.3.0", options)
    report = experiment.report
    rows = {task: options.rows or ROWS.get(task) for task in options.tasks}
    splits = [experiment.split(task, rows[task], options.dev_rows) for task in options.tasks]
    results = experiment.run_all(list(wanted(experiment, splits, sides(experiment))))
    if options.only:
        return
    experiment.training_facts()
    report.fact("± is the deviation over the seeds; \"in\": the means differ by one deviation "
                "of the library's scores at most, or by 1 point. Other seeds mean other draws: "
                "orders, weights and masks of the two programs are not equal.")
    panels, verdicts = [], {}
    for split in splits:
        for method in options.methods:
            by_side = {}
            for (task, its_method, side, _), result in results.items():
                if (task, its_method) == (split.task.name, method):
                    by_side.setdefault(side, []).append(curve_of(result))
            if not by_side:
                continue
            curves = {side: scores.over_seeds(found) for side, found in by_side.items()}
            title = f"{split.task.name}, {method} ({split.task.metric})"
            verdicts[title] = add_table(report, title, curves, experiment.layers)
            panels.append(panel(title, curves))
            report.data.setdefault("curves", {})[title] = curves
    report.plot("reference", panels)
    report.data["verdicts"] = verdicts
    report.runs(results)
    report.write()


def panel(title, curves):
    from lib.plots import Line, Panel
    return Panel(title, [Line(side, {n: 100 * m for n, (m, _) in curve.items()},
                              {n: 100 * (d or 0) for n, (_, d) in curve.items()})
                         for side, curve in curves.items()], y_label="dev score (points)")


if __name__ == "__main__":
    main()
