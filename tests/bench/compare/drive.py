"""Compares Fathom with its peers on this machine; run.sh beside this file makes what it needs."""

import argparse
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import exports
import machine
import plots
import report
import rounds
import workloads
from workers import Worker, WorkerError

HERE = Path(__file__).parent
WORKLOADS = ("fanout", "repeat", "lone", "mixed")
PEERS_OF = {"fanout": ("adapters",), "repeat": ("adapters",), "lone": workloads.BARE_PEERS,
            "mixed": ("adapters", "onnxruntime", "openvino")}
ROUNDS = 15
QUICK_ROUNDS = 5
MIXED_SHARE = 3  # one turn of mixed takes as long as many of the others


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/bench/compare/run.sh")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--exports", type=Path, required=True)
    parser.add_argument("--worker", type=Path, required=True)
    parser.add_argument("--glue", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--precision", choices=("fp32", "bf16", "all"), default="all")
    return parser.parse_args()


def read_encoder(folder: Path) -> workloads.Encoder:
    config = json.loads((folder / "config.json").read_text())
    return workloads.Encoder(layers=config["num_hidden_layers"], vocabulary=config["vocab_size"],
                             max_tokens=config["max_position_embeddings"])


def sentence_lengths(glue: Path | None, encoder: Path) -> list[int]:
    """Tokens of SST-2's dev sentences, from the data if it is given."""
    if glue is None:
        return workloads.read_lengths()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder)
    rows = (glue / "SST-2" / "dev.tsv").read_text().splitlines()[1:]
    return [len(tokenizer(row.split("\t")[0])["input_ids"]) for row in rows]


def make_workload(name: str, arguments: argparse.Namespace) -> workloads.Workload:
    encoder = read_encoder(arguments.encoder)
    if name == "mixed":
        return workloads.mixed(encoder, sentence_lengths(arguments.glue, arguments.encoder))
    return getattr(workloads, name)(encoder)


class Processes:
    """Fathom's process and the peers', each started when a workload first asks for it."""

    def __init__(self, arguments: argparse.Namespace, precision: str, stack: ExitStack) -> None:
        self.arguments = arguments
        self.precision = precision
        self.stack = stack
        self.logs = arguments.output / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.peers: dict[str, Worker] = {}
        self.missing: dict[str, str] = {}
        common = ["--encoder", str(arguments.encoder), "--threads", str(arguments.threads),
                  "--precision", precision]
        self.peer_options = [*common, "--exports", str(arguments.exports)]
        self.fathom = self.start("fathom", [str(arguments.worker), *common, "--adapters",
                                            str(arguments.exports / exports.TASKS)])

    def start(self, name: str, command: list[str]) -> Worker:
        worker = Worker(name, command, self.logs / f"{name}_{self.precision}.log",
                        {"PYTHONPATH": str(HERE)})
        self.stack.callback(worker.stop)
        return worker

    def add_peer(self, name: str) -> None:
        if name in self.peers or name in self.missing:
            return
        command = [sys.executable, "-m", "peers.worker", name, *self.peer_options]
        try:
            self.peers[name] = self.start(name, command)
        except WorkerError as error:
            self.missing[name] = str(error)


@contextmanager
def processes(arguments: argparse.Namespace, precision: str) -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(arguments, precision, stack)


class Comparison:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
        self.results: list[report.Result] = []
        self.notes: list[str] = []
        self.peers_do: dict[str, dict[str, str]] = {}
        cpu, self.flags = machine.cpu_info()
        packages = sorted({peer for peers in PEERS_OF.values() for peer in peers})
        self.run: dict[str, Any] = {
            "cpu": cpu, "flags": " ".join(self.flags), "threads": arguments.threads,
            "rounds": self.rounds, "quick": arguments.quick, "encoder": arguments.encoder.name,
            "load_average_before": os.getloadavg()[0],
            "versions": {name: importlib.metadata.version(name) for name in packages}}

    def compare(self, precision: str) -> None:
        with processes(self.arguments, precision) as running:
            if running.fathom.description["precision"] != precision:
                self.notes.append(f"No {precision} section: this build of Fathom runs in "
                                  f"{running.fathom.description['precision']} only.")
                return
            for name in self.arguments.only:
                started = time.monotonic()
                self.compare_workload(make_workload(name, self.arguments), running)
                print(f"      {name}, {precision}: {time.monotonic() - started:.0f} s",
                      file=sys.stderr)

    def compare_workload(self, workload: workloads.Workload, running: Processes) -> None:
        for peer in PEERS_OF[workload.name]:
            running.add_peer(peer)
        count = -(-self.rounds // MIXED_SHARE) if workload.name == "mixed" else self.rounds
        self.peers_do[workload.name] = workload.peers_do
        results = rounds.run_workload(workload, running.fathom, running.peers, running.missing,
                                      running.precision, count)
        self.results += results
        print(report.left_out_lines(results), end="", file=sys.stderr)
        self.write()  # what is done outlives an interruption

    def write(self) -> None:
        folder = self.arguments.output
        text = report.markdown(self.run, self.results, self.peers_do, self.notes)
        (folder / "results.md").write_text(text)
        data = report.to_json(self.run, self.results)
        (folder / "results.json").write_text(json.dumps(data, indent=2) + "\n")
        plots.plot(self.results, f"{self.run['cpu']}, {self.run['threads']} threads", folder)


def precisions(asked: str, flags: list[str]) -> tuple[list[str], list[str]]:
    """(precisions to run, notes on those left out)."""
    wanted = ["fp32", "bf16"] if asked == "all" else [asked]
    if "bf16" in wanted and not machine.has_bf16(flags):
        wanted.remove("bf16")
        return wanted, ["No bf16 section: this CPU has no bf16 instructions."]
    return wanted, []


def main() -> int:
    arguments = parse_arguments()
    comparison = Comparison(arguments)
    wanted, notes = precisions(arguments.precision, comparison.flags)
    comparison.notes = machine.load_notes(comparison.run["load_average_before"]) + notes
    print("".join(f"      {note}\n" for note in comparison.notes), end="", file=sys.stderr)
    try:
        for precision in wanted:
            comparison.compare(precision)
    except WorkerError as error:
        print(f"error: Fathom: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was finished is in the report. Run it again for all of it.",
              file=sys.stderr)
        return 130
    comparison.write()
    print(f"      written to {arguments.output}/results.md, results.json and *.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
