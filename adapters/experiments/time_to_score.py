#!/usr/bin/env python3
"""Time until the same dev score: robust training in Fathom (with its cache of states, the pass that
fills it counted) and in the `adapters` library with AdapterDrop, from the logs of both.

    time_to_score.py --encoder BERT_BASE --glue DIR --tasks MRPC,RTE --epochs 5

The score is the one that chooses the checkpoint: mean over n = 0, L/4, L/2, 3L/4, measured equally
often on both sides; evaluations are in the times.
"""

from lib import environment

environment.use_own()

from lib import command, logs, machine, scores
from lib.tables import duration, points
from lib.training import Training, adapters_run, fathom_run

SHARES = (0.95, 0.99, 1.0)  # of the lower of the two best scores


def parse():
    parser = command.parser(__doc__, "BERT-base")
    command.add_training(parser, "MRPC,RTE", epochs=5, seeds="1")
    parser.add_argument("--dev-every", type=int, default=0, help="steps (default: each epoch)")
    parser.add_argument("--state-cache", default="auto", help="as of fathom-train")
    return parser.parse_args()


def wanted(experiment, splits):
    """Labels are (task, side, seed)."""
    options, program = experiment.options, experiment.trainer()
    for seed in options.seeds:
        for split in splits:
            training = Training(options.encoder, split, "robust", epochs=options.epochs,
                                learning_rate=options.learning_rate, seed=seed,
                                batch_size=options.batch_size, state_cache=options.state_cache,
                                dev_every=options.dev_every, threads=options.threads, timed=True)
            yield ((split.task.name, "Fathom", seed),
                   lambda training=training: fathom_run(training, program))
            yield ((split.task.name, "adapters", seed),
                   lambda training=training: adapters_run(training))


def best_score(entries):
    return max(entry["score"] for entry in logs.evaluations(entries))


def compare(task, seed, entries):
    """Rows of one seed: a target a row. The lower of the best scores is one that both reach."""
    common = min(best_score(its) for its in entries.values())
    rows = []
    for share in SHARES:
        target = share * common
        fathom, peer = (logs.time_to_score(entries[side], target)
                        for side in ("Fathom", "adapters"))
        rows.append([task, str(seed), points(target), duration(fathom), duration(peer),
                     f"{peer / fathom:.1f} ×"])
    return rows


def panel(task, seed, entries):
    from lib.plots import Line, Panel
    return Panel(f"{task}, seed {seed}",
                 [Line(side, {entry["seconds"] / 60: 100 * entry["score"]
                              for entry in logs.evaluations(its)})
                  for side, its in entries.items()],
                 x_label="minutes since the start", y_label="dev score (points)", whole_x=False)


def main():
    options = parse()
    experiment = command.Experiment("time_to_score", "Time to the same dev score", options)
    report = experiment.report
    splits = experiment.splits()
    runs = list(wanted(experiment, splits))
    results = experiment.run_all(runs)
    entries = {label: logs.read(experiment.cache.folder(make()) / "log.jsonl")
               for label, make in runs if label in results}
    experiment.training_facts()
    report.fact("Encoder dropout: branch in Fathom, everywhere in `adapters` (it has no "
                "other); padding to the longest of a batch there. Equal threads.")
    report.text(machine.load_warning(report.machine))
    rows, panels, ratios = [], [], []
    for split in splits:
        for seed in options.seeds:
            both = {side: entries[split.task.name, side, seed] for side in ("Fathom", "adapters")
                    if (split.task.name, side, seed) in entries}
            if len(both) == 2:
                rows += compare(split.task.name, seed, both)
                ratios.append(float(rows[-1][-1].split()[0]))
                panels.append(panel(split.task.name, seed, both))
    report.table(["task", "seed", "dev score", "Fathom", "adapters", "faster"], rows)
    report.text("Targets: 95, 99 and 100 % of the lower of the two best scores of that seed, "
                "which both reach. The time is that of the first evaluation that reaches it.")
    if ratios:
        report.text(f"To the whole of it: {scores.mean(ratios):.1f} × on average.")
    report.data["table"] = rows
    report.plot("time_to_score", panels)
    report.runs(results)
    report.write()


if __name__ == "__main__":
    main()
