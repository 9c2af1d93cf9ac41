#!/usr/bin/env python3
"""Table 2 by the clock: T tasks on one text at every n, beside the paper's law and this engine's.

    multi_task.py --encoder BERT_BASE
"""

from lib import environment

environment.use_own()

from lib import command, machine, paper
from lib.bench import bench_run
from lib.tables import number

TASKS = (2, 4, 8, 16)


def parse():
    parser = command.parser(__doc__, "BERT-base")
    parser.add_argument("--tokens", type=int, default=32, help="of the text (default: 32)")
    parser.add_argument("--rounds", type=int, default=20, help="timed passes a case (default: 20)")
    parser.add_argument("--tasks", type=command.whole_numbers, default=list(TASKS))
    return parser.parse_args()


def law(n, tasks, layers):
    """Layer units of the paper's way: every layer whole."""
    return (n + 1) + tasks * (layers - 1 - n)


def engine_law(n, tasks, layers, last):
    """Layer units of this engine: the last layer computes [CLS] only, `last` of a layer."""
    if n == layers - 1:
        return (layers - 1) + last
    return (n + 1) + tasks * (layers - 2 - n) + tasks * last


def slope(curve, upto):
    """Share of the time at n = 0 that each shared layer saves: least squares over n = 0 … upto."""
    depths = range(upto + 1)
    relative = [curve[n] / curve[0] for n in depths]
    middle_n, middle = sum(depths) / len(depths), sum(relative) / len(depths)
    above = sum((n - middle_n) * (value - middle) for n, value in zip(depths, relative))
    return -above / sum((n - middle_n) ** 2 for n in depths)


def main():
    options = parse()
    experiment = command.Experiment("multi_task", "Table 2: many tasks on one text", options)
    report, layers = experiment.report, experiment.layers
    program = experiment.bench()
    results = experiment.run_all([
        (f"{tasks} tasks", lambda tasks=tasks: bench_run(
            program, "fanout", options.encoder, tasks=tasks, tokens=options.tokens,
            rounds=options.rounds, threads=options.threads)) for tasks in options.tasks])
    curves = {tasks: {case["parameters"]["skip_layers"]: case["ms_median"]
                      for case in results[f"{tasks} tasks"]["cases"]}
              for tasks in options.tasks if f"{tasks} tasks" in results}
    heads = experiment.encoder_config["num_attention_heads"]
    last = 1 / options.tokens + heads / (6 * experiment.encoder_config["hidden_size"])
    report.fact(f"One cold text of {options.tokens} tokens, fp32, random Pfeiffer adapters of "
                f"width 48, caches off, median of {options.rounds} passes; cases alternate. Taken "
                "from the clock; the laws stand beside it.")
    report.fact(paper.SPEED_SETTING)
    report.text(machine.load_warning(report.machine))
    add_saving(report, curves, layers)
    for tasks, curve in curves.items():
        report.heading(f"T = {tasks}")
        whole, engine = law(0, tasks, layers), engine_law(0, tasks, layers, last)
        report.table(["n", "ms", "throughput against n = 0", "the paper's law",
                      "this engine's law"],
                     [[str(n), number(ms), number(curve[0] / ms),
                       number(whole / law(n, tasks, layers)),
                       number(engine / engine_law(n, tasks, layers, last))]
                      for n, ms in sorted(curve.items())])
    report.text(f"The paper's law: (n+1) + T·({layers - 1}−n) layers. This engine's last layer "
                f"computes one row and costs {last:.3f} of a layer: (n+1) + T·({layers - 2}−n) + "
                f"T·{last:.3f}, and {layers - 1} + {last:.3f} at n = {layers - 1}.")
    report.data["ms"] = curves
    report.plot("multi_task", panels(curves, layers, last))
    report.write()


def add_saving(report, curves, layers):
    report.heading("Time saved by each shared layer")
    report.table(["tasks", "measured", "the law of whole layers", "the paper"],
                 [[str(tasks), f"{100 * slope(curve, layers - 2):.1f} %",
                   f"{100 * (tasks - 1) / law(0, tasks, layers):.1f} %",
                   f"{100 * paper.TABLE2[tasks]:.1f} % (12 layers)" if tasks in paper.TABLE2
                   else "–"] for tasks, curve in curves.items()])
    report.text(f"Measured: slope over n = 0 … {layers - 2}, of the time at n = 0. It is more "
                "than the paper's where the last layer is nearly free: what is shared is a "
                "larger part of the rest.")


def panels(curves, layers, last):
    from lib.plots import Line, Panel
    return [Panel(f"{tasks} tasks on one text",
                  [Line("measured", {n: curve[0] / ms for n, ms in curve.items()}),
                   Line("the paper's law", {n: law(0, tasks, layers) / law(n, tasks, layers)
                                            for n in curve}, style="--", marker=""),
                   Line("this engine's law",
                        {n: engine_law(0, tasks, layers, last) / engine_law(n, tasks, layers, last)
                         for n in curve}, style=":", marker="")],
                  y_label="throughput against n = 0", from_zero=True)
            for tasks, curve in curves.items()]


if __name__ == "__main__":
    main()
