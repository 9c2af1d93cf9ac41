"""Throughput beside fathom-bench, the overhead of a lone call, and the start."""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from programs import Programs, Server, run
from row import Row

# A text of so many tokens with every task is one pass of fathom-bench, and one call here.
TOKENS = 64
WORDS = TOKENS - 2  # each is one token, and two are special
STARTS = 3


def bench_calls_per_second(programs: Programs, rounds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "bench.json"
        config = json.loads((programs.encoder / "config.json").read_text())
        run(programs.command(
            "fathom-bench", "fanout", "--encoder", programs.encoder, "--tasks",
            len(programs.task_names()), "--tokens", TOKENS, "--bottleneck",
            config["hidden_size"] // 16, "--rounds", rounds, "--json", output))
        return calls_per_second(json.loads(output.read_text()))


def calls_per_second(results: list[dict[str, Any]]) -> float:
    """Of the case n = 0 in what fathom-bench wrote."""
    [case] = [result for result in results if result["parameters"]["skip_layers"] == 0]
    return 1000 / case["ms_median"]


def throughput(programs: Programs) -> Row:
    """Calls of one text with all tasks at n = 0, nothing cached, in turn with fathom-bench."""
    mix = ",".join(programs.task_names())
    shares, served = [], []
    for _ in range(3):
        alone = bench_calls_per_second(programs, rounds=round(programs.seconds(20)))
        # A pass holds one call, as in fathom-bench: none gains by what it shares with another.
        with Server(programs, "--max-batch-tokens", TOKENS * len(programs.task_names())) as server:
            load = server.load("--mix", mix, "--skip-layers", 0, "--no-cache", "--texts", 0,
                               "--words", WORDS, "--concurrency", 4,
                               "--duration", programs.seconds(10))
        served.append(load["latency"]["OK"]["count"] / load["seconds"])
        shares.append(served[-1] / alone)
    share = statistics.median(shares)
    return Row("throughput through gRPC against `fathom-bench` on the same work", "95 %",
               f"{100 * share:.1f} % ({statistics.median(served):.1f} calls of {TOKENS} tokens and "
               f"{len(programs.task_names())} tasks a second)", share >= 0.95)


def lone(programs: Programs) -> Row:
    with Server(programs) as server:
        load = server.load("--mix", programs.task_names()[0], "--texts", 0, "--words", "14",
                           "--concurrency", 1, "--duration", programs.seconds(10))
    overhead = load["overhead"]
    return Row("overhead of a lone call over the engine's own time (p50)", "≤ 1 ms",
               f"{overhead['p50_ms']:.2f} ms (p99 {overhead['p99_ms']:.2f}; compute "
               f"{load['compute']['p50_ms']:.2f})", overhead["p50_ms"] <= 1)


def start(programs: Programs) -> Row:
    """The first start measures the machine; later ones read what it kept."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(1 + STARTS):
            with Server(programs, "--calibration-dir", folder) as server:
                times.append(server.ready_s)
    later = statistics.median(times[1:])
    return Row("start to ready, with the starter tasks", "≤ 3 s",
               f"{later:.2f} s; the first start of all {times[0]:.2f} s", later <= 3)
