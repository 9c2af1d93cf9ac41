#!/usr/bin/env python3
"""Training step times on the clock: at every n for robust, standard and full fine-tuning, with the
cache of trunk states on and off, in fp32 and bf16; and the time of an epoch beside the `adapters`
library, which pads each batch to its longest text.

    step_times.py --encoder BERT_BASE --glue DIR --tasks MRPC,RTE [--peer]

Each case trains on --steps steps of a seeded subset. The time of an epoch is time a step × steps,
every n counted equally. The pass that fills the cache is counted.
"""

from lib import environment

environment.use_own()

from lib import command, machine, paper, timing
from lib.tables import duration, number
from lib.timing import Case
from lib.training import Training

DEV_ROWS = 32  # a step's time holds no evaluation; the profile at the end is not timed


def parse():
    parser = command.parser(__doc__, "BERT-base")
    command.add_training(parser, "MRPC,RTE", epochs=10)
    parser.add_argument("--steps", type=int, help="of each case (default: 5 × layers)")
    parser.add_argument("--rounds", type=int, default=2, help="all cases in turn (default: 2)")
    parser.add_argument("--state-cache-gib", type=float, default=8.0,
                        help="memory for the states of the whole file (default: 8)")
    parser.add_argument("--peer", action="store_true", help="time the `adapters` library too")
    parser.add_argument("--no-full", action="store_true", help="leave full fine-tuning out")
    parser.add_argument("--no-bf16", action="store_true", help="leave the bf16 cases out")
    return parser.parse_args()


def cases(options, bf16):
    made = [Case("standard", "standard"), Case("robust, no cache"),
            Case("robust, cache", cached=True)]
    if bf16:
        made += [Case("standard, bf16", "standard", precision="bf16"),
                 Case("robust, no cache, bf16", precision="bf16"),
                 Case("robust, cache, bf16", precision="bf16", cached=True)]
    if not options.no_full:
        made.append(Case("full fine-tuning", "full"))
    if options.peer:
        made.append(Case("adapters 1.3.0, robust", peer=True))
    return made


def scaled_budget(options, split):
    """The subset may keep as large a part of its states as the whole file could."""
    share = split.train_rows / split.train_rows_of
    return str(int(options.state_cache_gib * 2**30 * share))


def wanted(experiment, splits, all_cases):
    """Labels are (task, case, round). A round is a seed: all cases in turn, and again."""
    options, program = experiment.options, experiment.trainer()
    for turn in range(1, options.rounds + 1):
        for split in splits:
            for case in all_cases:
                training = Training(options.encoder, split, epochs=1, seed=turn,
                                    learning_rate=options.learning_rate,
                                    batch_size=options.batch_size, threads=options.threads,
                                    state_cache=scaled_budget(options, split), timed=True)
                yield (split.task.name, case.key, turn), timing.maker(case, training, program)


def by_case(results, task):
    groups = {}
    for (its_task, key, _), result in results.items():
        if its_task == task:
            groups.setdefault(key, []).append(result)
    return groups


def add_steps(report, split, groups, layers):
    report.heading(f"{split.task.name}: ms a step of {report.batch_size} texts, at n")
    rows = []
    for key, found in groups.items():
        curve = timing.step_ms(found)
        rows.append([key, *(number(curve.get(n), 0) for n in range(layers))])
    report.table(["", *map(str, range(layers))], rows)
    report.data.setdefault("step_ms", {})[split.task.name] = {
        key: timing.step_ms(found) for key, found in groups.items()}


def add_epochs(report, split, groups, layers, epochs):
    """Epochs of the whole training file."""
    steps = -(-split.train_rows_of // report.batch_size)
    standard = timing.uniform_step_ms(groups["standard"], 1) if "standard" in groups else None
    peer = groups.get("adapters 1.3.0, robust")
    peer_epoch = timing.uniform_step_ms(peer, layers) * steps / 1000 if peer else None
    report.heading(f"{split.task.name}: an epoch of {steps} steps ({split.train_rows_of} texts)")
    rows, data = [], {}
    for key, found in groups.items():
        ms = timing.uniform_step_ms(found, layers if "robust" in key else 1)
        fill = (timing.fill_seconds_a_text(found) * split.train_rows_of if "robust, cache" in key
                else 0.0)
        epoch = ms * steps / 1000
        whole = epochs * epoch + fill
        rows.append([key, duration(epoch), duration(fill) if fill else "–", duration(whole),
                     f"{standard / ms:.2f} ×" if standard else "–",
                     f"{peer_epoch / epoch:.2f} ×" if peer_epoch else "–",
                     f"{epochs * peer_epoch / whole:.2f} ×" if peer_epoch else "–",
                     number(found[0].get("trunk_layers_a_step")),
                     f"{max(r['peak_mib'] for r in found)} MiB"])
        data[key] = {"epoch_seconds": epoch, "fill_seconds": fill, "all_epochs_seconds": whole}
    report.table(["", "an epoch", "filling the cache, once", f"{epochs} epochs with it",
                  "speed against our standard step", "epoch against `adapters`",
                  f"{epochs} epochs against `adapters`", "trunk layers a step", "peak memory"],
                 rows)
    report.data.setdefault("epochs", {})[split.task.name] = data


def main():
    options = parse()
    experiment = command.Experiment("step_times", "Training step times", options)
    report, layers = experiment.report, experiment.layers
    report.batch_size = options.batch_size
    steps = options.steps or 5 * layers
    splits = [experiment.split(task, steps * options.batch_size, DEV_ROWS)
              for task in options.tasks]
    bf16 = machine.has_bf16(report.machine) and not options.no_bf16
    all_cases = cases(options, bf16)
    results = experiment.run_all(list(wanted(experiment, splits, all_cases)))
    report.fact(f"Measured: {options.rounds} rounds of all cases in turn, each {steps} steps of "
                f"{options.batch_size} texts on the subset above; the median step at each n. "
                "**The time of an epoch is extrapolated**: mean over n = 0 … L−1 of the step, "
                "× the steps of the whole file. An n that the draws left out (–) is interpolated, or "
                "follows the mean slope below the lowest. Dev evaluations are not in it.")
    report.fact("Pfeiffer adapters, reduction 16, encoder dropout: branch (adapters 1.3.0: "
                "everywhere), at most 128 tokens. Filling the cache is measured on the subset "
                "and counted a text.")
    report.fact(f"{paper.SPEED_SETTING} There a robust step is {paper.ROBUST_STEP_SPEEDUP:.2f} × "
                "as fast as a standard one.")
    report.fact(f"Cache of states: fp32, {options.state_cache_gib:g} GiB for the whole file; the "
                "subset gets its share of that, so that it keeps the same depths.")
    report.text(machine.load_warning(report.machine))
    panels = []
    for split in splits:
        groups = by_case(results, split.task.name)
        if groups:
            add_steps(report, split, groups, layers)
            add_epochs(report, split, groups, layers, options.epochs)
            panels.append(panel(split, groups))
    report.plot("step_times", panels)
    report.runs(results)
    report.write()


def panel(split, groups):
    from lib.plots import Line, Panel
    return Panel(f"{split.task.name}: one step", [Line(key, timing.step_ms(found))
                                                  for key, found in groups.items()],
                 y_label="ms", from_zero=True)


if __name__ == "__main__":
    main()
