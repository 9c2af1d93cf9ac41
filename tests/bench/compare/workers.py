"""Fathom and its peers as long-lived processes that answer JSON lines."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START_SECONDS = 120
ANSWER_SECONDS = 300

# A thread pool that goes on spinning after its pass takes the cores from whoever is timed next.
# Each runtime keeps the short spin that it needs within a pass, and the driver pauses between two
# processes for longer than any of them spins: libgomp, of LibTorch and of torch, for a few
# milliseconds by default; Intel's OpenMP, of CTranslate2, would for 200 and is told 10; ONNX
# Runtime stops by an option of its session; OpenVINO's TBB does not spin for long.
# What the person's own shell says of threads and spinning is left out: it would reach only some.
SPIN_ENVIRONMENT = {"KMP_BLOCKTIME": "10"}
THREAD_VARIABLES = ("OMP_", "GOMP_", "KMP_", "MKL_", "ONEDNN_")
PAUSE_SECONDS = 0.05


class WorkerError(Exception):
    """A process did not start, died, or answered with an error; the message says which."""


def without_threads(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items()
            if not name.startswith(THREAD_VARIABLES)}


class Worker:
    """One process. Its stderr goes to a log, of which an error shows the last line."""

    def __init__(self, name: str, command: list[str], log: Path,
                 environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        with log.open("w") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
                env={**without_threads(os.environ), **SPIN_ENVIRONMENT, **environment})
        try:
            self.description = self._read(START_SECONDS)
        except WorkerError:
            self.stop()
            raise

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        return self._read(ANSWER_SECONDS)

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _read(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        killer = threading.Timer(seconds, self.process.kill)
        killer.start()
        line = self.process.stdout.readline()
        timed_out = not killer.is_alive()
        killer.cancel()
        if not line:
            why = f"no answer within {seconds} s; " if timed_out else ""
            raise WorkerError(why + self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return f"its process ended: {lines[-1] if lines else 'without a word'} ({self.log})"
