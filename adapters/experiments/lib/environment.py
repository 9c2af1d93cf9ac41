"""Python environments: one for tables and plots, one for the `adapters` library. Each is made once,
from its list of requirements, and kept beside the cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
CACHES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fathom"
DEFAULT_CACHE = CACHES / "experiments"


def install(python: Path, requirements: Path) -> None:
    lines = requirements.read_text().splitlines()
    torch = next((line for line in lines if line.startswith("torch==")), None)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The CPU build is a tenth of the plain one's size, but most indexes have only that.
    if torch and subprocess.run([*pip, f"{torch}+cpu"], capture_output=True).returncode != 0:
        print("the package index has no CPU build of torch; installing the plain one (3 GB)",
              file=sys.stderr)
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)


def make(folder: Path, requirements: Path) -> Path:
    """The Python of an environment that holds the requirements. It is complete when it was made
    from this very list."""
    stamp = folder / "requirements.txt"
    python = folder / "bin/python"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return python
    print(f"making {folder} from {requirements.name}: some minutes", file=sys.stderr)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "bin/pip").exists():  # or cut while it was made
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install(python, requirements)
    shutil.copy(requirements, stamp)
    return python


def use_own() -> None:
    """Goes on in the environment of the experiments. FATHOM_EXPERIMENTS_PYTHON names another Python
    that has what requirements.txt lists."""
    named = os.environ.get("FATHOM_EXPERIMENTS_PYTHON")
    python = Path(named) if named else make(CACHES / "experiments-venv",
                                            HERE / "requirements.txt")
    if Path(sys.prefix).resolve() == python.parent.parent.resolve():
        return
    if os.environ.get("FATHOM_EXPERIMENTS_IN") == str(python):
        return  # a Python that is no environment
    os.environ["FATHOM_EXPERIMENTS_IN"] = str(python)
    os.execv(python, [str(python), *sys.argv])


def peer_python() -> Path:
    """The Python of the `adapters` library. FATHOM_PEER_PYTHON names another one that has it."""
    named = os.environ.get("FATHOM_PEER_PYTHON")
    return Path(named) if named else make(CACHES / "experiments-peer-venv",
                                          HERE / "peer/requirements.txt")
