#!/usr/bin/env python3
"""Makes tests/golden/fusions: fusions of adapters on the encoder data/tiny-a, saved by the Python
`adapters` library, and that library's answers at every skip depth.

    python make_fusion_golden.py         # after make_golden.py, in the same environment

As there, every number is held against formula.py, and known mistakes are shown to move it.
"""

import dataclasses
import json
import logging
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import torch
import transformers
from adapters import BertAdapterModel, DoubleSeqBnConfig, SeqBnConfig
from adapters.composition import Fuse

import checks
import formula
import make_golden

HERE = Path(__file__).resolve().parent
ENCODER = SimpleNamespace(name="tiny-a")
OUTPUT = HERE / "fusions"


@dataclass
class FusedTask:
    name: str
    members: dict  # adapter configs by name
    labels: list  # empty: regression
    kind: str = "dynamic"
    safetensors: bool = False

    @property
    def fusion_name(self):
        return ",".join(self.members)


TASKS = [
    FusedTask("pfeiffer", {"a": SeqBnConfig(reduction_factor=4), "b": SeqBnConfig(reduction_factor=8),
                           "c": SeqBnConfig(reduction_factor=4, non_linearity="gelu")},
              ["no", "yes", "maybe"]),
    FusedTask("houlsby", {name: DoubleSeqBnConfig(reduction_factor=8) for name in "abc"},
              ["negative", "positive"], safetensors=True),
    FusedTask("static", {name: SeqBnConfig(reduction_factor=8) for name in "ab"}, [], kind="static"),
    # The last-named adapter must stand wherever another does, or the library cannot run it.
    FusedTask("pruned", {"a": SeqBnConfig(reduction_factor=8, leave_out=[0, 1]),
                         "b": SeqBnConfig(reduction_factor=8, leave_out=[0, 2]),
                         "c": SeqBnConfig(reduction_factor=8, leave_out=[0])}, ["down", "up"]),
]


def fuse(task):
    return Fuse(*task.members)


def is_task_weight(name):
    return "adapter" in name or name.startswith("heads.")


def save_task(task, folder):
    model = make_golden.load_model(BertAdapterModel, ENCODER)
    for name, config in task.members.items():
        model.add_adapter(name, config=config)
    model.add_adapter_fusion(fuse(task), config=task.kind)
    model.add_classification_head(task.fusion_name, **make_golden.label_options(task))
    make_golden.randomise(model, make_golden.seeded(f"fusion/{task.name}"), 0.2, is_task_weight)
    model.save_adapter_setup(folder, fuse(task), head_setup=task.fusion_name,
                             use_safetensors=task.safetensors)


@torch.no_grad()
def library_depths(task, folder, inputs):
    """Logits [n][inputs][C] of a fresh model that knows only what the files say."""
    model = make_golden.load_model(BertAdapterModel, ENCODER)
    model.load_adapter_setup(folder, use_safetensors=task.safetensors)
    model.eval()
    depths = []
    for n in range(model.config.num_hidden_layers + 1):
        model.set_active_adapters(fuse(task), skip_layers=list(range(n)))
        model.active_head = task.fusion_name
        depths.append([model(**make_golden.tensors_of(text)).logits[0].double().numpy()
                       for text in inputs])
    return depths


def read_fusion(task, folder):
    folder = Path(folder)
    members = []
    for name in task.members:
        config = json.loads((folder / name / "adapter_config.json").read_text())["config"]
        members.append((config, checks.without_prefix(checks.read_weights(
            folder / name, "adapter.safetensors", "pytorch_adapter.bin")), name))
    own = folder / task.fusion_name
    weights = checks.read_weights(own, "model_adapter_fusion.safetensors",
                                  "pytorch_model_adapter_fusion.bin")
    fusion = formula.Fusion(members, checks.without_prefix(weights), task.fusion_name)
    head = checks.read_weights(own, "model_head.safetensors", "pytorch_model_head.bin")
    names = sorted({key.rsplit(".", 1)[0] for key in head})
    return fusion, {"layers": names, "weights": head, "activation": "tanh", "use_pooler": False}


def mistakes(read, fusion, head, inputs, depths):
    """How far the logits move if a server gets one thing of the fusion wrong."""

    def with_fusion(**changes):
        wrong = dataclasses.replace(fusion, **changes)
        return checks.largest_difference(
            checks.formula_logits(read, wrong, head, inputs, 1), depths[1])

    hidden_size = read[0]["hidden_size"]
    return {"n off by one": max(map(checks.largest_difference, depths, depths[1:])),
            "scores divided by the root of H": with_fusion(score_scale=1 / math.sqrt(hidden_size)),
            "no attention": with_fusion(score_scale=0),
            "the first adapter left out": with_fusion(members=fusion.members[1:])}


def make_task(task, read, inputs):
    folder = str(OUTPUT / "tasks" / task.name)
    save_task(task, folder)
    depths = library_depths(task, folder, inputs)
    fusion, head = read_fusion(task, folder)
    difference = max(
        checks.largest_difference(depth, checks.formula_logits(read, fusion, head, inputs, n))
        for n, depth in enumerate(depths))
    make_golden.trust(f"fusion {task.name}", difference,
                      mistakes(read, fusion, head, inputs, depths))
    return depths


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "tasks").mkdir(parents=True)
    os.chdir(make_golden.DATA)  # the library writes the encoder's path into its files
    torch.manual_seed(0)
    known = json.loads(Path("tiny-a/expected.json").read_text())
    read = checks.read_encoder(ENCODER)
    tasks = [(task, make_task(task, read, known["inputs"])) for task in TASKS]
    encoder = SimpleNamespace(config=SimpleNamespace(num_hidden_layers=known["layers"]))
    make_golden.write_expected(OUTPUT / "expected.json", encoder, known["inputs"],
                               known["encoder_cls_rows"], tasks)


if __name__ == "__main__":
    main()
