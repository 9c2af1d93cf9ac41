"""Times optimizer steps of the `adapters` library: padding to the longest text of a batch, its
AdapterDrop (skip_layers), the first texts of a file in the order of the file, as fathom-step-bench
does. One JSON line a depth.

    reference_step.py ENCODER TRAIN.tsv --depths 0,5,11 --threads 2
"""

import argparse
import csv
import json
import time

import torch
from adapters import AutoAdapterModel
from transformers import AutoTokenizer


def read_texts(path, columns):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [tuple(row[column] for column in columns if column in row) for row in rows]


def make_model(encoder, method):
    model = AutoAdapterModel.from_pretrained(encoder)
    model.add_classification_head("task", num_labels=2)
    if method == "adapter":
        model.add_adapter("task", config="seq_bn")
        model.train_adapter("task")
    model.train()
    return model


def step_ms(model, tokenizer, texts, options, skip_layers):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    total = 0.0
    for step in range(-1, options.steps):
        first = max(step, 0) * options.batch_size
        batch = texts[first : first + options.batch_size]
        encoded = tokenizer(
            *map(list, zip(*batch)), truncation=True, max_length=128, padding="longest",
            return_tensors="pt",
        )
        labels = torch.arange(len(batch)) % 2
        start = time.perf_counter()
        if options.method == "adapter":
            model.set_active_adapters("task", skip_layers=list(range(skip_layers)))
        model(**encoded, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step >= 0:
            total += time.perf_counter() - start
    return 1000 * total / options.steps


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder")
    parser.add_argument("train")
    parser.add_argument("--depths", default="0")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--method", choices=["adapter", "full"], default="adapter")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)
    texts = read_texts(options.train, ["sentence", "sentence1", "sentence2"])
    model = make_model(options.encoder, options.method)
    for depth in map(int, options.depths.split(",")):
        ms = step_ms(model, tokenizer, texts, options, depth)
        print(json.dumps({"n": depth, "step_ms": round(ms, 1)}), flush=True)


if __name__ == "__main__":
    main()
