"""Training logs: JSON lines of steps and dev evaluations, as adapters/report/training_log.h says.
The peer writes the same."""

import json
from pathlib import Path

from lib.scores import mean, median


def parse(lines: list[str]) -> list[dict]:
    """The entries of one training in order. A run that was cut and resumed appends: its clock
    starts at 0 again, and steps after the last checkpoint come twice; the first ones are dropped,
    and the time goes on from where the kept ones end."""
    entries: list[dict] = []
    offset = previous = 0.0
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a line that was cut
        if entry["seconds"] < previous:
            while entries and entries[-1]["step"] >= entry["step"]:
                entries.pop()
            offset = entries[-1]["seconds"] if entries else 0.0
        previous = entry["seconds"]
        entries.append({**entry, "seconds": entry["seconds"] + offset})
    return entries


def read(file: Path) -> list[dict]:
    return parse(file.read_text(encoding="utf-8").splitlines()) if file.exists() else []


def evaluations(entries: list[dict]) -> list[dict]:
    return [entry for entry in entries if "dev" in entry]


def time_to_score(entries: list[dict], target: float) -> float | None:
    """Seconds until a dev evaluation first reached the target; None: never."""
    return next((entry["seconds"] for entry in evaluations(entries) if entry["score"] >= target),
                None)


def step_seconds(entries: list[dict], skip_first: int = 1) -> dict[int, list[float]]:
    """n -> the time of each step at that n, without the first steps (of a cold program) and those
    that come after an evaluation, whose time would be counted in."""
    times: dict[int, list[float]] = {}
    for before, entry in zip(entries, entries[1:]):
        if "n" in entry and "n" in before and entry["step"] > skip_first:
            times.setdefault(entry["n"], []).append(entry["seconds"] - before["seconds"])
    return times


def median_step_ms(entries: list[dict], skip_first: int = 1) -> dict[int, float]:
    times = step_seconds(entries, skip_first)
    return {n: 1000 * median(times[n]) for n in sorted(times)}


def mean_step_ms(entries: list[dict], skip_first: int = 1) -> float | None:
    times = [t for its in step_seconds(entries, skip_first).values() for t in its]
    return 1000 * mean(times) if times else None


def seconds_to_first_step(entries: list[dict]) -> float | None:
    """Start of the run to the end of its first step: with a state cache, its fill pass."""
    return next((entry["seconds"] for entry in entries if "n" in entry), None)
