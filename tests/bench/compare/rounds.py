"""Runs a workload: first that outputs agree, then all processes in turn, round after round."""

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from report import Result
from workers import PAUSE_SECONDS, WorkerError
from workloads import Case, Job, Workload

# Largest difference of outputs. bf16 has 8 bits: there, as a share of Fathom's largest output.
FP32_TOLERANCE = 1e-3
BF16_TOLERANCE = 0.05


class Asked(Protocol):
    """What is used of a Worker."""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]: ...


def flatten(logits: Any) -> list[float]:
    if isinstance(logits, list):
        return [value for part in logits for value in flatten(part)]
    return [logits]


def largest_difference(ours: Any, theirs: Any) -> float:
    """Infinite if they are not of one shape, or not numbers."""
    a, b = flatten(ours), flatten(theirs)
    if len(a) != len(b) or not all(map(math.isfinite, a + b)):
        return math.inf
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def tolerance(precision: str, ours: Any) -> float:
    if precision == "fp32":
        return FP32_TOLERANCE
    return BF16_TOLERANCE * max(abs(value) for value in flatten(ours))


class CaseRun:
    """One case: its checks, its times, its result."""

    def __init__(self, workload: Workload, case: Case, precision: str) -> None:
        self.case = case
        self.fathom_times: list[float] = []
        self.peer_times: dict[str, list[list[float]]] = {
            peer: [[] for _ in jobs] for peer, jobs in case.peers.items()}
        self.left_out: dict[str, str] = {}
        self.differences: dict[str, float] = {}
        self.workload = workload.name
        self.precision = precision
        self.row_layers: dict[str, float] = {}
        self.limit_ms: float | None = None

    def check(self, fathom: Asked, peers: Mapping[str, Asked], missing: Mapping[str, str]) -> None:
        ours = fathom.ask(once(self.case.fathom_check or self.case.fathom))["logits"]
        allowed = tolerance(self.precision, ours)
        for peer, jobs in self.case.peers.items():
            if peer not in peers:
                self.left_out[peer] = missing.get(peer, "not asked for")
                continue
            try:
                checked = [self.case.peer_check] if self.case.peer_check else jobs
                found = max(largest_difference(ours, peers[peer].ask(once(job))["logits"])
                            for job in checked)
            except WorkerError as error:
                self.left_out[peer] = str(error)
                continue
            self.differences[peer] = found
            if found > allowed:
                self.left_out[peer] = (f"its outputs differ by {found:.2g}, more than "
                                       f"{allowed:.2g}")

    def turn(self, fathom: Asked, peers: Mapping[str, Asked]) -> None:
        answer = timed(fathom, self.case.fathom)
        self.fathom_times += answer["ms"]
        self.row_layers = {key: answer[key] for key in ("row_layers_run", "row_layers_cached")}
        for peer, jobs in self.case.peers.items():
            if peer in self.left_out:
                continue
            try:
                for times, job in zip(self.peer_times[peer], jobs, strict=True):
                    times += timed(peers[peer], job)["ms"]
            except WorkerError as error:
                self.left_out[peer] = str(error)

    def result(self) -> Result:
        medians = {peer: min(statistics.median(times) for times in jobs)
                   for peer, jobs in self.peer_times.items() if peer not in self.left_out}
        return Result(
            workload=self.workload, parameters=self.case.parameters | {"precision": self.precision},
            fathom_ms=statistics.median(self.fathom_times), limit_ms=self.limit_ms, peers=medians,
            left_out=self.left_out, differences=self.differences, row_layers=self.row_layers,
            sequences=sum(len(text["tasks"]) for text in self.case.fathom.texts))  # type: ignore


def once(job: Job) -> dict[str, Any]:
    """The job for its outputs alone. A cached text must have been seen before."""
    return replace(job, untimed=job.untimed if job.keep_taps else 0, repeat=1).to_json()


def timed(worker: Asked, job: Job) -> dict[str, Any]:
    time.sleep(PAUSE_SECONDS)
    return worker.ask(job.to_json())


def run_workload(workload: Workload, fathom: Asked, peers: Mapping[str, Asked],
                 missing: Mapping[str, str], precision: str, rounds: int) -> list[Result]:
    """`missing` says why a peer is not in `peers`. Raises WorkerError if Fathom fails."""
    runs = [CaseRun(workload, case, precision) for case in workload.cases]
    for run in runs:
        run.check(fathom, peers, missing)
    for _ in range(rounds):
        for run in runs:
            run.turn(fathom, peers)
    limited = [run for run in runs if run.case.has_limit and precision == "fp32"]
    if limited:
        fathom.ask({"rates": True})
    for run in limited:
        run.limit_ms = fathom.ask({"limit": once(run.case.fathom)})["limit_ms"]
    return [run.result() for run in runs]
