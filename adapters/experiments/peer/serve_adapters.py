#!/usr/bin/env python3
"""Times answers of the `adapters` library: one text, one task and eight (a Parallel block), at
every n. Prints one JSON object.

    serve_adapters.py ENCODER ADAPTER_FOLDER TSV THREADS ROUNDS

The text is the one of median length in the file, as in fathom-train profile.
"""

import json
import sys
import time

import torch
from adapters import AutoAdapterModel
from adapters.composition import Parallel
from transformers import AutoTokenizer

from peer_data import load

TASKS = 8


def median_ms(call, rounds: int) -> float:
    times = []
    for turn in range(rounds + 2):  # two that are not timed
        start = time.perf_counter()
        call()
        if turn >= 2:
            times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[len(times) // 2]


@torch.inference_mode()
def main() -> None:
    encoder, folder, file, threads, rounds = sys.argv[1:6]
    if int(threads):
        torch.set_num_threads(int(threads))
    data = load(file, AutoTokenizer.from_pretrained(encoder), 128)
    text = sorted(data.texts, key=len)[len(data.texts) // 2]
    model = AutoAdapterModel.from_pretrained(encoder)
    names = [f"task{i}" for i in range(TASKS)]
    for name in names:
        model.load_adapter(folder, load_as=name)
    model.eval()
    ids = torch.tensor([text])
    mask = torch.ones_like(ids)
    result = {"tokens": len(text), "one_task": {}, "eight_tasks": {}}
    for n in range(model.config.num_hidden_layers):
        for key, active in (("one_task", names[0]), ("eight_tasks", Parallel(*names))):
            model.set_active_adapters(active, skip_layers=list(range(n)))
            result[key][n] = median_ms(lambda: model(input_ids=ids, attention_mask=mask),
                                       int(rounds))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
