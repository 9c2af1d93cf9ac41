#!/usr/bin/env python3
"""One adapter shared by all layers at reduction 1.33, 4 and 16, beside one a layer at 16: scores,
parameters, file sizes.

    sharing.py --encoder MINILM --glue DIR --tasks SST-2,STS-B
"""

from lib import environment

environment.use_own()

from lib import command, glue, paper, scores
from lib.tables import points
from lib.training import Training, fathom_run

RATES = (1.33, 4.0, 16.0)


def parse():
    parser = command.parser(__doc__, "MiniLM")
    command.add_training(parser, "SST-2,STS-B", epochs=4, learning_rate=5e-4)
    return parser.parse_args()


def wanted(experiment, splits):
    """Labels are (task, kind, seed); kind is "standard" or the rate of the shared one."""
    options, program = experiment.options, experiment.trainer()
    for seed in options.seeds:
        for split in splits:
            for kind in ("standard", *RATES):
                shared = kind != "standard"
                training = Training(options.encoder, split, "standard", epochs=options.epochs,
                                    learning_rate=options.learning_rate, seed=seed,
                                    batch_size=options.batch_size, threads=options.threads,
                                    reduction_factor=kind if shared else None,
                                    share_across_layers=shared)
                yield ((split.task.name, kind, seed),
                       lambda training=training: fathom_run(training, program))


def parameters(config, kind):
    """Weights of the adapter without biases, as the paper counts."""
    hidden, rate = config["hidden_size"], 16.0 if kind == "standard" else kind
    one = 2 * hidden * max(1, int(hidden / rate))
    return one * config["num_hidden_layers"] if kind == "standard" else one


def label(kind):
    return "one a layer, 16" if kind == "standard" else f"shared, {kind:g}"


def paper_cell(task, kind):
    found = paper.SHARING.get(task, {}).get(kind)
    return "–" if found is None else f"{found[0]} ± {found[1]}"


def main():
    options = parse()
    experiment = command.Experiment("sharing", "One adapter shared by all layers", options)
    report = experiment.report
    splits = experiment.splits()
    results = experiment.run_all(list(wanted(experiment, splits)))
    experiment.training_facts()
    report.fact("All standard (n = 0), encoder dropout: branch. Parameters are weights without "
                "biases, as the paper counts them. The file of a shared adapter holds a copy "
                "for each layer, so that the `adapters` library opens it; the server holds one "
                "in memory. A shared adapter has as many parameters as one a layer at 16 if "
                f"its rate is 16 / layers: 1.33 for 12, {16 / experiment.layers:.2f} here.")
    report.fact(f"{paper.SETTING} Its file sizes are not given.")
    kinds = [kind for kind in ("standard", *RATES) if any(key[1] == kind for key in results)]
    rows = []
    for kind in kinds:
        row = [label(kind), f"{parameters(experiment.encoder_config, kind) / 1000:.0f}k",
               f"{paper.SHARING_PARAMETERS[kind] / 1000:.0f}k"]
        sizes = []
        for split in splits:
            found = [result for (task, its, _), result in results.items()
                     if (task, its) == (split.task.name, kind)]
            sizes += [result["weights_bytes"] for result in found if result["weights_bytes"]]
            kept = [result["curve"]["0"] for result in found]
            row += [points(scores.mean(kept), scores.deviation(kept)) if kept else "–",
                    paper_cell(split.task.name, kind)]
        rows.append([*row, f"{max(sizes) / 1000:.0f} kB" if sizes else "–"])
    header = ["adapter, reduction factor", "parameters", "the paper's"]
    for split in splits:
        header += [f"{split.task.name} ({split.task.metric})", "the paper"]
    report.heading("Scores at n = 0")
    report.table([*header, "adapter.safetensors"], rows)
    report.text("A constant answer scores " + ", ".join(
        f"{100 * glue.majority_baseline(split):.1f} on {split.task.name}"
        for split in splits) + ".")
    report.data["table"] = {"header": header, "rows": rows}
    report.plot("sharing", panels(splits, results, kinds))
    report.runs(results)
    report.write()


def panels(splits, results, kinds):
    from lib.plots import Line, Panel
    lines = []
    for split in splits:
        found = {kind: [result["curve"]["0"] for (task, its, _), result in results.items()
                        if (task, its) == (split.task.name, kind)] for kind in kinds}
        shared = {float(kind): 100 * scores.mean(kept) for kind, kept in found.items()
                  if kept and kind != "standard"}
        lines.append(Line(f"{split.task.name}, shared", shared))
        if found.get("standard"):
            level = 100 * scores.mean(found["standard"])
            lines.append(Line(f"{split.task.name}, one a layer (16)", dict.fromkeys(shared, level),
                              style="--", marker=""))
    return [Panel("one adapter shared by all layers", lines, "reduction factor",
                  "dev score (points)", whole_x=False)]


if __name__ == "__main__":
    main()
