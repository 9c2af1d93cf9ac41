"""The cache of runs: one folder each, with its settings, log, output and, once it has ended, its
result. What is there with the same settings is not run again; what was cut goes on."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lib import logs, machine
from lib.tables import duration

HEARTBEAT_SECONDS = 30
INTERRUPTED = 130  # as a shell reports SIGINT


@dataclass(frozen=True)
class Run:
    name: str
    settings: dict  # decides what is the same run; JSON
    command: Callable[[Path], list[str]]  # its folder -> what to execute; resumes by itself
    collect: Callable[[Path], dict]  # its folder, once it has ended -> what the result holds
    environment: dict = field(default_factory=dict)

    def digest(self) -> str:
        text = json.dumps(self.settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


class RunFailed(Exception):
    pass


class Terminated(KeyboardInterrupt):
    """SIGTERM, which a terminal does not send to the program too."""


def raise_terminated(*_) -> None:
    raise Terminated


class Cache:
    def __init__(self, root: Path):
        self.root = root
        (root / "runs").mkdir(parents=True, exist_ok=True)

    def folder(self, run: Run) -> Path:
        return self.root / "runs" / f"{run.name}-{run.digest()}"

    def finished(self, run: Run) -> dict | None:
        file = self.folder(run) / "result.json"
        return json.loads(file.read_text()) if file.exists() else None

    def run(self, run: Run) -> dict:
        """The result: from the cache, or of running it. RunFailed holds the end of its output."""
        done = self.finished(run)
        if done is not None:
            return done
        folder = self.folder(run)
        folder.mkdir(exist_ok=True)
        write_json(folder / "settings.json", run.settings)
        with only_one(folder / "lock"):
            return self.finished(run) or execute(run, folder)

    def rates(self, key: dict) -> list[float]:
        """Seconds a text of finished runs whose settings hold all of `key`."""
        found = []
        for file in (self.root / "runs").glob("*/result.json"):
            result = json.loads(file.read_text())
            settings = result["settings"]
            if result.get("texts") and all(settings.get(k) == v for k, v in key.items()):
                found.append(result["wall_seconds"] / result["texts"])
        return found


@contextmanager
def only_one(file: Path):
    """Two commands may want the same run: the second waits and finds it finished."""
    with open(file, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def execute(run: Run, folder: Path) -> dict:
    attempts = read_json(folder / "attempts.json", [])
    started = {"machine": machine.describe(), "began": time.strftime("%Y-%m-%d %H:%M:%S")}
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, raise_terminated)
    with open(folder / "output.txt", "a", encoding="utf-8") as output:
        process = subprocess.Popen(run.command(folder), stdout=output, stderr=subprocess.STDOUT,
                                   env={**os.environ, **run.environment})
        try:
            code, usage = wait(process, folder)
        except KeyboardInterrupt as error:  # the program writes its checkpoint and ends
            if isinstance(error, Terminated):
                process.terminate()
            _, _, usage = os.wait4(process.pid, 0)
            code = INTERRUPTED
    attempts.append({**started, "seconds": round(time.monotonic() - begin, 3), "exit": code,
                     "peak_mib": round(usage.ru_maxrss / 1024)})
    write_json(folder / "attempts.json", attempts)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code != 0:
        end = (folder / "output.txt").read_text(errors="replace")[-1500:]
        raise RunFailed(f"{run.name} ended with {code}; {folder}/output.txt ends with:\n{end}")
    result = {"name": run.name, "settings": run.settings, **run.collect(folder),
              "wall_seconds": round(sum(attempt["seconds"] for attempt in attempts), 2),
              "attempts": len(attempts), "machine": attempts[0]["machine"],
              "peak_mib": max(attempt["peak_mib"] for attempt in attempts),
              "began": attempts[0]["began"]}
    write_json(folder / "result.json", result)
    return result


def wait(process: subprocess.Popen, folder: Path):
    """(exit code, resource usage); tells now and then where the log stands."""
    told = begin = time.monotonic()
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        time.sleep(0.05)
        if time.monotonic() - told >= HEARTBEAT_SECONDS:
            told = time.monotonic()
            entries = logs.read(folder / "log.jsonl")
            where = f"step {entries[-1]['step']}" if entries else "no step yet"
            print(f"      {duration(told - begin)}: {where}", flush=True)


def fresh_output(folder: Path) -> bool:
    """Makes room for a run's output. True: there is a checkpoint to go on from."""
    if (folder / "task.checkpoint").exists():
        return True
    shutil.rmtree(folder / "task", ignore_errors=True)
    (folder / "log.jsonl").unlink(missing_ok=True)
    return False


def write_json(file: Path, value) -> None:
    """Whole or not at all."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(file)


def read_json(file: Path, default):
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else default
