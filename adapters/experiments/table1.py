#!/usr/bin/env python3
"""Table 1 by the clock: adapters against full fine-tuning, training and inference, at sequence
lengths and batch sizes of the paper. Full fine-tuning runs the same kernels.

    table1.py --encoder BERT_BASE --glue DIR --sizes 128/16,128/32,512/16
"""

from lib import environment

environment.use_own()

import random

from lib import command, glue, machine, paper, scores, timing
from lib.bench import bench_run
from lib.tables import number
from lib.timing import Case
from lib.training import Training

CASES = (Case("full", "full"), Case("pfeiffer", "standard"),
         Case("houlsby", "standard", architecture="houlsby"))
DEV_ROWS = 2


def parse():
    parser = command.parser(__doc__, "BERT-base")
    parser.add_argument("--glue", required=True, type=command.Path)
    parser.add_argument("--sizes", type=command.words, default=["128/16", "128/32", "512/16"],
                        help="tokens/texts (default: 128/16,128/32,512/16)")
    parser.add_argument("--steps", type=int, default=4, help="of a training, the first not timed")
    parser.add_argument("--rounds", type=int, default=2, help="all cases in turn (default: 2)")
    return parser.parse_args()


def long_texts(source, tokens, rows, folder):
    """A file of texts that are all cut at `tokens`: sentences of the source one after another, with
    labels 0 and 1 in turn. Its scores mean nothing."""
    sentences = [row["sentence"] for row in glue.read_rows(source)]
    draw = random.Random(1)
    lines = ["sentence\tlabel"]
    for index in range(rows):
        words = []
        while len(words) <= tokens:
            words += draw.choice(sentences).split()
        lines.append(f"{' '.join(words)}\t{index % 2}")
    file = folder / f"long-{tokens}-{rows}.tsv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def make_split(experiment, tokens, rows):
    source = experiment.options.glue / "SST-2" / "train.tsv"
    if not source.is_file():
        raise SystemExit(f"--glue {experiment.options.glue} has no SST-2/train.tsv")
    folder = experiment.cache.root / "data"
    task = glue.Task(f"texts of {tokens} tokens", "accuracy", "sentences of SST-2 joined")
    return glue.Split(task, long_texts(source, tokens, rows, folder),
                      long_texts(source, tokens, DEV_ROWS, folder), rows, DEV_ROWS, rows, DEV_ROWS)


def wanted(experiment):
    """Labels are (size, case, round)."""
    options, program = experiment.options, experiment.trainer()
    for turn in range(1, options.rounds + 1):
        for size in options.sizes:
            tokens, batch = map(int, size.split("/"))
            split = make_split(experiment, tokens, batch * options.steps)
            for case in CASES:
                training = Training(options.encoder, split, epochs=1, seed=turn, batch_size=batch,
                                    max_tokens=tokens, threads=options.threads, timed=True)
                yield (size, case.key, turn), timing.maker(case, training, program)


def step_ms(results, size, key):
    found = [result["mean_step_ms"] for label, result in results.items()
             if label[:2] == (size, key)]
    return scores.median(found) if found else None


def add_training(report, results, sizes):
    report.heading("Training: speed against full fine-tuning")
    rows = []
    for size in sizes:
        full = step_ms(results, size, "full")
        row = [size, number(full, 0)]
        for key in ("pfeiffer", "houlsby"):
            ms = step_ms(results, size, key)
            shown = paper.TABLE1["training"][key].get(size)
            row += [number(ms, 0), number(full / ms if full and ms else None), number(shown)]
        rows.append(row)
    report.table(["tokens/texts", "full, ms a step", "Pfeiffer, ms", "speed", "the paper",
                  "Houlsby, ms", "speed", "the paper"], rows)
    report.data["training"] = rows


def add_inference(report, results):
    lone = results.get("inference")
    if not lone:
        return
    ms = {(case["parameters"]["tokens"], case["parameters"]["skip_layers"]): case["ms_median"]
          for case in lone["cases"]}
    report.heading("Inference: one text, with all adapters against one alone")
    rows = []
    for tokens in sorted({tokens for tokens, _ in ms}):
        depths = sorted(n for its, n in ms if its == tokens)
        whole, bare = ms[tokens, depths[0]], ms[tokens, depths[-1]]
        rows.append([str(tokens), number(bare), number(whole), number(bare / whole),
                     number(paper.TABLE1["inference"]["pfeiffer"]["128/16"])])
    report.table(["tokens", "ms, adapter in the last layer only", "ms, in every layer", "speed",
                  "the paper (128/16)"], rows)
    report.text("A fully fine-tuned model has no adapters; beside it stands the same encoder "
                "with one adapter in the last layer, which works on one row.")
    report.data["inference"] = rows


def main():
    options = parse()
    experiment = command.Experiment("table1", "Table 1: adapters against full fine-tuning", options)
    report = experiment.report
    runs = list(wanted(experiment))
    program = experiment.bench()
    runs.append(("inference", lambda: bench_run(program, "lone", options.encoder, rounds=20,
                                                threads=options.threads)))
    results = experiment.run_all(runs)
    report.fact("Texts that are all cut at the given length (SST-2 sentences joined); "
                f"{options.rounds} rounds of all cases in turn, {options.steps} steps each, the "
                "first not timed; mean step, median of rounds. fp32, standard adapters (n = "
                "0), reduction 16, no cache of states, encoder dropout: branch.")
    report.fact(f"{paper.SPEED_SETTING} Its Table 1 is known second-hand.")
    report.text(machine.load_warning(report.machine))
    add_training(report, results, options.sizes)
    add_inference(report, results)
    report.runs({label: result for label, result in results.items() if label != "inference"})
    report.write()


if __name__ == "__main__":
    main()
