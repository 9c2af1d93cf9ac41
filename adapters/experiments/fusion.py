#!/usr/bin/env python3
"""Table 3, Figure 4 and Figure 5: what fusions of 2, 8 and 16 adapters cost, standard and robust
fusion over n beside a single adapter, and fusions pruned to 8 … 1 adapters a layer.

    fusion.py --encoder MINILM --glue DIR --tasks SST-2,STS-B,… --adapters DIR,DIR --targets RTE

Members are standard adapters of --tasks, trained here, and the folders of --adapters.
"""

from lib import environment

environment.use_own()

from dataclasses import replace

from lib import command, curves, fusion_speed, fusions, glue, machine, paper, scores
from lib.tables import number, points
from lib.training import Training, curve_of, fathom_run, fuse_run

PARTS = ("table3", "figure4", "figure5")
STARTERS = ("sms-spam", "topic", "review-or-plot")
STARTER_FOLDER = environment.HERE.parent / "starter"


def parse():
    parser = command.parser(__doc__, "MiniLM")
    command.add_training(parser, "CoLA,MRPC,RTE,SST-2,STS-B", epochs=4, seeds="1",
                         learning_rate=5e-4)
    parser.add_argument("--adapters", type=command.words,
                        default=[str(STARTER_FOLDER / name) for name in STARTERS],
                        help="folders of more members, of this encoder (default: three of "
                             "adapters/starter; none: '')")
    parser.add_argument("--targets", type=command.words, default=["SST-2", "STS-B"])
    parser.add_argument("--fusion-learning-rate", type=float, default=5e-5)
    parser.add_argument("--fusion-epochs", type=int, help="default: --epochs")
    parser.add_argument("--parts", type=command.some_of(PARTS), default=list(PARTS))
    parser.add_argument("--texts", type=int, default=16, help="of the batch in Table 3")
    parser.add_argument("--tokens", type=int, default=32, help="of a text in Table 3")
    parser.add_argument("--steps", type=int, default=8, help="of a training in Table 3")
    return parser.parse_args()


def member_training(experiment, split, seed):
    options = experiment.options
    return Training(options.encoder, split, "standard", epochs=options.epochs, seed=seed,
                    learning_rate=options.learning_rate, batch_size=options.batch_size,
                    threads=options.threads)


def train_members(experiment, splits, program, seed):
    """(label -> result of the members, name of a member -> its folder)."""
    runs = {split.task.name: fathom_run(member_training(experiment, split, seed), program)
            for split in splits}
    results = experiment.run_all([((task, "single", seed), lambda run=run: run)
                                  for task, run in runs.items()])
    folders = {f"{run.name}-{run.digest()}": experiment.cache.folder(run) / "task"
               for task, run in runs.items() if (task, "single", seed) in results}
    folders |= {command.Path(folder).name: command.Path(folder).resolve()
                for folder in experiment.options.adapters}
    return results, folders


def fusion_run(experiment, split, method, seed, members, program):
    options = experiment.options
    training = replace(member_training(experiment, split, seed), method=method,
                       learning_rate=options.fusion_learning_rate,
                       epochs=options.fusion_epochs or options.epochs,
                       adapter_name="")
    return fuse_run(training, program, members)


def figure4(experiment, splits, program):
    """Labels are (task, kind, seed); kind is single, standard or robust."""
    options = experiment.options
    targets = [split for split in splits if split.task.name in options.targets]
    results = {}
    for seed in options.seeds:
        singles, members = train_members(experiment, splits, program, seed)
        results |= singles
        results |= experiment.run_all([
            ((split.task.name, method, seed),
             lambda split=split, method=method: fusion_run(experiment, split, method, seed, members,
                                                           program))
            for split in targets for method in ("standard", "robust")])
    return targets, results


def add_figure4(experiment, targets, results):
    report, layers = experiment.report, experiment.layers
    panels = []
    for split in targets:
        task = split.task.name
        named = {}
        for kind in ("single", "standard", "robust"):
            found = [curve_of(result) for (its, k, _), result in results.items()
                     if (its, k) == (task, kind)]
            if found:
                named["single adapter" if kind == "single" else f"{kind} fusion"] = \
                    scores.over_seeds(found)
        report.heading(f"Figure 4: {task} ({split.task.metric})")
        table = curves.rows(named, range(layers + 1))
        shown = paper.FIGURE4.get(task) if layers == 12 else None
        for method in ("standard", "robust") if shown else ():
            table.append([f"{method} fusion, the paper", *map(str, shown[method]), "–"])
        report.table(["points", *(f"n = {n}" for n in range(layers + 1))], table)
        baseline = glue.majority_baseline(split)
        report.text(f"A constant answer scores {100 * baseline:.1f}. The single adapter's line in "
                    "the paper is its score at n = 0"
                    + (f": {shown['single']}." if shown else "; it has RTE and CoLA only."))
        report.data.setdefault("figure4", {})[task] = named
        single = named.get("single adapter", {}).get(0)
        fused = {name: curve for name, curve in named.items() if name != "single adapter"}
        panel = curves.panel(f"{task} ({split.task.metric})", fused, layers, baseline)
        if single:
            panel.horizontal["single adapter, n = 0"] = 100 * single[0]
        panels.append(panel)
    report.plot("figure4", panels)


def figure5(experiment, targets, program):
    """Task -> members kept -> points of the profile; the whole fusion is the largest."""
    options = experiment.options
    found = {}
    seed = options.seeds[0]
    for split in targets:
        _, members = train_members(experiment, experiment.all_splits, program, seed)
        whole = experiment.made("fusion", lambda: fusion_run(experiment, split, "standard", seed,
                                                             members, program))
        if whole is None or experiment.cache.finished(whole) is None:
            continue
        folder = experiment.cache.folder(whole)
        for keep in range(len(members), 0, -1):
            label = f"{split.task.name}, kept {keep} of {len(members)}"
            pruned = experiment.made(label, lambda: fusions.prune_run(
                whole, folder, keep, split, options.encoder, program))
            if pruned is None or not experiment.run_all([(label, lambda: pruned)]):
                continue
            profiled = experiment.run_all([(f"{label}, profile", lambda: fusions.profile_run(
                pruned, experiment.cache.folder(pruned), split, options.encoder, program,
                options.threads))])
            for result in profiled.values():
                found.setdefault(split.task.name, {})[keep] = result["points"]
    return found


def add_figure5(experiment, targets, found):
    report = experiment.report
    panels = []
    for split in targets:
        kept = found.get(split.task.name)
        if not kept:
            continue
        most = max(kept)
        report.heading(f"Figure 5: {split.task.name}, pruned")
        whole_ms = kept[most][0].get("ms_one_task")
        rows = []
        for keep, profile in sorted(kept.items(), reverse=True):
            ms = profile[0].get("ms_one_task")
            rows.append([str(keep), points(profile[0]["score"]), number(ms),
                         number(whole_ms / ms if ms and whole_ms else None)])
        report.table(["adapters kept a layer", f"{split.task.metric} at n = 0", "ms a text",
                      "speed against all"], rows)
        report.text(f"The paper: 2 of 8 keep the score, at {paper.PRUNED_TO_2_SPEEDUP} × the "
                    "speed of all 8, which it runs one by one; here all run as one product, so "
                    "that less is left to win.")
        report.data.setdefault("figure5", {})[split.task.name] = rows
        panels.append(pruning_panel(split, kept))
    report.plot("figure5", panels)


def pruning_panel(split, kept):
    from lib.plots import Line, Panel
    return Panel(f"{split.task.name}: pruned", [Line("score", {
        keep: 100 * profile[0]["score"] for keep, profile in kept.items()})],
        "adapters kept a layer", f"{split.task.metric} (points)")


def main():
    options = parse()
    experiment = command.Experiment("fusion", "Fusions: cost, depth, pruning", options)
    report, program = experiment.report, experiment.trainer()
    experiment.all_splits = splits = experiment.splits()
    all_results = {}
    if "table3" in options.parts:
        all_results |= fusion_speed.table3(experiment, program)
        report.text(machine.load_warning(report.machine))
    if "figure4" in options.parts or "figure5" in options.parts:
        targets, results = figure4(experiment, splits, program)
        all_results |= results
        experiment.training_facts()
        report.fact(f"Fusions of {len(options.tasks) + len(options.adapters)}: standard adapters "
                    f"of {', '.join(options.tasks)} trained here"
                    + (f", and {', '.join(command.Path(a).name for a in options.adapters)}"
                       if options.adapters else "")
                    + f". Fusions trained at learning rate {options.fusion_learning_rate:g}, "
                    f"{options.fusion_epochs or options.epochs} epochs. Encoder dropout: branch.")
        report.fact(f"{paper.SETTING} There eight GLUE adapters are fused.")
        add_figure4(experiment, targets, results)
        if "figure5" in options.parts:
            add_figure5(experiment, targets, figure5(experiment, targets, program))
    report.runs(all_results)
    report.write()


if __name__ == "__main__":
    main()
