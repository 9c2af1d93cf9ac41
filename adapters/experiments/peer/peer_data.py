"""Rows of a GLUE file as token ids and targets, for the `adapters` library."""

import csv
from dataclasses import dataclass

import numpy as np
import torch

COLUMNS = ("sentence", "sentence1", "sentence2")


@dataclass
class Data:
    tokenizer: object
    texts: list[list[int]]  # token ids
    kinds: list[list[int]]  # token types: 1 in the second text of a pair
    targets: np.ndarray
    labels: list[str]  # empty in regression

    def batch(self, rows: np.ndarray) -> tuple[dict, torch.Tensor]:
        """Model inputs padded to the longest of the rows, and their targets."""
        inputs = self.tokenizer.pad({"input_ids": [self.texts[row] for row in rows],
                                     "token_type_ids": [self.kinds[row] for row in rows]},
                                    padding="longest", return_tensors="pt")
        targets = torch.from_numpy(self.targets[rows])
        return dict(inputs), targets.long() if self.labels else targets.float()


def sorted_labels(labels: set[str]) -> list[str]:
    """In numeric order if all are whole numbers, in byte order otherwise, as fathom-train."""
    try:
        return sorted(labels, key=int)
    except ValueError:
        return sorted(labels)


def load(file: str, tokenizer, max_tokens: int, labels: list[str] | None = None) -> Data:
    with open(file, encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader((line.rstrip("\r\n") for line in opened), delimiter="\t",
                                   quoting=csv.QUOTE_NONE))
    columns = [column for column in COLUMNS if column in rows[0]]
    encoded = tokenizer(*[[row[column] for row in rows] for column in columns], truncation=True,
                        max_length=max_tokens, return_token_type_ids=True)
    if "label" not in rows[0]:
        labels, targets = [], np.array([float(row["score"]) for row in rows])
    else:
        labels = labels or sorted_labels({row["label"] for row in rows})
        targets = np.array([labels.index(row["label"]) for row in rows])
    return Data(tokenizer, encoded["input_ids"], encoded["token_type_ids"], targets, labels)
