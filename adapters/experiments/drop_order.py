#!/usr/bin/env python3
"""Why adapters are dropped from the bottom: the first n, the last n, and n random ones left out in
training, at n = 3, 5, 8 of 12 layers (1, 3, 4 of 6): step time, memory, score.

    drop_order.py --encoder MINILM --glue DIR --tasks SST-2,STS-B

Left out at the bottom, the layers below need no gradients. Left out anywhere else, they save only
their own arithmetic.
"""

from lib import environment

environment.use_own()

from dataclasses import replace

from lib import command, glue, scores
from lib.tables import number, points
from lib.training import Training, fathom_run

DEPTHS = {12: (3, 5, 8), 6: (1, 3, 4)}
ORDERS = {"first": "specialized", "last": "last", "random": "random"}


def parse():
    parser = command.parser(__doc__, "MiniLM")
    command.add_training(parser, "SST-2,STS-B", epochs=4, learning_rate=5e-4)
    parser.add_argument("--depths", type=command.whole_numbers, help="default: see above")
    return parser.parse_args()


def wanted(experiment, splits, depths):
    """Labels are (task, order, n, seed); n = 0 is the standard adapter, once."""
    options, program = experiment.options, experiment.trainer()
    cases = [("none", "standard", None)]
    cases += [(order, method, n) for n in depths for order, method in ORDERS.items()]
    for seed in options.seeds:
        for split in splits:
            for order, method, n in cases:
                # Without the cache of states: it would serve "first" only.
                training = Training(options.encoder, split, method, skip_layers=n,
                                    epochs=options.epochs, learning_rate=options.learning_rate,
                                    batch_size=options.batch_size, seed=seed, state_cache="off",
                                    threads=options.threads, timed=True)
                yield ((split.task.name, order, n or 0, seed),
                       lambda training=training: make(training, program))


def make(training, program):
    """Builds without a cache of states need not be told to leave it off."""
    if "--state-cache" not in program.flags:
        training = replace(training, state_cache="auto")
    return fathom_run(training, program)


def step_ms(result):
    """Mean over all steps but the first."""
    entries = [ms for ms in result["step_ms"].values()]
    return scores.mean(entries)


def trained_score(result):
    """What the trainer chose the weights by."""
    return result["selected"]["score"]


def add_task(report, split, results):
    groups = {}
    for (task, order, n, _), result in results.items():
        if task == split.task.name:
            groups.setdefault((n, order), []).append(result)
    base = groups.get((0, "none"))
    rows = []
    for (n, order), found in sorted(groups.items()):
        kept = [trained_score(result) for result in found]
        ms = scores.median([step_ms(result) for result in found])
        peak = max(result["peak_mib"] for result in found)
        gain = scores.median([step_ms(result) for result in base]) / ms if base else None
        rows.append([str(n), order, points(scores.mean(kept), scores.deviation(kept)),
                     number(ms, 1), number(gain), f"{peak} MiB"])
    report.heading(f"{split.task.name} ({split.task.metric})")
    report.table(["n", "left out", "dev score", "step, ms", "speed against n = 0", "peak memory"],
                 rows)
    report.text(f"A constant answer scores {100 * glue.majority_baseline(split):.1f}.")
    report.data.setdefault("tasks", {})[split.task.name] = rows
    return panels(split, groups)


def panels(split, groups):
    from lib.plots import Line, Panel
    lines, times = [], []
    for order in ORDERS:
        picked = {n: found for (n, its), found in groups.items() if its == order}
        lines.append(Line(order, {n: 100 * scores.mean([trained_score(r) for r in found])
                                  for n, found in picked.items()}))
        times.append(Line(order, {n: scores.median([step_ms(r) for r in found])
                                  for n, found in picked.items()}))
    return [Panel(f"{split.task.name} ({split.task.metric})", lines, "adapters left out",
                  "dev score (points)"),
            Panel(f"{split.task.name}: step", times, "adapters left out", "ms", from_zero=True)]


def main():
    options = parse()
    experiment = command.Experiment("drop_order", "Which adapters to leave out", options)
    report = experiment.report
    depths = options.depths or DEPTHS.get(experiment.layers)
    if not depths:
        raise SystemExit(f"--depths is needed: the encoder has {experiment.layers} layers")
    splits = experiment.splits()
    results = experiment.run_all(list(wanted(experiment, splits, depths)))
    experiment.training_facts()
    report.fact("Encoder dropout: branch. No cache of states. A step's time is the mean over the "
                "run. \"first\" and \"last\" have no adapters in those layers, in training and in "
                "dev; \"random\" draws n layers at each step, and dev sees it with all adapters. "
                "The paper drops from the bottom and names only the reason; it has no such table.")
    drawn = [panel for split in splits for panel in add_task(report, split, results)]
    report.plot("drop_order", drawn)
    report.runs(results)
    report.write()


if __name__ == "__main__":
    main()
