"""The command line that all experiments share, and running their trainings in order."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lib import environment, glue
from lib.fathom import DEFAULT_BIN, FathomBench, FathomTrain, NotInThisBuild
from lib.report import Report, told
from lib.runs import Cache, Run, RunFailed
from lib.tables import duration

PATH_OPTIONS = ("--encoder", "--glue", "--output", "--cache", "--bin", "--adapters")


def whole_numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """For options that take one or more of the names known, with commas."""
    def parse(text: str) -> list[str]:
        chosen = words(text)
        if not chosen or not set(chosen) <= set(known):
            raise argparse.ArgumentTypeError(f"'{text}' is not one or more of {', '.join(known)}")
        return chosen
    return parse


def by_task(text: str) -> dict[str, int]:
    """TASK=N,TASK=N"""
    named = {}
    for part in words(text):
        task, equals, number = part.partition("=")
        if not equals or not number.isdecimal() or int(number) == 0:
            raise argparse.ArgumentTypeError(f"'{part}' is not TASK=N with N of 1 or more")
        named[task.strip()] = int(number)
    return named


def parser(description: str, encoder: str = "") -> argparse.ArgumentParser:
    """Options of every experiment. `encoder`: the name of the one that it is meant for."""
    made = argparse.ArgumentParser(description=description,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--encoder", type=Path, required=True,
                      help=f"Hugging Face folder{f' ({encoder})' if encoder else ''}")
    made.add_argument("--output", type=Path,
                      help="folder of the result (default: results/NAME here)")
    made.add_argument("--cache", type=Path, default=environment.DEFAULT_CACHE,
                      help="folder of the finished runs (default: ~/.cache/fathom/experiments)")
    made.add_argument("--bin", type=Path, default=DEFAULT_BIN,
                      help="folder of fathom-train and fathom-bench (default: build/release/bin)")
    made.add_argument("--threads", type=int, default=0, help="0: all cores")
    return made


def add_training(made: argparse.ArgumentParser, tasks: str, epochs: int, seeds: str = "1,2,3",
                 learning_rate: float = 1e-4) -> None:
    made.add_argument("--glue", type=Path, required=True,
                      help="folder with CoLA, RTE, MRPC, SST-2, STS-B")
    made.add_argument("--tasks", type=words, default=words(tasks), help=f"default: {tasks}")
    made.add_argument("--rows", type=int,
                      help="train on the first N rows after a seeded shuffle (default: all)")
    made.add_argument("--dev-rows", type=int, help="the same of dev")
    made.add_argument("--epochs", type=int, default=epochs, help=f"default: {epochs}")
    made.add_argument("--seeds", type=whole_numbers, default=whole_numbers(seeds),
                      help=f"default: {seeds}")
    made.add_argument("--learning-rate", type=float, default=learning_rate,
                      help=f"default: {learning_rate:g}")
    made.add_argument("--batch-size", type=int, default=32)


class Experiment:
    """One command: its options, cache, report and programs."""

    def __init__(self, name: str, title: str, options: argparse.Namespace):
        if not (options.encoder / "config.json").is_file():
            raise SystemExit(f"--encoder {options.encoder} has no config.json")
        self.options = options
        options.encoder = options.encoder.resolve()
        self.cache = Cache(options.cache)
        output = options.output or environment.HERE / "results" / name
        self.report = Report(name, title, output, command_line())
        self.encoder_config = json.loads((options.encoder / "config.json").read_text())
        self.layers = self.encoder_config["num_hidden_layers"]
        self.report.fact(f"Encoder: {options.encoder.name}, {self.layers} layers of "
                         f"{self.encoder_config['hidden_size']}; {threads(options.threads)}.")

    def trainer(self) -> FathomTrain:
        return FathomTrain(self.options.bin)

    def bench(self) -> FathomBench:
        return FathomBench(self.options.bin)

    def split(self, task: str, rows: int | None = None, dev_rows: int | None = None) -> glue.Split:
        found = glue.find(self.options.glue, task, self.cache.root, rows, dev_rows)
        self.report.fact(f"Split: {found.describe()}.")
        return found

    def splits(self) -> list[glue.Split]:
        return [self.split(task, self.options.rows, self.options.dev_rows)
                for task in self.options.tasks]

    def training_facts(self, epochs_of: Mapping[str, int] | None = None) -> None:
        """`epochs_of`: other epochs than --epochs, by task."""
        options = self.options
        others = "".join(f", {task} {count}" for task, count in (epochs_of or {}).items())
        self.report.fact(f"Epochs: {options.epochs}{others} for every method, seeds "
                         f"{', '.join(map(str, options.seeds))}, learning rate "
                         f"{options.learning_rate:g} (6 % linear warm-up, then linear to 0), "
                         f"batch {options.batch_size}, AdamW without weight decay, gradient "
                         "clip 1. One checkpoint a run serves every n: robust is chosen by the "
                         "mean dev score over n = 0, L/4, L/2, 3L/4, others at the trained n. "
                         "Dev scores; dev chose the checkpoint too, as in the paper.")

    def run_all(self, wanted: Sequence[tuple[object, Callable[[], Run]]]) -> dict:
        """Label -> result of each training. What the build does not know, or what fails, is skipped
        with its reason."""
        runs = [(label, run) for label, make in wanted if (run := self.made(label, make))]
        missing = sum(self.cache.finished(run) is None for _, run in runs)
        if len(runs) > 1:
            print(f"{len(runs)} runs, {missing} of them not in the cache", flush=True)
        results = {}
        for number, (label, run) in enumerate(runs, 1):
            if self.cache.finished(run) is None:
                print(f"[{number}/{len(runs)}] {told(label)} (expected: {self.expected(run)})",
                      flush=True)
            try:
                results[label] = self.cache.run(run)
            except KeyboardInterrupt:
                raise SystemExit("\nstopped; the same command goes on") from None
            except RunFailed as error:
                print(error, flush=True)  # with the machine's paths, so not in the report
                self.report.skip(f"{told(label)}: {run.name} failed")
        return results

    def made(self, label: str, make) -> Run | None:
        try:
            return make()
        except NotInThisBuild as error:
            self.report.skip(f"{told(label)}: {error}")
            return None

    def expected(self, run: Run) -> str:
        """By the time a text of finished runs of the same program, encoder, task and method."""
        same = ["program", "encoder", "threads", "method", "task"]
        if "split" not in run.settings:
            return "a minute or two"  # a benchmark
        texts = run.settings["split"]["train_rows"] * run.settings["epochs"]
        for count in (5, 4, 3):
            rates = self.cache.rates({key: run.settings.get(key) for key in same[:count]})
            if rates:
                return duration(texts * sum(rates) / len(rates))
        return "not known before the first of its kind has ended"


def threads(count: int) -> str:
    return {0: "all cores", 1: "1 thread"}.get(count, f"{count} threads")


def command_line(argv: Sequence[str] | None = None) -> str:
    """As it was given, without the paths of this machine. `argv`: sys.argv unless given."""
    program, *arguments = sys.argv if argv is None else argv
    shown, hide = [Path(program).name], False
    for argument in arguments:
        flag, equals, _ = argument.partition("=")
        if hide:
            shown.append(",".join(Path(path).name.upper() or "DIR" for path in argument.split(",")))
        elif equals and flag in PATH_OPTIONS:
            shown.append(f"{flag}=DIR")
        else:
            shown.append(argument)
        hide = argument in PATH_OPTIONS
    return " ".join(shown)
