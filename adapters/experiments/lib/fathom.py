"""Fathom's programs, and what the build at hand knows."""

import hashlib
import re
import subprocess
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEFAULT_BIN = ROOT / "build/release/bin"


class NotInThisBuild(Exception):
    """What an experiment needs and the program lacks; the experiment says so and goes on."""


class Program:
    def __init__(self, file: Path):
        if not file.is_file():
            raise SystemExit(f"{file} is missing: cmake --build --preset release --target "
                             f"{file.name}")
        self.file = file.resolve()

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()[:16]

    def help(self, *subcommand: str) -> str:
        done = subprocess.run([str(self.file), *subcommand, "--help"], capture_output=True,
                              text=True, check=False)
        return done.stdout


class FathomTrain(Program):
    """flags and methods are what --help lists."""

    def __init__(self, folder: Path):
        super().__init__(folder / "fathom-train")

    @cached_property
    def flags(self) -> set[str]:
        return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", self.help()))

    @cached_property
    def methods(self) -> set[str]:
        return set(choices(self.help(), "--method"))

    @cached_property
    def dropout_places(self) -> set[str]:
        return set(choices(self.help(), "--encoder-dropout")) - {"SHARE"}

    def has_subcommand(self, name: str, flag: str) -> bool:
        """Builds without it print the help of training."""
        return flag in self.help(name)

    def require(self, what: str, there: bool) -> None:
        if not there:
            raise NotInThisBuild(f"this build of fathom-train has no {what}")


class FathomBench(Program):
    def __init__(self, folder: Path):
        super().__init__(folder / "fathom-bench")

    def has_workload(self, name: str) -> bool:
        listed = re.search(r"workload TEXT:\{([^}]*)\}", self.help())
        return bool(listed) and name in listed[1].split(",")


def choices(help_text: str, flag: str) -> list[str]:
    """The words of "--flag a|b|c" in a help text."""
    found = re.search(rf"(?m)^\s*{flag} ([\w|=.-]+)", help_text)
    return found[1].split("|") if found else []
