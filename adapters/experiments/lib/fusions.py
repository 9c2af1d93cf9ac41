"""Pruned fusions and their profiles, as runs of the cache."""

import json
import shutil
from pathlib import Path

from lib.fathom import FathomTrain
from lib.glue import Split
from lib.runs import Run


def prune_run(fusion: Run, fusion_folder: Path, keep: int, split: Split, encoder: Path,
              program: FathomTrain) -> Run:
    program.require("prune", program.has_subcommand("prune", "--keep"))

    def command(folder: Path) -> list[str]:
        shutil.rmtree(folder / "task", ignore_errors=True)
        return [str(program.file), "prune", "--encoder", str(encoder), "--task",
                str(fusion_folder / "task"), "--keep", str(keep), "--train", str(split.train),
                "--output", str(folder / "task"), "--json", str(folder / "attention.json")]

    def collect(folder: Path) -> dict:
        return {"attention": json.loads((folder / "attention.json").read_text())}

    return Run(f"prune{keep}-{split.task.name}",
               {"program": "fathom-train prune", "fusion": fusion.settings, "keep": keep}, command,
               collect)


def profile_run(task: Run, task_folder: Path, split: Split, encoder: Path, program: FathomTrain,
                threads: int) -> Run:
    """Scores and times at every n, on dev."""
    program.require("profile", program.has_subcommand("profile", "--data"))

    def command(folder: Path) -> list[str]:
        return [str(program.file), "profile", "--encoder", str(encoder), "--task",
                str(task_folder / "task"), "--data", str(split.dev), "--metric", split.task.metric,
                "--json", str(folder / "profile.json"), "--dry-run", "--threads", str(threads)]

    def collect(folder: Path) -> dict:
        tasks = json.loads((folder / "profile.json").read_text())["tasks"]
        return {"points": next(iter(tasks.values()))["points"]}

    return Run(f"profile-{split.task.name}",
               {"program": "fathom-train profile", "build": program.digest, "of": task.settings,
                "dev_rows": split.dev_rows, "threads": threads}, command, collect)
