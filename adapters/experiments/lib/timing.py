"""Step times of short trainings: enough steps to see every n, on a stated subset. What an epoch
takes is time a step × steps, with every n counted equally, as robust draws them."""

from dataclasses import dataclass, replace

from lib import scores
from lib.fathom import NotInThisBuild
from lib.training import Training, adapters_run, fathom_run


@dataclass(frozen=True)
class Case:
    """One way to train. `key` names it in tables."""
    key: str
    method: str = "robust"
    precision: str = "fp32"
    cached: bool = False  # keeps states of the trunk
    architecture: str = "pfeiffer"
    peer: bool = False


def make_run(case: Case, training: Training, program):
    """training.state_cache is the memory that a cached case may use."""
    training = replace(training, method=case.method, precision=case.precision,
                       architecture=case.architecture,
                       state_cache=training.state_cache if case.cached else "off")
    if case.peer:
        return adapters_run(training)
    if "--state-cache" not in program.flags:
        if case.cached:
            raise NotInThisBuild("this build of fathom-train has no --state-cache")
        training = replace(training, state_cache="auto")  # the flag is not passed
    if case.architecture != "pfeiffer":
        program.require("--architecture", "--architecture" in program.flags)
    return fathom_run(training, program)


def maker(case: Case, training: Training, program):
    """make_run, to be called when its turn comes."""
    return lambda: make_run(case, training, program)


def step_ms(results: list[dict]) -> dict[int, float]:
    """n -> median over rounds of the median step."""
    found: dict[int, list[float]] = {}
    for result in results:
        for n, ms in result["step_ms"].items():
            found.setdefault(int(n), []).append(ms)
    return {n: scores.median(found[n]) for n in sorted(found)}


def fill_missing(curve: dict[int, float], layers: int) -> dict[int, float]:
    """Every n of 0 … L−1. One that was not drawn is interpolated between its neighbours; outside of
    the drawn ones the curve goes on with its mean slope, since steps at low n cost the most."""
    first, last = min(curve), max(curve)
    slope = (curve[last] - curve[first]) / (last - first) if last > first else 0.0

    def at(n: int) -> float:
        if n in curve:
            return curve[n]
        if n < first:
            return curve[first] + slope * (n - first)
        if n > last:
            return max(0.0, curve[last] + slope * (n - last))
        below = max(k for k in curve if k < n)
        above = min(k for k in curve if k > n)
        return curve[below] + (curve[above] - curve[below]) * (n - below) / (above - below)
    return {n: at(n) for n in range(layers)}


def uniform_step_ms(results: list[dict], layers: int) -> float:
    """Mean over n = 0 … L−1, each counted once."""
    return scores.mean(list(fill_missing(step_ms(results), layers).values()))


def fill_seconds_a_text(results: list[dict]) -> float:
    """Of the cache of states: what the first step took more than its like, a training text."""
    def extra(result: dict) -> float:
        usual = result["mean_step_ms"] / 1000
        return max(0.0, result["seconds_to_first_step"] - usual)
    return scores.median([extra(r) / r["settings"]["split"]["train_rows"] for r in results])
