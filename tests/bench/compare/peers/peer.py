"""What a peer must be able to do, and the batches that all of them run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Logits = list[list[list[float]]]  # [texts][tasks][C]; of the raw encoder the [CLS] row


@dataclass(frozen=True)
class Setup:
    encoder: Path  # a Hugging Face folder
    exports: Path  # what exports.py made of it
    threads: int
    precision: str  # fp32 or bf16


class Unsupported(Exception):
    """The peer cannot do what is asked; the message says why."""


@dataclass(frozen=True)
class Batch:
    """Texts of one task, padded to the longest with id 0."""

    task: str  # empty: the raw encoder
    skip_layers: int
    places: list[tuple[int, int]]  # (text, task of the text) a row
    ids: list[list[int]]
    mask: list[list[int]]

    @property
    def padded(self) -> bool:
        return any(0 in row for row in self.mask)


@dataclass(frozen=True)
class Prepared:
    """A job with its inputs made: `run` is what is timed, `logits` reads its result."""

    run: Callable[[], Any]
    logits: Callable[[Any], Logits]


class Peer(ABC):
    @abstractmethod
    def __init__(self, setup: Setup) -> None:
        """Raises Unsupported."""

    @abstractmethod
    def prepare(self, job: dict[str, Any]) -> Prepared:
        """Raises Unsupported."""


def pad(rows: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """(ids padded with 0, mask with 1 at the rows' own ids)."""
    longest = max(len(row) for row in rows)
    return ([row + [0] * (longest - len(row)) for row in rows],
            [[1] * len(row) + [0] * (longest - len(row)) for row in rows])


def make_batches(job: dict[str, Any]) -> list[Batch]:
    """All (text, task) pairs by task and depth, sorted by length, `job["batch"]` a batch."""
    groups: dict[tuple[str, int], list[tuple[int, int, list[int]]]] = {}
    for i, text in enumerate(job["texts"]):
        for k, task in enumerate(text["tasks"]):
            key = (task.get("name", ""), task.get("skip_layers", 0))
            groups.setdefault(key, []).append((i, k, text["ids"]))
    batches = []
    for (task, skip_layers), rows in sorted(groups.items()):
        rows.sort(key=lambda row: len(row[2]))
        for part in slices(rows, job.get("batch") or len(rows)):
            ids, mask = pad([row[2] for row in part])
            batches.append(Batch(task, skip_layers, [(i, k) for i, k, _ in part], ids, mask))
    return batches


def slices(rows: list[Any], size: int) -> Iterator[list[Any]]:
    return (rows[i:i + size] for i in range(0, len(rows), size))


def scatter(job: dict[str, Any], batches: list[Batch], results: list[Any]) -> Logits:
    """Results of the batches, [rows][C] each, in the order of the job."""
    logits: Logits = [[[] for _ in text["tasks"]] for text in job["texts"]]
    for batch, rows in zip(batches, results, strict=True):
        for (i, k), row in zip(batch.places, rows, strict=True):
            logits[i][k] = [float(value) for value in row]
    return logits
