"""Reads what the library saved and computes it again with formula.py, rightly and wrongly."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

import formula


def as_arrays(tensors):
    return {key: value.double().numpy() for key, value in tensors.items()}


def without_prefix(tensors):
    return {key.removeprefix("bert."): value for key, value in tensors.items()}


def read_encoder(encoder):
    tensors = {}
    for file in sorted(Path(encoder.name).glob("*.safetensors")):
        tensors |= load_file(file)
    config = json.loads((Path(encoder.name) / "config.json").read_text())
    return config, as_arrays(without_prefix(tensors))


def read_weights(folder, safetensors_name, bin_name):
    if (folder / safetensors_name).exists():
        return as_arrays(load_file(folder / safetensors_name))
    return as_arrays(torch.load(folder / bin_name, weights_only=True))


def read_task(task, folder):
    folder = Path(folder)
    config = json.loads((folder / "adapter_config.json").read_text())["config"]
    modules = without_prefix(read_weights(folder, "adapter.safetensors", "pytorch_adapter.bin"))
    head = read_weights(folder, "model_head.safetensors", "pytorch_model_head.bin")
    own = "classifier." if task.static_head else f"heads.{task.name}."
    names = sorted({key.rsplit(".", 1)[0] for key in head if key.startswith(own)})
    assert len(names) == task.layers
    return (config, modules, task.name), {"layers": names, "weights": head,
                                          "activation": task.activation,
                                          "use_pooler": task.use_pooler}


def formula_logits(read, adapter, head, inputs, skip_layers):
    config, weights = read
    states = (formula.encode(config, weights, text["ids"], text["segment_ids"], adapter, skip_layers)
              for text in inputs)
    return [formula.head_logits(weights, head, state) for state in states]


def largest_difference(left, right):
    return max(float(np.abs(a - b).max()) for a, b in zip(left, right, strict=True))


def cls_rows(read, inputs):
    """The raw encoder's [CLS] rows, [inputs][H]."""
    return [formula.encode(*read, text["ids"], text["segment_ids"])[0] for text in inputs]


def encoder_mistakes(read, inputs, expected):
    """How far the [CLS] rows move if a server gets one thing of the encoder wrong."""
    config, weights = read
    other_act = {"gelu": "gelu_new", "gelu_new": "gelu"}[config["hidden_act"]]
    one_segment = [text | {"segment_ids": [0] * len(text["ids"])} for text in inputs]
    wrong = {
        "segment ids ignored": cls_rows(read, one_segment),
        f"hidden_act {other_act}": cls_rows((config | {"hidden_act": other_act}, weights), inputs),
    }
    if config["layer_norm_eps"] > 1e-12:
        wrong["layer_norm_eps 1e-12"] = cls_rows((config | {"layer_norm_eps": 1e-12}, weights), inputs)
    return {mistake: largest_difference(rows, expected) for mistake, rows in wrong.items()}


def task_mistakes(read, adapter, head, inputs, depths):
    """How far the logits move if a server gets one thing of the adapter wrong."""
    config, modules, name = adapter

    def with_adapter(**changes):
        wrong = formula_logits(read, (config | changes, modules, name), head, inputs, 1)
        return largest_difference(wrong, depths[1])

    moved = {"n off by one": max(map(largest_difference, depths, depths[1:]))}
    if config["scaling"] != 1:
        moved["scaling ignored"] = with_adapter(scaling=1.0)
    if config["original_ln_before"]:
        moved["residual after the LayerNorm"] = with_adapter(residual_before_ln=False)
        moved["adapter reads f"] = with_adapter(original_ln_before=False)
    return moved
