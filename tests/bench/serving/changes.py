"""Changes under load: an adapter that is replaced again and again, and SIGTERM."""

import ctypes
import json
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from programs import ROOT, ProgramError, Programs, Server, finish_load
from row import Row

RELOADS = 100
TOLERANCE = 1e-3
TEXTS = ROOT / "tests/bench/serving/texts.txt"
Logits = list[float]


def exchange(first: Path, second: Path) -> None:
    """Swaps two folders in one step, so that no look at them finds one of them missing."""
    at_cwd, rename_exchange = -100, 2
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(at_cwd, str(first).encode(), at_cwd, str(second).encode(),
                      rename_exchange) != 0:
        raise OSError(ctypes.get_errno(), f"cannot exchange {first} and {second}")


def close(one: Logits, other: Logits) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= TOLERANCE for a, b in zip(one, other))


def version_of(call: dict[str, Any], versions: list[list[Logits]]) -> int | None:
    """Which version gave all answers of a call; None: they are of several, or of none."""
    for number, expected in enumerate(versions):
        if all(close(result["tasks"][0]["logits"], expected[int(result["id"])])
               for result in call["results"]):
            return number
    return None


def has_item_error(call: dict[str, Any]) -> bool:
    return any("error" in task for result in call["results"] for task in result["tasks"])


def reload_row(calls: Iterable[dict[str, Any]], versions: list[list[Logits]]) -> Row:
    counts = [0] * len(versions)
    failed = mixed = 0
    for call in calls:
        if call["code"] != "OK" or has_item_error(call):
            failed += 1
            continue
        version = version_of(call, versions)
        if version is None:
            mixed += 1
        else:
            counts[version] += 1
    return Row(f"reload of an adapter {RELOADS} times under load",
               "0 failed requests, 0 answers mixing versions",
               f"{failed} failed, {mixed} mixed; "
               f"{' and '.join(map(str, counts))} calls by the two versions",
               failed == 0 and mixed == 0 and all(counts))


def read_calls(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def expected_logits(server: Server, task: str) -> list[Logits]:
    answer = json.loads(server.client("predict", "--json", "--logits", "--no-cache", "--task", task,
                                      "--file", TEXTS))
    return [result["tasks"][0]["logits"] for result in answer["results"]]


def reload(programs: Programs) -> Row:
    """Two adapters take turns in one folder; every call asks four texts."""
    sources = [programs.tasks / name for name in ("sentiment-movie", "sentiment-product")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks, answers = folder / "tasks", folder / "answers.jsonl"
        shutil.copytree(sources[0], tasks / "mood")
        shutil.copytree(sources[1], folder / "spare")
        with Server(programs) as server:
            versions = [expected_logits(server, source.name) for source in sources]
        with (Server(programs, tasks=tasks) as server,
              server.start_load("--mix", "mood", "--logits", "--file", TEXTS, "--inputs", 4,
                                "--concurrency", 8, "--duration", 25, "--warm-up", 0,
                                "--answers", answers) as load):
            for _ in range(RELOADS):
                exchange(tasks / "mood", folder / "spare")
                server.admin("load", "mood")
            if load.poll() is not None:
                raise ProgramError(f"the load ended before {RELOADS} reloads did")
            finish_load(load)
        return reload_row(read_calls(answers), versions)


def sigterm_row(calls: Iterable[dict[str, Any]], signalled: float, exit_code: int) -> Row:
    """What was sent before the signal is to be answered, or refused with a reason. What comes later
    may also find the port closing, or closed."""
    answered = refused = unanswered = turned_away = 0
    for call in calls:
        if call["code"] == "OK":
            answered += 1
        elif call["reason"]:
            refused += 1
        elif call["sent"] < signalled:
            unanswered += 1
        else:
            turned_away += 1
    return Row("SIGTERM under load", "0 accepted requests unanswered",
               f"{unanswered} unanswered, {answered} answered; afterwards {refused} refused with a "
               f"reason, {turned_away} came to a port that was closing or closed; exit code "
               f"{exit_code}", unanswered == 0 and answered > 0 and exit_code == 0)


def sigterm(programs: Programs) -> Row:
    with tempfile.TemporaryDirectory() as name:
        answers = Path(name) / "answers.jsonl"
        with Server(programs) as server:
            load = server.start_load("--mix", ",".join(programs.task_names()), "--texts", 0,
                                     "--words", 30, "--concurrency", 32, "--connections", 4,
                                     "--warm-up", 0, "--duration", 6, "--answers", answers)
            time.sleep(3)
            signalled = time.time()
            exit_code = server.stop()
            finish_load(load)
        return sigterm_row(read_calls(answers), signalled, exit_code)
