"""GLUE files of the user: which task is which, and subsets of them."""

import csv
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SUBSET_SEED = 1


@dataclass(frozen=True)
class Task:
    name: str
    metric: str  # as fathom-train names it
    note: str = ""  # that stands wherever its numbers stand


TASKS = {task.name: task for task in (
    Task("CoLA", "matthews"),
    Task("MRPC", "accuracy", "the original MSR train and test split, not GLUE's own"),
    Task("RTE", "accuracy"),
    Task("SST-2", "accuracy"),
    Task("STS-B", "spearman"),
    Task("QNLI", "accuracy"),
)}


@dataclass(frozen=True)
class Split:
    """The files of one training: whole, or subsets that lie in the cache."""
    task: Task
    train: Path
    dev: Path
    train_rows: int
    dev_rows: int
    train_rows_of: int  # in the user's file
    dev_rows_of: int

    def describe(self) -> str:
        return (f"{self.task.name}: train {part(self.train_rows, self.train_rows_of)}, "
                f"dev {part(self.dev_rows, self.dev_rows_of)}"
                + (f" ({self.task.note})" if self.task.note else ""))

    def as_json(self) -> dict:
        return {"task": self.task.name, "metric": self.task.metric, "note": self.task.note,
                "train_rows": self.train_rows, "train_rows_in_file": self.train_rows_of,
                "dev_rows": self.dev_rows, "dev_rows_in_file": self.dev_rows_of,
                "subset": f"first rows after a shuffle with seed {SUBSET_SEED}"
                if (self.train_rows, self.dev_rows) != (self.train_rows_of, self.dev_rows_of)
                else "all rows"}


def part(rows: int, of: int) -> str:
    return f"all {rows} rows" if rows == of else (f"{rows} of {of} rows (first after a shuffle, "
                                                  f"seed {SUBSET_SEED})")


def read_lines(file: Path) -> list[str]:
    """Header and rows, without their line ends. A text holds no \\n, but may hold \\x0b and others
    that str.splitlines splits at."""
    lines = file.read_text(encoding="utf-8").split("\n")
    return [line.rstrip("\r") for line in lines if line.strip()]


def read_rows(file: Path) -> list[dict[str, str]]:
    lines = read_lines(file)
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def label_of(row: dict[str, str]) -> str:
    return row["label"] if "label" in row else row["score"]


def subset(file: Path, rows: int | None, folder: Path) -> tuple[Path, int, int]:
    """(file, its rows, rows of the whole): the file itself, or one with its first rows after a
    seeded shuffle."""
    header, *lines = read_lines(file)
    if rows is None or rows >= len(lines):
        return file, len(lines), len(lines)
    random.Random(SUBSET_SEED).shuffle(lines)
    made = folder / f"{file.parent.name}-{file.stem}-{rows}.tsv"
    content = "\n".join([header, *lines[:rows]]) + "\n"
    if not made.exists() or made.read_text(encoding="utf-8") != content:
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(content, encoding="utf-8")
    return made, rows, len(lines)


def find(glue: Path, name: str, cache: Path, rows: int | None = None,
         dev_rows: int | None = None) -> Split:
    """SystemExit names the file that is missing."""
    for file in ("train.tsv", "dev.tsv"):
        if not (glue / name / file).is_file():
            raise SystemExit(f"--glue {glue} has no {name}/{file}")
    train, count, whole = subset(glue / name / "train.tsv", rows, cache / "data")
    dev, dev_count, dev_whole = subset(glue / name / "dev.tsv", dev_rows, cache / "data")
    return Split(TASKS.get(name, Task(name, "accuracy")), train, dev, count, dev_count, whole,
                 dev_whole)


def majority_baseline(split: Split) -> float:
    """The metric of a constant answer on dev: 0 for correlations."""
    if split.task.metric in ("matthews", "spearman", "pearson"):
        return 0.0
    labels = Counter(label_of(row) for row in read_rows(split.dev))
    return max(labels.values()) / sum(labels.values())
