#!/usr/bin/env python3
"""Makes tests/golden/outputs: adapters on the encoder data/tiny-a whose heads tag tokens or give
several labels, saved by the Python `adapters` library, with that library's logits at every skip
depth; and the encoder's and an adapter's pooled states.

    python make_output_golden.py         # after make_golden.py, in the same environment

As there, the numbers are held against formula.py before they are written.
"""

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import transformers
from adapters import BertAdapterModel, DoubleSeqBnConfig, ParBnConfig, SeqBnConfig

import checks
import formula
import make_golden

HERE = Path(__file__).resolve().parent
ENCODER = SimpleNamespace(name="tiny-a")
OUTPUT = HERE / "outputs"
INPUTS = ["one token", "7 tokens", "20 tokens", "a pair"]


@dataclass
class HeadedTask:
    name: str
    adapter: object
    kind: str  # the library's head_type
    labels: list
    layers: int
    activation: str | None = "tanh"
    use_pooler: bool = False
    safetensors: bool = True
    static_head: bool = False


TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
TASKS = [
    HeadedTask("tags", SeqBnConfig(reduction_factor=8), "tagging", TAGS, 1),
    HeadedTask("tags-deep", DoubleSeqBnConfig(reduction_factor=8), "tagging", TAGS[:3], 2, "relu",
               safetensors=False),
    HeadedTask("tags-parallel", ParBnConfig(reduction_factor=8), "tagging", ["no", "yes"], 2, None),
    HeadedTask("topics", SeqBnConfig(reduction_factor=8), "multilabel_classification",
               ["art", "law", "war"], 2),
    HeadedTask("one-topic", SeqBnConfig(reduction_factor=8, leave_out=[3]),
               "multilabel_classification", ["art"], 1, use_pooler=True),
]


def add_head(model, task):
    options = {"num_labels": len(task.labels), "layers": task.layers,
               "activation_function": task.activation, "id2label": dict(enumerate(task.labels))}
    if task.kind == "tagging":
        model.add_tagging_head(task.name, **options)
    else:
        model.add_classification_head(task.name, multilabel=True, use_pooler=task.use_pooler,
                                      **options)


def save_task(task, folder):
    model = make_golden.load_model(BertAdapterModel, ENCODER)
    model.add_adapter(task.name, config=task.adapter)
    add_head(model, task)
    make_golden.randomise(model, make_golden.seeded(f"outputs/{task.name}"), 0.2,
                          make_golden.is_task_weight)
    model.save_adapter(str(folder), task.name, use_safetensors=task.safetensors)


def load_task(task, folder):
    """A fresh model that knows only what the files say."""
    model = make_golden.load_model(BertAdapterModel, ENCODER)
    info = {}
    model.load_adapter(str(folder), use_safetensors=task.safetensors, loading_info=info)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    assert model.heads[task.name].config["head_type"] == task.kind
    return model.eval()


@torch.no_grad()
def library_answers(model, task, inputs, skip_layers):
    """For each input its logits, [S, C] or [C], and its last hidden state [S, H]."""
    model.set_active_adapters(task.name, skip_layers=list(range(skip_layers)))
    answers = []
    for text in inputs:
        tensors = make_golden.tensors_of(text)
        logits = model(**tensors).logits[0].double().numpy()
        states = model.bert(**tensors).last_hidden_state[0].double().numpy()
        answers.append((logits, states))
    return answers


def formula_answers(read, adapter, head, task, inputs, skip_layers):
    config, weights = read
    answers = []
    for text in inputs:
        states = formula.encode(config, weights, text["ids"], text["segment_ids"], adapter,
                                skip_layers)
        rows = states if task.kind == "tagging" else states[:1]
        logits = np.stack([formula.head_logits(weights, head, [row]) for row in rows])
        answers.append((logits if task.kind == "tagging" else logits[0], states))
    return answers


def largest_difference(left, right):
    return max(float(np.abs(a - b).max()) for pair in zip(left, right, strict=True)
               for a, b in zip(*pair, strict=True))


def pooled(states):
    return {"cls": states[0], "mean": states.mean(0)}


@torch.no_grad()
def raw_states(inputs):
    model = make_golden.load_model(transformers.BertModel, ENCODER)
    return [model(**make_golden.tensors_of(text)).last_hidden_state[0].double().numpy()
            for text in inputs]


def make_task(task, read, inputs):
    """The library's answers [n][inputs], n = 0 … L."""
    folder = OUTPUT / "tasks" / task.name
    folder.mkdir(parents=True)
    save_task(task, folder)
    model = load_task(task, folder)
    depths = [library_answers(model, task, inputs, n)
              for n in range(model.config.num_hidden_layers + 1)]
    adapter, head = checks.read_task(task, folder)
    difference = max(largest_difference(depth, formula_answers(read, adapter, head, task, inputs, n))
                     for n, depth in enumerate(depths))
    moved = max(largest_difference(a, b) for a, b in zip(depths, depths[1:]))
    make_golden.trust(task.name, difference, {"n off by one": moved})
    return depths


def rows_of(depths, pick):
    return [[make_golden.number_row(np.ravel(pick(*answer))) for answer in depth]
            for depth in depths]


def nested(depths, indent):
    return make_golden.block([make_golden.block(depth, indent + 2) for depth in depths], indent)


def task_entry(task, depths):
    return (f'    "{task.name}": {{\n      "kind": "{task.kind}",\n'
            f'      "labels": {make_golden.json.dumps(task.labels)},\n'
            f'      "logits": {nested(rows_of(depths, lambda logits, _: logits), 6)}\n    }}')


def states_entry(name, depths):
    parts = [f'      "{kind}": ' + nested(
        rows_of(depths, lambda _, states, kind=kind: pooled(states)[kind]), 6)
             for kind in ("cls", "mean")]
    return f'    "{name}": {{\n' + ",\n".join(parts) + "\n    }"


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    os.chdir(make_golden.DATA)  # the library writes the encoder's path into its files
    read = checks.read_encoder(ENCODER)
    config = SimpleNamespace(name="tiny-a",
                             config=SimpleNamespace(**read[0]))
    inputs = [text for text in make_golden.make_inputs(config) if text["name"] in INPUTS]
    tasks = [(task, make_task(task, read, inputs)) for task in TASKS]
    raw = [[(None, states) for states in raw_states(inputs)]]
    entries = [states_entry("", raw), states_entry(TASKS[0].name, tasks[0][1])]
    lines = ['  "inputs": ' + make_golden.block(list(map(make_golden.json.dumps, inputs)), 2),
             '  "tasks": {\n' + ",\n".join(task_entry(*task) for task in tasks) + "\n  }",
             '  "states": {\n' + ",\n".join(entries) + "\n  }"]
    (OUTPUT / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
