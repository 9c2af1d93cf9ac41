#!/usr/bin/env python3
"""Where the encoder drops out in training: in the branch (the default: what is above n), everywhere
(as the `adapters` library), or nowhere; what each does to the dev score.

    dropout.py --encoder MINILM --glue DIR --tasks SST-2,STS-B
"""

from lib import environment

environment.use_own()

from lib import command, curves, glue, scores
from lib.tables import points
from lib.training import Training, fathom_run

PLACES = ("branch", "everywhere", "off")
METHODS = ("standard", "robust")


def parse():
    parser = command.parser(__doc__, "MiniLM")
    command.add_training(parser, "SST-2,STS-B", epochs=4, learning_rate=5e-4)
    parser.add_argument("--places", type=command.some_of(PLACES), default=list(PLACES),
                        help=f"default: {','.join(PLACES)}")
    return parser.parse_args()


def wanted(experiment, splits):
    """Labels are (task, method, place, seed)."""
    options, program = experiment.options, experiment.trainer()
    for seed in options.seeds:
        for split in splits:
            for method in METHODS:
                for place in options.places:
                    training = Training(options.encoder, split, method, epochs=options.epochs,
                                        learning_rate=options.learning_rate, seed=seed,
                                        batch_size=options.batch_size, dropout=place,
                                        threads=options.threads)
                    yield ((split.task.name, method, place, seed),
                           lambda training=training: fathom_run(training, program))


def selection_mean(curve, method, layers):
    return scores.mean([curve[n] for n in scores.selection_depths(method, layers)])


def add_task(report, split, groups, layers):
    made = []
    for method in METHODS:
        found = {place: groups[split.task.name, method, place] for place in PLACES
                 if (split.task.name, method, place) in groups}
        if not found:
            continue
        title = f"{split.task.name}, {method} ({split.task.metric})"
        named = {place: scores.over_seeds(its) for place, its in found.items()}
        means = {place: [selection_mean(curve, method, layers) for curve in its]
                 for place, its in found.items()}
        report.heading(title)
        table = curves.rows(named, range(layers + 1))
        for row, place in zip(table, named):
            kept = means[place]
            apart = [a - b for a, b in zip(kept, means.get("everywhere", []))]
            row += [points(scores.mean(kept), scores.deviation(kept)),
                    points(scores.mean(apart), scores.deviation(apart)) if apart else "–"]
        report.table(["dropout", *(f"n = {n}" for n in range(layers + 1)), "mean chosen by",
                      "less everywhere, by seed"], table)
        report.data.setdefault("scores", {})[title] = {"curves": named, "chosen_by": means}
        made.append(curves.panel(title, named, layers, glue.majority_baseline(split)))
    return made


def main():
    options = parse()
    experiment = command.Experiment("dropout", "Where the encoder drops out in training", options)
    report = experiment.report
    splits = experiment.splits()
    results = experiment.run_all(list(wanted(experiment, splits)))
    experiment.training_facts()
    report.fact("branch: off in the embeddings, the layers below n and layer n up to its FFN "
                "output, on above and in the head. everywhere: the reference's way; no cache "
                "of states is possible. off: only the head drops out. \"mean chosen by\": over "
                "n = 0, L/4, L/2, 3L/4 for robust, n = 0 for standard. The paper trained with "
                "dropout everywhere.")
    groups = curves.grouped(results, 3)
    panels = [panel for split in splits for panel in add_task(report, split, groups,
                                                              experiment.layers)]
    report.plot("dropout", panels)
    report.runs(results)
    report.write()


if __name__ == "__main__":
    main()
