"""The programs of a build as processes: a server that is stopped at the end, and its client."""

import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 120
DRAIN_SECONDS = 120


class ProgramError(Exception):
    """A program did not start or failed; the message says which and holds its last words."""


class Programs:
    """Where the programs, the encoder and the tasks are, flags for every server, and how long."""

    def __init__(self, binaries: Path, encoder: Path, tasks: Path, server_flags: list[str],
                 quick: bool = False) -> None:
        self.binaries = binaries
        self.encoder = encoder
        self.tasks = tasks
        self.server_flags = server_flags
        self.quick = quick

    def seconds(self, whole: float) -> float:
        """How long something is measured: a fifth of it, to try a case rather than to measure."""
        return whole / 5 if self.quick else whole

    def command(self, name: str, *arguments: object) -> list[str]:
        return [str(self.binaries / name), *map(str, arguments)]

    def task_names(self) -> list[str]:
        return sorted(path.name for path in self.tasks.iterdir()
                      if (path / "adapter_config.json").exists())


def run(command: list[str]) -> str:
    """The standard output of a program that succeeds."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProgramError(f"{' '.join(command)}: exit code {done.returncode}: "
                           f"{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


class Server:
    """A fathom-server on free ports. `ready_s`: from its start until it said SERVING."""

    def __init__(self, programs: Programs, *flags: object, tasks: Path | None = None) -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="fathom_serving_"))
        self.log = self.folder / "server.log"
        ports = self.folder / "ports.json"
        command = programs.command(
            "fathom-server", "--encoder", programs.encoder, "--adapters", tasks or programs.tasks,
            "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--admin-listen",
            "127.0.0.1:0", "--port-file", ports, *programs.server_flags, *flags)
        start = time.monotonic()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await(ports, start + START_SECONDS)
        numbers = json.loads(ports.read_text())
        self.address = f"127.0.0.1:{numbers['grpc']}"
        self.admin_address = f"127.0.0.1:{numbers['admin']}"
        self.client("health")
        self.ready_s = time.monotonic() - start

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await(self, ports: Path, end: float) -> None:
        while not ports.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ProgramError(f"the server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.002)

    def client(self, *arguments: object) -> str:
        return run(self.programs.command("fathom", *arguments, "--address", self.address))

    def admin(self, *arguments: object) -> str:
        return run(self.programs.command("fathom", "admin", *arguments, "--address",
                                         self.admin_address))

    def load(self, *flags: object) -> dict[str, Any]:
        with self.start_load(*flags) as process:
            load = finish_load(process)
        if "OK" not in load["latency"]:
            raise ProgramError(f"no call of a load was answered: {load['reasons']}")
        return load

    def start_load(self, *flags: object) -> subprocess.Popen[str]:
        """The same beside this program; finish_load waits for it."""
        return subprocess.Popen(
            self.programs.command("fathom", "load", "--json", *flags, "--address", self.address),
            stdout=subprocess.PIPE, text=True)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """The server's exit code, once it has drained."""
        if self.process.poll() is None:
            self.terminate()
        try:
            return self.process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def finish_load(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    if not output:
        raise ProgramError(f"fathom load ended with exit code {process.returncode}")
    return json.loads(output)
