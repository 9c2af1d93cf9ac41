#!/usr/bin/env python3
"""Trains one adapter in the `adapters` library with the settings of fathom-train: the same head,
schedule, optimizer, draws of n and choice of the checkpoint; texts of a step padded to its longest.

    train_adapters.py SETTINGS_JSON FOLDER

Writes log.jsonl, as fathom-train --log does, scores.json and the adapter into FOLDER. The
checkpoint is written after each epoch; the same command goes on from it.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from adapters import AutoAdapterModel, DoubleSeqBnConfig, SeqBnConfig
from transformers import AutoTokenizer

from peer_data import Data, load
from peer_metrics import evaluate

WARMUP_SHARE = 0.06
EVALUATION_BATCH = 64
CONFIGS = {"pfeiffer": SeqBnConfig, "houlsby": DoubleSeqBnConfig}


def make_model(settings: dict, data: Data):
    model = AutoAdapterModel.from_pretrained(settings["encoder"])
    if settings["method"] != "full":
        config = CONFIGS[settings["architecture"]](
            reduction_factor=settings["reduction_factor"] or 16,
            leave_out=list(range(settings["skip_layers"] or 0)))
        model.add_adapter("task", config=config)
    model.add_classification_head("task", num_labels=max(1, len(data.labels)), layers=2,
                                  activation_function="tanh")
    if settings["method"] != "full":
        model.train_adapter("task")
    return model


def learning_rate(settings: dict, step: int, total: int) -> float:
    """As adapters/schedule/learning_rate.h; step counts from 0."""
    warmup = int(np.ceil(total * WARMUP_SHARE))
    if step < warmup:
        return settings["learning_rate"] * (step + 1) / warmup
    return settings["learning_rate"] * max(0.0, total - step) / max(1.0, total - warmup)


class Trainer:
    def __init__(self, settings: dict, folder: Path):
        self.settings = settings
        self.folder = folder
        torch.manual_seed(settings["seed"])
        if settings["threads"]:
            torch.set_num_threads(settings["threads"])
        tokenizer = AutoTokenizer.from_pretrained(settings["encoder"])
        self.train_data = load(settings["train"], tokenizer, settings["max_tokens"])
        self.dev_data = load(settings["dev"], tokenizer, settings["max_tokens"],
                             self.train_data.labels)
        self.model = make_model(settings, self.train_data)
        self.layers = self.model.config.num_hidden_layers
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=0.0, betas=(0.9, 0.999), eps=1e-8,
                                           weight_decay=0.0)
        self.random = np.random.default_rng(settings["seed"])
        self.step = 0
        self.best = {"score": -np.inf, "step": 0, "weights": None}
        batch = settings["batch_size"]
        self.steps_per_epoch = -(-len(self.train_data.texts) // batch)
        self.total = self.steps_per_epoch * settings["epochs"]
        self.start = time.monotonic()

    def skip(self, n: int) -> None:
        if self.settings["method"] != "full":
            self.model.set_active_adapters("task", skip_layers=list(range(n)))

    def draw(self) -> int:
        if self.settings["method"] == "robust":
            return int(self.random.integers(0, self.layers))
        return self.settings["skip_layers"] or 0

    def train_step(self, rows: np.ndarray) -> dict:
        n = self.draw()
        self.skip(n)
        rate = learning_rate(self.settings, self.step, self.total)
        self.optimizer.param_groups[0]["lr"] = rate
        inputs, targets = self.train_data.batch(rows)
        logits = self.model(**inputs).logits
        if self.train_data.labels:
            loss = torch.nn.functional.cross_entropy(logits, targets)
        else:
            loss = torch.nn.functional.mse_loss(logits.squeeze(1), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()  # to None: a parameter without gradient is not stepped
        self.step += 1
        return {"step": self.step, "n": n, "loss": loss.item(), "learning_rate": rate}

    @torch.inference_mode()
    def measure(self, n: int) -> float:
        """The dev metric at n."""
        self.model.eval()
        self.skip(n)
        order = np.argsort([len(ids) for ids in self.dev_data.texts], kind="stable")
        answers = np.zeros((len(order), max(1, len(self.train_data.labels))), dtype=np.float64)
        for first in range(0, len(order), EVALUATION_BATCH):
            rows = order[first : first + EVALUATION_BATCH]
            answers[rows] = self.model(**self.dev_data.batch(rows)[0]).logits.numpy()
        self.model.train()
        predicted = answers.argmax(1) if self.train_data.labels else answers[:, 0]
        return evaluate(self.settings["metric"], predicted, self.dev_data.targets)

    def selection_depths(self) -> list[int]:
        if self.settings["method"] == "robust":
            return sorted({0, self.layers // 4, self.layers // 2, 3 * self.layers // 4})
        return [self.settings["skip_layers"] or 0]

    def weights(self) -> dict:
        kept = {name for name, p in self.model.named_parameters() if p.requires_grad}
        return {k: v.clone() for k, v in self.model.state_dict().items() if k in kept}

    def evaluate_and_keep_best(self) -> dict:
        dev = {str(n): self.measure(n) for n in self.selection_depths()}
        score = float(np.mean(list(dev.values())))
        better = score > self.best["score"]
        if better:
            self.best = {"score": score, "step": self.step, "weights": self.weights()}
        return {"step": self.step, "dev": dev, "score": score, "best": better}

    def save(self) -> None:
        partial = self.folder / "checkpoint.partial"
        torch.save({"weights": self.weights(), "optimizer": self.optimizer.state_dict(),
                    "random": self.random.bit_generator.state, "torch": torch.get_rng_state(),
                    "step": self.step, "best": self.best}, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def restore(self) -> bool:
        file = self.folder / "checkpoint.pt"
        if not file.exists():
            return False
        kept = torch.load(file, weights_only=False)
        self.model.load_state_dict(kept["weights"], strict=False)
        self.optimizer.load_state_dict(kept["optimizer"])
        self.random.bit_generator.state = kept["random"]
        torch.set_rng_state(kept["torch"])
        self.step, self.best = kept["step"], kept["best"]
        return True

    def run(self) -> None:
        resumed = self.restore()
        every = self.settings["dev_every"] or self.steps_per_epoch
        batch = self.settings["batch_size"]
        self.model.train()
        self.start = time.monotonic()
        with open(self.folder / "log.jsonl", "a" if resumed else "w", encoding="utf-8") as log:
            while self.step < self.total:
                epoch = self.step // self.steps_per_epoch
                # Its own stream, so that a resumed run sees the order of the uninterrupted one.
                order = np.random.default_rng((self.settings["seed"], epoch)).permutation(
                    len(self.train_data.texts))
                for first in range(0, len(order), batch):
                    self.write(log, self.train_step(order[first : first + batch]))
                    if self.step % every == 0 or self.step == self.total:
                        self.write(log, self.evaluate_and_keep_best())
                self.save()
        self.finish()

    def write(self, log, entry: dict) -> None:
        log.write(json.dumps({**entry, "seconds": time.monotonic() - self.start}) + "\n")
        log.flush()

    def finish(self) -> None:
        self.model.load_state_dict(self.best["weights"], strict=False)
        full = self.settings["method"] == "full"
        curve = {str(n): self.measure(n) for n in ([0] if full else range(self.layers + 1))}
        if not full:
            self.model.save_adapter(str(self.folder / "task"), "task", with_head=True,
                                    use_safetensors=True)
        (self.folder / "scores.json").write_text(json.dumps(
            {"curve": curve, "selected_score": self.best["score"], "best_step": self.best["step"]}))


if __name__ == "__main__":
    Trainer(json.loads(sys.argv[1]), Path(sys.argv[2])).run()
