#!/usr/bin/env python3
"""The complaint that adapters are "too slow and replace the transformers package": one task trained
and served in the `adapters` library and in Fathom, timed side by side; a stock `transformers` is
compared with its package's list of files before and after.

    too_slow.py --encoder MINILM --glue DIR --tasks SST-2 --rows 4000 --epochs 4
"""

from lib import environment

environment.use_own()

import json
import subprocess

from lib import command, fusions, logs, machine
from lib.runs import Run
from lib.tables import duration, number, points
from lib.training import Training, adapters_run, curve_of, fathom_run

PEER = environment.HERE / "peer"
ROUNDS = 30


def parse():
    parser = command.parser(__doc__, "MiniLM")
    command.add_training(parser, "SST-2", epochs=4, seeds="1", learning_rate=5e-4)
    return parser.parse_args()


def check_transformers():
    done = subprocess.run([str(environment.peer_python()), str(PEER / "check_transformers.py")],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def serve_run(training, task, task_folder, options):
    """Answers of the library, from the folder that Fathom wrote."""
    python = environment.peer_python()

    def serve(folder):
        script = 'exec "$@" > "$0/answers.json"'  # bash: $0 is the run's folder
        return ["bash", "-c", script, str(folder), str(python), str(PEER / "serve_adapters.py"),
                str(options.encoder), str(task_folder / "task"), str(training.split.dev),
                str(options.threads), str(ROUNDS)]

    return Run(f"serve-adapters-{training.split.task.name}",
               {"program": "adapters 1.3.0, serving", "of": task.settings,
                "threads": options.threads}, serve,
               lambda folder: json.loads((folder / "answers.json").read_text()),
               {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"})


def add_training(report, split, ours, theirs, entries):
    report.heading(f"Training {split.task.name}, robust")
    target = min(max(e["score"] for e in logs.evaluations(its)) for its in entries.values())
    rows = []
    for name, result in (("`adapters` 1.3.0", theirs), ("Fathom", ours)):
        reached = logs.time_to_score(entries[name], target)
        curve = curve_of(result)
        rows.append([name, duration(result["train_seconds"]), duration(reached),
                     points(result["selected"]["score"]), points(curve[0]),
                     points(curve[max(curve) // 2]), f"{result['peak_mib']} MiB"])
    report.table(["", "all epochs", f"until the chosen score was {points(target)}", "chosen score",
                  "n = 0", "n = L/2", "peak memory"], rows)
    report.text(f"Fathom took 1/{theirs['train_seconds'] / ours['train_seconds']:.1f} of the time, "
                "with the pass that fills its cache of states and all dev evaluations.")
    report.data["training"] = rows


def add_serving(report, profile, served):
    report.heading("Answering: one text of median length, the adapter that Fathom trained")
    rows = []
    for point in profile["points"]:
        n = str(point["skip_layers"])
        if n in served["one_task"] and "ms_one_task" in point:
            one, eight = served["one_task"][n], served["eight_tasks"][n]
            rows.append([n, number(one), number(point["ms_one_task"]),
                         f"{one / point['ms_one_task']:.1f} ×", number(eight),
                         number(point["ms_eight_tasks"]),
                         f"{eight / point['ms_eight_tasks']:.1f} ×"])
    report.table(["n", "1 task: `adapters`, ms", "Fathom, ms", "faster", "8 tasks: `adapters`, ms",
                  "Fathom, ms", "faster"], rows)
    report.text(f"{served['tokens']} tokens; both in process, tokenised before. With one task a "
                "larger n saves little: the encoder's layers all run. With eight, the layers "
                "below n run once.")
    report.data["serving"] = rows


def main():
    options = parse()
    experiment = command.Experiment("too_slow", "\"Too slow, and replaces transformers\"", options)
    report, program = experiment.report, experiment.trainer()
    before = check_transformers()
    split = experiment.splits()[0]
    training = Training(options.encoder, split, "robust", epochs=options.epochs,
                        learning_rate=options.learning_rate, seed=options.seeds[0],
                        batch_size=options.batch_size, threads=options.threads, timed=True)
    ours, theirs = fathom_run(training, program), adapters_run(training)
    results = experiment.run_all([("Fathom", lambda: ours), ("adapters", lambda: theirs)])
    experiment.training_facts()
    report.text(machine.load_warning(report.machine))
    if len(results) == 2:
        folder = experiment.cache.folder(ours)
        entries = {"Fathom": logs.read(folder / "log.jsonl"),
                   "`adapters` 1.3.0": logs.read(experiment.cache.folder(theirs) / "log.jsonl")}
        add_training(report, split, results["Fathom"], results["adapters"], entries)
        answers = experiment.run_all([
            ("profile", lambda: fusions.profile_run(ours, folder, split, options.encoder, program,
                                                    options.threads)),
            ("serving in adapters", lambda: serve_run(training, ours, folder, options))])
        if len(answers) == 2:
            add_serving(report, answers["profile"], answers["serving in adapters"])
    add_transformers(report, before, check_transformers())
    report.runs(results)
    report.write()


def add_transformers(report, before, after):
    report.heading("The transformers package")
    same = "all as they were installed" if not after["changed"] else f"changed: {after['changed']}"
    report.text(f"`transformers` {after['version']}, {after['files']} files, compared with its "
                f"package's list: {same}, before and after. The library's predecessor, "
                "adapter-transformers, was a copy of transformers under its name; `adapters` "
                "is installed beside it. Fathom trains and serves without Python, and what it "
                "writes opens in both: a person with a stock `transformers` changes nothing.")
    report.data["transformers"] = {"before": before, "after": after}


if __name__ == "__main__":
    main()
