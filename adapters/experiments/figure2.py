#!/usr/bin/env python3
"""Figure 2: standard, robust and specialized adapters over n.

    figure2.py --encoder BERT_BASE --glue DIR --tasks CoLA,RTE --epochs 10 --seeds 1

Specialized adapters are trained at n = 0, 3, 5, 8, 11 of 12 layers, or 0, 1, 3, 4, 5 of 6.
"""

from lib import environment

environment.use_own()

from lib import command, curves, glue, paper, scores
from lib.training import Training, fathom_run

SPECIALIZED = {12: (0, 3, 5, 8, 11), 6: (0, 1, 3, 4, 5)}


def parse():
    parser = command.parser(__doc__, "BERT-base")
    command.add_training(parser, "CoLA,RTE", epochs=10, seeds="1")
    parser.add_argument("--rows-of", type=command.by_task, default={}, metavar="TASK=N,…",
                        help="instead of --rows for these tasks")
    parser.add_argument("--epochs-of", type=command.by_task, default={}, metavar="TASK=N,…",
                        help="instead of --epochs for these tasks, whatever the method")
    parser.add_argument("--depths", type=command.whole_numbers,
                        help="of the specialized ones (default: see above); 0: none")
    parser.add_argument("--dropout", default="branch", choices=["branch", "everywhere", "off"])
    parser.add_argument("--state-cache", default="auto", help="as of fathom-train")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"],
                        help="of the frozen layers' GEMMs, for every method (default: fp32)")
    options = parser.parse_args()
    unknown = sorted({*options.rows_of, *options.epochs_of} - set(options.tasks))
    if unknown:
        parser.error(f"--rows-of and --epochs-of name {', '.join(unknown)}, not of --tasks")
    return options


def wanted(experiment, splits, depths):
    """Labels are (task, method, n, seed); n is None where one adapter serves every n. A specialized
    adapter at n = 0 is the standard one, so it is not trained twice."""
    options, program = experiment.options, experiment.trainer()
    methods = [("standard", None), ("robust", None), *(("specialized", n) for n in depths if n > 0)]
    for seed in options.seeds:
        for split in splits:
            for method, n in methods:
                training = Training(options.encoder, split, method, skip_layers=n,
                                    epochs=options.epochs_of.get(split.task.name, options.epochs),
                                    learning_rate=options.learning_rate,
                                    batch_size=options.batch_size, seed=seed,
                                    dropout=options.dropout, state_cache=options.state_cache,
                                    precision=options.precision, threads=options.threads)
                yield ((split.task.name, method, n, seed),
                       lambda training=training: fathom_run(training, program))


def named_curves(results, task):
    """Method -> n -> (mean, deviation)."""
    groups = curves.grouped(results, 3)
    named = {method: scores.over_seeds(groups[task, method, None])
             for method in ("standard", "robust") if (task, method, None) in groups}
    specialized = curves.specialized_curve(groups, task)
    if specialized and "standard" in named:
        specialized[0] = named["standard"][0]
    return {**named, "specialized": dict(sorted(specialized.items()))} if specialized else named


def add_task(report, experiment, split, named):
    task, layers = split.task.name, experiment.layers
    depths = range(layers + 1)
    baseline = glue.majority_baseline(split)
    report.heading(f"{task} ({split.task.metric})")
    table = curves.rows(named, depths)
    for method in named:
        numbers = curves.paper_row(task, method, layers)
        if numbers:
            table.append([f"{method}, the paper", *numbers, "–"])
    report.table(["points", *(f"n = {n}" for n in depths)], table)
    report.text(f"n = {layers} is the encoder without adapter under the trained head: no method is "
                f"trained there. A constant answer scores {100 * baseline:.1f}.")
    kept = curves.retention_rows(named, "standard", split, depths)
    if kept is None:
        report.text("No retention: standard at n = 0 does not clearly beat a constant answer.")
    else:
        report.text("Of standard at n = 0:")
        report.table(["kept", *(f"n = {n}" for n in depths)], kept)
    report.data.setdefault("curves", {})[task] = named
    references = paper.FIGURE2.get(task) if layers == 12 else None
    return curves.panel(f"{task} ({split.task.metric})", named, layers, baseline, references)


def add_means(report, per_task, splits, layers):
    """Over the tasks that standard at n = 0 has learnt. Robust must beat standard at 5 of 12."""
    both = {"standard", "robust"}
    learnt = [split.task.name for split in splits
              if both <= set(per_task.get(split.task.name, {}))
              and scores.beats_baseline(per_task[split.task.name]["standard"][0][0],
                                        glue.majority_baseline(split), split.task.metric)]
    if not learnt:
        report.text("No mean over tasks: none was learnt.")
        return
    n = 5 if layers == 12 else layers // 2
    original = scores.mean([per_task[task]["standard"][0][0] for task in learnt])
    report.heading(f"Mean over {', '.join(learnt)} at n = {n}")
    rows = []
    for method in ("standard", "robust", "specialized"):
        if all(n in per_task[task].get(method, {}) for task in learnt):
            value = scores.mean([per_task[task][method][n][0] for task in learnt])
            shown = paper.RETENTION_AT_5.get(method)
            rows.append([method, f"{100 * value:.1f}", f"{100 * value / original:.1f} %",
                         f"{100 * shown:.1f} %" if shown else "–"])
    report.table(["method", "points", "of standard at n = 0", "the paper at n = 5 of 12, 8 tasks"],
                 rows)


def main():
    options = parse()
    experiment = command.Experiment("figure2", "Figure 2: scores over the skip depth", options)
    report = experiment.report
    depths = options.depths or SPECIALIZED.get(experiment.layers)
    if not depths:
        raise SystemExit(f"--depths is needed: the encoder has {experiment.layers} layers")
    splits = [experiment.split(task, options.rows_of.get(task, options.rows), options.dev_rows)
              for task in options.tasks]
    results = experiment.run_all(list(wanted(experiment, splits, depths)))
    experiment.training_facts(options.epochs_of)
    trained = [n for n in depths if n > 0]
    report.fact(f"Encoder dropout: {options.dropout}; {options.precision}. "
                + (f"Specialized trained at n = {', '.join(map(str, trained))}; at n = 0 it is the "
                   "standard one." if trained else "No specialized adapters."))
    report.fact(f"{paper.SETTING} Here: another encoder, other epochs and seeds, splits as above.")
    per_task = {split.task.name: named for split in splits
                if (named := named_curves(results, split.task.name))}
    panels = [add_task(report, experiment, split, per_task[split.task.name]) for split in splits
              if split.task.name in per_task]
    add_means(report, per_task, splits, experiment.layers)
    report.plot("figure2", panels)
    report.runs(results)
    report.write()


if __name__ == "__main__":
    main()
