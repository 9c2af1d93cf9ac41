"""Trainings as runs of the cache: by fathom-train, or by the `adapters` library."""

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from lib import environment, glue, logs
from lib.fathom import FathomTrain
from lib.runs import Run, fresh_output

PEER_SCRIPT = Path(__file__).resolve().parents[1] / "peer/train_adapters.py"


@dataclass(frozen=True)
class Training:
    encoder: Path
    split: glue.Split
    method: str = "robust"  # standard | robust | specialized | random | last | full
    skip_layers: int | None = None
    epochs: int = 5
    learning_rate: float = 1e-4
    batch_size: int = 32
    seed: int = 1
    dropout: str = "branch"  # branch | everywhere | off
    architecture: str = "pfeiffer"
    reduction_factor: float | None = None
    share_across_layers: bool = False
    precision: str = "fp32"
    state_cache: str = "auto"
    dev_every: int = 0
    max_tokens: int = 128
    threads: int = 0  # 0: all cores
    adapter_name: str = ""  # default: the task's
    fused: tuple[str, ...] = ()  # names of the runs whose adapters a fusion is made of
    timed: bool = False  # its times are the result: another build or machine load is another run

    def texts(self) -> int:
        return self.split.train_rows * self.epochs

    def settings(self, program: str) -> dict:
        """What makes it another run. Threads do so only where times are the result. A field that
        has its default is not named, so that a new one leaves old runs as they are."""
        always = ("method", "epochs", "learning_rate", "batch_size", "seed")
        apart = ("encoder", "split", "timed", *(() if self.timed else ("threads",)))
        named = {field.name: getattr(self, field.name) for field in fields(self)
                 if field.name not in apart
                 and (field.name in always or getattr(self, field.name) != field.default)}
        return {**named, "program": program, "encoder": self.encoder.name,
                "split": self.split.as_json(), "task": self.split.task.name}

    def name(self) -> str:
        depth = "" if self.skip_layers is None else str(self.skip_layers)
        return f"{self.split.task.name}-{self.method}{depth}-seed{self.seed}"

    def with_seed(self, seed: int) -> "Training":
        return replace(self, seed=seed)


def dropout_arguments(training: Training, program: FathomTrain) -> list[str]:
    """Builds without places of dropout drop out in the branch."""
    if training.dropout == "branch" and "branch" not in program.dropout_places:
        return []
    program.require(f"--encoder-dropout {training.dropout}",
                    training.dropout in program.dropout_places)
    return ["--encoder-dropout", training.dropout]


# Flag of fathom-train, its value, and the value that is the default of builds without the flag.
def optional_flags(training: Training) -> list[tuple[str, object, object]]:
    return [("--precision", training.precision, "fp32"),
            ("--state-cache", training.state_cache, "auto"),
            ("--architecture", training.architecture, "pfeiffer"),
            ("--reduction-factor", training.reduction_factor, None),
            ("--skip-layers", training.skip_layers, None),
            ("--dev-every", training.dev_every, 0)]


def fathom_arguments(training: Training, program: FathomTrain) -> list[str]:
    """NotInThisBuild names the first thing that the build does not know."""
    program.require(f"--method {training.method}", training.method in program.methods)
    arguments = ["--encoder", str(training.encoder), "--train", str(training.split.train),
                 "--dev", str(training.split.dev), "--metric", training.split.task.metric,
                 "--method", training.method, "--epochs", str(training.epochs),
                 "--learning-rate", f"{training.learning_rate:g}",
                 "--batch-size", str(training.batch_size), "--seed", str(training.seed),
                 "--max-tokens", str(training.max_tokens), "--threads", str(training.threads)]
    for flag, value, default in optional_flags(training):
        if value != default:
            program.require(flag, flag in program.flags)
            arguments += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    if training.share_across_layers:
        program.require("--share-across-layers", "--share-across-layers" in program.flags)
        arguments += ["--share-across-layers"]
    return arguments + dropout_arguments(training, program)


def fathom_run(training: Training, program: FathomTrain) -> Run:
    arguments = fathom_arguments(training, program)
    program.require("--log", "--log" in program.flags)

    def command(folder: Path) -> list[str]:
        resume = ["--resume"] if fresh_output(folder) else []
        return [str(program.file), *arguments, "--output", str(folder / "task"),
                "--name", training.adapter_name or slug(training.split.task.name),
                "--log", str(folder / "log.jsonl"), *resume]

    settings = training.settings("fathom-train")
    if training.timed:
        settings["build"] = program.digest
    return Run(f"fathom-{training.name()}", settings, command,
               lambda folder: collect_fathom(folder, training))


def adapters_run(training: Training) -> Run:
    """The library drops out everywhere and has no cache of states, whatever the training asks."""
    training = replace(training, dropout="everywhere", state_cache="off")
    python = environment.peer_python()

    def command(folder: Path) -> list[str]:  # the script goes on by itself
        return [str(python), str(PEER_SCRIPT), json.dumps(peer_settings(training)), str(folder)]

    return Run(f"adapters-{training.name()}", training.settings("adapters 1.3.0"), command,
               lambda folder: collect_adapters(folder, training),
               {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error",
                "TOKENIZERS_PARALLELISM": "false"})


def peer_settings(training: Training) -> dict:
    return {**asdict(training), "encoder": str(training.encoder),
            "train": str(training.split.train), "dev": str(training.split.dev),
            "metric": training.split.task.metric, "split": None}


def fuse_run(training: Training, program: FathomTrain, members: dict[str, Path]) -> Run:
    """A fusion of trained adapters: name of a run -> its adapter's folder."""
    program.require("fuse", program.has_subcommand("fuse", "--adapters"))
    run = fathom_run(replace(training, fused=tuple(members)), program)

    def command(folder: Path) -> list[str]:
        file, *rest = run.command(folder)
        return [file, "fuse", "--adapters", ",".join(map(str, members.values())), *rest]

    return replace(run, name=f"fuse{len(members)}-{training.name()}", command=command)


def slug(task: str) -> str:
    return task.lower().replace(" ", "-")


def record_of(task: Path) -> dict:
    """What fathom-train wrote beside the weights of an adapter or a fusion."""
    for file in sorted(task.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(content, dict) and "depth_profile" in content.get("fathom", {}):
            return content["fathom"]
    return {}


def collect_log(folder: Path, training: Training) -> dict:
    entries = logs.read(folder / "log.jsonl")
    steps = [entry for entry in entries if "n" in entry]
    best = [entry for entry in logs.evaluations(entries) if entry["best"]]
    return {"texts": training.texts(),
            "steps": len(steps),
            "mean_n": sum(entry["n"] for entry in steps) / max(1, len(steps)),
            "train_seconds": entries[-1]["seconds"] if entries else None,
            "seconds_to_first_step": logs.seconds_to_first_step(entries),
            "mean_step_ms": logs.mean_step_ms(entries),
            "step_ms": logs.median_step_ms(entries),
            "selected": best[-1] if best else None}


def collect_fathom(folder: Path, training: Training) -> dict:
    collected = collect_log(folder, training)
    task = folder / "task"
    record = record_of(task)
    curve = {str(point["skip_layers"]): point["score"] for point in record.get("depth_profile", [])}
    if not curve and collected["selected"]:  # full fine-tuning has no depths
        curve = collected["selected"]["dev"]
    told = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
    trunk = re.findall(r"([\d.]+) trunk layers a step", told)
    safetensors = [*task.glob("adapter.safetensors"), *task.glob("model.safetensors")]
    return {**collected, "curve": curve,
            "trunk_layers_a_step": float(trunk[-1]) if trunk else None,
            "majority_baseline": record.get("majority_baseline"),
            "weights_bytes": safetensors[0].stat().st_size if safetensors else None}


def collect_adapters(folder: Path, training: Training) -> dict:
    return {**collect_log(folder, training), **json.loads((folder / "scores.json").read_text())}


def curve_of(result: dict) -> dict[int, float]:
    return {int(n): score for n, score in result["curve"].items()}
