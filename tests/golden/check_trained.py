#!/usr/bin/env python3
"""Opens a folder that fathom-train wrote in the Python `adapters` library, unchanged, and runs it.

    pip install -r requirements.txt
    python check_trained.py ENCODER_FOLDER ADAPTER_FOLDER TSV COLUMN N...

ADAPTER_FOLDER may be a fusion's. COLUMN is the text column of the TSV, or two joined by a comma for
pairs. Each N is a skip depth. Prints the logits of the first rows and, where the TSV has a label
column, the score at every N with the score that the folder's own depth profile promises. Ends with an
error if the library misses a tensor of the adapter or its head, or finds one that it has no place for.
"""

import argparse
import csv
import json
import logging
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from adapters import BertAdapterModel
from transformers import AutoTokenizer

LABEL_COLUMNS = ("label", "category", "score")
SHOWN_ROWS = 3


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", help="Hugging Face folder")
    parser.add_argument("adapter", help="folder written by fathom-train")
    parser.add_argument("tsv", help="tab-separated file with a header")
    parser.add_argument("column", help="text column, or FIRST,SECOND")
    parser.add_argument("skip_layers", type=int, nargs="+", metavar="N")
    parser.add_argument("--label-column", help=f"default: the first of {', '.join(LABEL_COLUMNS)}")
    parser.add_argument("--rows", type=int, help="read only so many rows")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--safetensors", action="store_true", help="open the safetensors, not .bin")
    return parser.parse_args()


def read_rows(arguments):
    """Texts (one list a column), and labels as they stand in the file or None."""
    with open(arguments.tsv, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = rows[: arguments.rows]
    columns = arguments.column.split(",")
    known = list(rows[0]) if rows else []
    missing = [column for column in columns if column not in known]
    if missing or len(columns) > 2:
        sys.exit(f"{arguments.tsv}: no text column '{arguments.column}'; the header has {known}")
    label = arguments.label_column or next((name for name in LABEL_COLUMNS if name in known), None)
    texts = [[row[column] for row in rows] for column in columns]
    return texts, [row[label] for row in rows] if label else None


def is_fusion(folder):
    return (Path(folder) / "adapter_setup.json").exists()


def load(arguments):
    """The model, what to activate in it, and the name of the head."""
    model = BertAdapterModel.from_pretrained(arguments.encoder, dtype=torch.float32)
    if is_fusion(arguments.adapter):  # check_written_fusion.py compares every tensor
        setup, head = model.load_adapter_setup(arguments.adapter, set_active=True,
                                               use_safetensors=arguments.safetensors)
        return model.eval(), setup, head
    info = {}
    name = model.load_adapter(arguments.adapter, loading_info=info,
                              use_safetensors=arguments.safetensors)
    if info["missing_keys"] or info["unexpected_keys"]:
        sys.exit(f"{arguments.adapter}: missing {info['missing_keys']}, "
                 f"unexpected {info['unexpected_keys']}")
    if name not in model.heads:
        sys.exit(f"{arguments.adapter}: no head of the adapter's name, '{name}'")
    return model.eval(), name, name


@torch.no_grad()
def logits_at(model, setup, encoded, skip_layers, batch_size):
    # The library keeps one skip list for the whole model and drops it at a call without one.
    model.set_active_adapters(setup, skip_layers=list(range(skip_layers)))
    batches = []
    for first in range(0, len(encoded["input_ids"]), batch_size):
        batch = {key: value[first : first + batch_size] for key, value in encoded.items()}
        batches.append(model(**batch).logits.numpy())
    return np.concatenate(batches)


def score(logits, labels, label2id):
    """Accuracy, or Pearson's correlation for a head with one output."""
    if logits.shape[1] == 1:
        return "pearson", float(np.corrcoef(logits[:, 0], np.array(labels, dtype=float))[0, 1])
    if not all(label in label2id for label in labels):
        sys.exit(f"labels {sorted(set(labels) - set(label2id))} are not among {sorted(label2id)}")
    wanted = np.array([label2id[label] for label in labels])
    return "accuracy", float((logits.argmax(-1) == wanted).mean())


def promised_scores(folder):
    """What the folder's configuration says of the training: metric, {n: score}, and the tokens at which
    texts were cut (None where it does not say)."""
    file = "adapter_setup.json" if is_fusion(folder) else "adapter_config.json"
    fathom = json.loads((Path(folder) / file).read_text()).get("fathom") or {}
    profile = {point["skip_layers"]: point["score"] for point in fathom.get("depth_profile") or []}
    max_tokens = (fathom.get("details") or {}).get("max-tokens")
    return fathom.get("metric"), profile, max_tokens and int(max_tokens)


def main():
    arguments = parse_arguments()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    texts, labels = read_rows(arguments)
    model, setup, name = load(arguments)
    layers = model.config.num_hidden_layers
    if not all(0 <= n <= layers for n in arguments.skip_layers):
        sys.exit(f"every N must be in 0 … {layers}")

    tokenizer = AutoTokenizer.from_pretrained(arguments.encoder)
    metric, profile, max_tokens = promised_scores(arguments.adapter)
    # Cut as in training, or long texts would score otherwise than the profile says.
    encoded = tokenizer(*texts, padding=True, truncation="longest_first", return_tensors="pt",
                        max_length=max_tokens or model.config.max_position_embeddings)
    head = model.heads[name].config
    print(f"adapter '{name}', head {head['head_type']}, labels {head['label2id']}, "
          f"{len(texts[0])} rows")
    for n in arguments.skip_layers:
        logits = logits_at(model, setup, encoded, n, arguments.batch_size)
        for row in logits[:SHOWN_ROWS]:
            print(f"n = {n}: logits " + " ".join(f"{value:.6f}" for value in row))
        if labels:
            kind, value = score(logits, labels, head["label2id"])
            promised = f", profile says {metric} {profile[n]:.4f}" if n in profile else ""
            print(f"n = {n}: {kind} {value:.4f}{promised}")


if __name__ == "__main__":
    main()
