"""Table 3 by the clock: fusions of 2, 8 and 16 adapters against one and full fine-tuning."""

from dataclasses import replace

from lib import paper
from lib.bench import bench_run
from lib.tables import number
from lib.training import Training, fathom_run, fuse_run

SIZES = (2, 8, 16)
DEV_ROWS = 8


def table3(experiment, program) -> dict:
    """Adds inference and training to the report; the results of the trainings."""
    inference = inference_speeds(experiment)
    results, training = training_speeds(experiment, program)
    measured = {**inference, **training}
    report = experiment.report
    report.heading("Table 3: relative speed of fusions")
    rows = []
    for size in SIZES:
        shown = paper.TABLE3[size]
        cells = [(number(measured.get((size, key))), number(value))
                 for key, value in shown.items()]
        rows.append([str(size), *(cell for pair in cells for cell in pair)])
    report.table(["adapters", "training / full", "the paper", "inference / full", "the paper",
                  "training / one adapter", "the paper", "inference / one adapter", "the paper"],
                 rows)
    options = experiment.options
    report.text(f"Inference: {options.texts} texts of {options.tokens} tokens in one pass at n "
                "= 0, fp32; full fine-tuning has no adapters, and beside it stands one adapter "
                "in the last layer only. Training: mean step without a cache of states, "
                f"{options.steps} steps. " + paper.SPEED_SETTING)
    report.data["table3"] = rows
    return results


def inference_speeds(experiment) -> dict:
    options, program = experiment.options, experiment.bench()
    results = experiment.run_all([
        ("inference of fusions", lambda: bench_run(
            program, "fusion", options.encoder, texts=options.texts, tokens=options.tokens,
            rounds=15, threads=options.threads)),
        ("inference of one adapter", lambda: bench_run(
            program, "lone", options.encoder, rounds=15, threads=options.threads))])
    if "inference of fusions" not in results:
        return {}
    ms = {case["parameters"]["fusion"]: case["ms_median"]
          for case in results["inference of fusions"]["cases"]
          if case["parameters"]["texts"] == options.texts}
    one_vs_full = adapter_against_full(results.get("inference of one adapter"), options.tokens)
    found = {}
    for size in SIZES:
        if f"fusion of {size}" in ms:
            found[size, "inference_vs_one"] = ms["one adapter"] / ms[f"fusion of {size}"]
            if one_vs_full:
                found[size, "inference_vs_full"] = one_vs_full * found[size, "inference_vs_one"]
    if "8 pruned to 2" in ms:
        ratio = ms["fusion of 8"] / ms["8 pruned to 2"]
        plain = ms.get("fusion of 8, plain")
        experiment.report.text(
            f"8 pruned to 2 in each layer: {ratio:.2f} × the speed of all 8 (the paper: "
            f"{paper.PRUNED_TO_2_SPEEDUP} ×)."
            + (f" A fusion of 8 that computes keys and values of every adapter takes "
               f"{plain / ms['fusion of 8']:.2f} × the time." if plain else ""))
    experiment.report.data["inference_ms"] = ms
    return found


def adapter_against_full(lone: dict | None, tokens: int) -> float | None:
    """Speed of an adapter in every layer against one in the last layer only."""
    if lone is None:
        return None
    ms = {case["parameters"]["skip_layers"]: case["ms_median"] for case in lone["cases"]
          if case["parameters"]["tokens"] == tokens}
    return ms[max(ms)] / ms[0] if ms else None


def training_speeds(experiment, program) -> tuple[dict, dict]:
    options = experiment.options
    task = options.targets[0]
    split = experiment.split(task, options.steps * options.batch_size, DEV_ROWS)
    usual = Training(options.encoder, split, "standard", epochs=1, threads=options.threads,
                     batch_size=options.batch_size, timed=True,
                     state_cache="off" if "--state-cache" in program.flags else "auto")
    members = timing_members(experiment, program, task)
    runs = [("training, one adapter", lambda: fathom_run(usual, program)),
            ("training, full", lambda: fathom_run(replace(usual, method="full", state_cache="auto"),
                                                  program))]
    runs += [(f"training, fusion of {size}", lambda size=size: fuse_run(
        usual, program, dict(list(members.items())[:size]))) for size in SIZES
        if len(members) >= size]
    results = experiment.run_all(runs)
    ms = {label.removeprefix("training, "): result["mean_step_ms"]
          for label, result in results.items()}
    found = {}
    for size in SIZES:
        for key, against in (("training_vs_one", "one adapter"), ("training_vs_full", "full")):
            if f"fusion of {size}" in ms and against in ms:
                found[size, key] = ms[against] / ms[f"fusion of {size}"]
    experiment.report.data["training_ms"] = ms
    return results, found


def timing_members(experiment, program, task: str) -> dict:
    """Sixteen adapters of one step each: what they answer does not matter."""
    options = experiment.options
    if not program.has_subcommand("fuse", "--adapters"):
        experiment.report.skip("training of fusions: this build of fathom-train has no fuse")
        return {}
    split = experiment.split(task, options.batch_size, DEV_ROWS)
    folders = {}
    for number_of in range(1, max(SIZES) + 1):
        training = Training(options.encoder, split, "standard", epochs=1, seed=number_of,
                            batch_size=options.batch_size, threads=options.threads,
                            adapter_name=f"member{number_of}")
        run = experiment.made("member", lambda: fathom_run(training, program))
        if run and experiment.run_all([(f"member {number_of} of Table 3", lambda: run)]):
            folders[f"{run.name}-{run.digest()}"] = experiment.cache.folder(run) / "task"
    return folders
