#!/usr/bin/env python3
"""Makes tests/golden/data: two small random encoders, adapters saved by the Python `adapters`
library, and that library's answers at every skip depth.

    pip install -r requirements.txt      # adapters 1.3.0, transformers 4.57.6, torch 2.15.0, CPU
    python make_golden.py                # replaces data/; the same bytes at every run on one machine

The numbers come from the files as the library reads them back, one text at a time, unpadded. Each
is held against formula.py, and known mistakes are shown to move the numbers, before anything is
trusted.
"""

import json
import logging
import os
import shutil
import zlib
from pathlib import Path

import adapters
import numpy as np
import torch
import transformers
from adapters import BertAdapterModel
from transformers import (
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
    BertTokenizerFast,
)

import checks
from cases import ENCODERS, VOCABULARY

DATA = Path(__file__).resolve().parent / "data"
LIBRARY_TOLERANCE = 1e-5  # library (fp32) against formula.py (fp64)
MISTAKE_MINIMUM = 3e-4  # three times what golden_test.cc tolerates


# ---- random weights -----------------------------------------------------------------------------


def randomise(module, generator, std, select=lambda name: True):
    """Weights N(0, std), biases N(0, 0.1), LayerNorm gammas uniform in 0.8 … 1.2."""
    for name, parameter in sorted(module.named_parameters()):
        if not select(name):
            continue
        with torch.no_grad():
            if name.endswith("LayerNorm.weight"):
                parameter.uniform_(0.8, 1.2, generator=generator)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1, generator=generator)
            else:
                parameter.normal_(0, std, generator=generator)


def seeded(text):
    return torch.Generator().manual_seed(zlib.crc32(text.encode()))


def save_encoder(encoder):
    generator = seeded(encoder.name)
    model = (BertForPreTraining if encoder.half else BertModel)(encoder.config)
    randomise(model, generator, 0.25)
    randomise(model, generator, encoder.embedding_std, lambda name: "_embeddings" in name)
    if encoder.half:
        model.half().save_pretrained(encoder.name, max_shard_size="24KB")
    else:
        model.save_pretrained(encoder.name)
    folder = Path(encoder.name)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    write_json(folder / "tokenizer_config.json",
               {"do_lower_case": True,
                "model_max_length": encoder.config.max_position_embeddings,
                "tokenizer_class": "BertTokenizer"})


def load_model(kind, encoder, **options):
    model, info = kind.from_pretrained(encoder.name, dtype=torch.float32, output_loading_info=True,
                                       attn_implementation="eager", **options)
    missing = [key for key in info["missing_keys"] if not key.startswith("classifier.")]
    assert not missing and not info["mismatched_keys"], info
    return model.eval()


# ---- saving a task, the library's own way ---------------------------------------------------------


def label_options(task):
    return {"num_labels": max(len(task.labels), 1)} | (
        {"id2label": dict(enumerate(task.labels))} if task.labels else {})


def new_model(encoder, task):
    if not task.static_head:
        return load_model(BertAdapterModel, encoder)
    model = load_model(BertForSequenceClassification, encoder, **label_options(task),
                       label2id={label: index for index, label in enumerate(task.labels)})
    adapters.init(model)
    return model


def add_task(model, task, name):
    model.add_adapter(name, config=task.adapter)
    if not task.static_head:
        model.add_classification_head(name, layers=task.layers, use_pooler=task.use_pooler,
                                      activation_function=task.activation, **label_options(task))


def is_task_weight(name):
    return "adapters." in name or name.startswith(("heads.", "classifier."))


def save_task(encoder, task, folder):
    model = new_model(encoder, task)
    add_task(model, task, task.name)
    if task.neighbour:
        add_task(model, task, task.neighbour)
    randomise(model, seeded(f"{encoder.name}/{task.name}"), 0.2, is_task_weight)
    if task.half:
        model.half()
    if not task.bare_encoder:
        model.save_adapter(folder, task.name, use_safetensors=task.safetensors)
        return
    model.bert.save_adapter(folder, task.name)
    model.save_head(folder, task.name)


# ---- the library's answers ------------------------------------------------------------------------


def load_task(encoder, task, folder):
    """A fresh model that knows only what the files say."""
    model = new_model(encoder, task)
    info = {}
    model.load_adapter(folder, use_safetensors=task.safetensors, loading_info=info)
    unexpected = [key for key in info["unexpected_keys"] if f".{task.neighbour}." not in key]
    assert not info["missing_keys"] and not unexpected, info
    return model.eval()


def tensors_of(text):
    return {"input_ids": torch.tensor([text["ids"]]),
            "token_type_ids": torch.tensor([text["segment_ids"]])}


@torch.no_grad()
def library_logits(model, name, inputs, skip_layers):
    """[inputs][C] with layers 0 … skip_layers − 1 skipped.

    set_active_adapters keeps one skip list for the whole model and forgets it when called without:
    so it is given at every call, and looked up where the library reads it.
    """
    skipped = list(range(skip_layers))
    model.set_active_adapters(name, skip_layers=skipped)
    assert model.adapters_config.skip_layers == skipped
    return [model(**tensors_of(text)).logits[0].double().numpy() for text in inputs]


def check_skip_list_is_forgotten(model, task, inputs, depths):
    """After the deepest n, an activation without a skip list must be n = 0 again."""
    model.set_active_adapters(task.name)
    with torch.no_grad():
        again = [model(**tensors_of(text)).logits[0].double().numpy() for text in inputs]
    assert checks.largest_difference(again, depths[0]) == 0
    assert checks.largest_difference(again, depths[-1]) > MISTAKE_MINIMUM


@torch.no_grad()
def library_cls_rows(encoder, inputs):
    model = load_model(BertModel, encoder)
    return [model(**tensors_of(text)).last_hidden_state[0, 0].double().numpy() for text in inputs]


def make_inputs(encoder):
    """Six texts. Those with words also say what the tokenizer must make of them."""
    tokenizer = BertTokenizerFast.from_pretrained(encoder.name)
    limit = encoder.config.max_position_embeddings
    generator = np.random.default_rng(7)

    def from_words(name, tokens, first, second=None):
        encoded = tokenizer(first, second)
        assert len(encoded["input_ids"]) == tokens and 1 not in encoded["input_ids"], encoded
        text = {"text": first} | ({"text_pair": second} if second else {})
        return {"name": name} | text | {"ids": encoded["input_ids"],
                                        "segment_ids": encoded["token_type_ids"]}

    def from_ids(name, ids):
        return {"name": name, "ids": ids, "segment_ids": [0] * len(ids)}

    return [
        from_ids("one token", [2]),
        from_ids("two tokens", [2, 3]),
        from_words("7 tokens", 7, "the movie was very good"),
        from_words("20 tokens", 20,
                   "This film is very bad, but we like the cat and you hate that, so?"),
        from_words("a pair", 12, "how was the tea", "it was not good!"),
        from_ids("all positions", [2] + generator.integers(5, 100, limit - 2).tolist() + [3]),
    ]


# ---- expected.json --------------------------------------------------------------------------------


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def number_row(values):
    """Nine significant digits: every fp32 value comes back exactly."""
    return "[" + ", ".join(f"{value:.9g}" for value in values) + "]"


def block(rows, indent):
    inner = ",\n".join(" " * (indent + 2) + row for row in rows)
    return "[\n" + inner + "\n" + " " * indent + "]"


def write_expected(path, encoder, inputs, cls_rows, tasks):
    versions = {"adapters": adapters.__version__, "torch": torch.__version__.split("+")[0],
                "transformers": transformers.__version__}
    lines = [f'  "versions": {json.dumps(versions)}',
             f'  "layers": {encoder.config.num_hidden_layers}',
             '  "inputs": ' + block([json.dumps(text) for text in inputs], 2),
             '  "encoder_cls_rows": ' + block([number_row(row) for row in cls_rows], 2)]
    entries = []
    for task, depths in tasks:
        rows = block([block([number_row(row) for row in depth], 8) for depth in depths], 6)
        entries.append(f'    "{task.name}": {{\n      "labels": {json.dumps(task.labels)},\n'
                       f'      "logits": {rows}\n    }}')
    lines.append('  "tasks": {\n' + ",\n".join(entries) + "\n  }")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def trust(what, difference, mistakes):
    """Stops the script unless the numbers are right and would show every one of the mistakes."""
    print(f"{what}: library against formula {difference:.1e}")
    assert difference <= LIBRARY_TOLERANCE
    for mistake, moved in mistakes.items():
        print(f"    {mistake}: moves them by {moved:.1e}")
        assert moved >= MISTAKE_MINIMUM


def make_task(encoder, task, read, inputs):
    """Returns the logits [n][inputs][C], n = 0 … L."""
    folder = f"{encoder.name}/adapters/{task.name}"
    os.makedirs(folder)
    save_task(encoder, task, folder)
    model = load_task(encoder, task, folder)
    depths = [library_logits(model, task.name, inputs, n)
              for n in range(encoder.config.num_hidden_layers + 1)]
    check_skip_list_is_forgotten(model, task, inputs, depths)

    adapter, head = checks.read_task(task, folder)
    difference = max(
        checks.largest_difference(depth, checks.formula_logits(read, adapter, head, inputs, n))
        for n, depth in enumerate(depths))
    trust(folder, difference, checks.task_mistakes(read, adapter, head, inputs, depths))
    return depths


def make(encoder):
    save_encoder(encoder)
    inputs = make_inputs(encoder)
    read = checks.read_encoder(encoder)
    cls_rows = library_cls_rows(encoder, inputs)
    trust(encoder.name, checks.largest_difference(cls_rows, checks.cls_rows(read, inputs)),
          checks.encoder_mistakes(read, inputs, cls_rows))
    tasks = [(task, make_task(encoder, task, read, inputs)) for task in encoder.tasks]
    write_expected(Path(encoder.name) / "expected.json", encoder, inputs, cls_rows, tasks)


def main():
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 100
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("adapters").setLevel(logging.ERROR)  # set_active_adapters warns of its own reset
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    os.chdir(DATA)  # the library writes the encoder's path into its files: keep it "tiny-a"
    for encoder in ENCODERS:
        torch.manual_seed(0)
        make(encoder)


if __name__ == "__main__":
    main()
