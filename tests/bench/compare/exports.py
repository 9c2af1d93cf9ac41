"""What the peers load, made once from an encoder and kept by its fingerprint:

    tasks/t0 … t7       random Pfeiffer adapters with heads, in the files of the `adapters` library
    task_weights.npz    the same weights, stacked by layer
    encoder.onnx        ids, mask -> [CLS] row of the last state
    task.onnx           ids, mask, a task's weights -> logits
    ctranslate2/        the encoder for CTranslate2

    python exports.py --encoder DIR --cache DIR     prints the folder
"""

import argparse
import hashlib
import importlib.metadata
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workloads

VERSION = "1"  # of what this file makes
SEED = 1
REDUCTION_FACTOR = 16
CLASSES = 3  # of every task: a Parallel block stacks the logits of its heads

TASKS = "tasks"
TASK_WEIGHTS = "task_weights.npz"
ENCODER_ONNX = "encoder.onnx"
TASK_ONNX = "task.onnx"
CTRANSLATE2 = "ctranslate2"

PACKAGES = ("adapters", "ctranslate2", "torch", "transformers")


def task_folders(exports: Path) -> list[Path]:
    return [exports / TASKS / name for name in workloads.task_names()]


def read_task_weights(exports: Path) -> dict[str, dict[str, Any]]:
    """By task, the inputs of task.onnx that are its weights."""
    import numpy as np

    with np.load(exports / TASK_WEIGHTS) as file:
        weights: dict[str, dict[str, Any]] = {}
        for key in file:
            task, name = key.split("/")
            weights.setdefault(task, {})[name] = file[key]
    return weights


def fingerprint(encoder: Path) -> str:
    """Hex; equal for equal encoder files, library versions and version of this file."""
    digest = hashlib.sha256(VERSION.encode())
    for package in PACKAGES:
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    for path in sorted(encoder.iterdir()):
        if path.suffix in (".json", ".safetensors", ".bin", ".txt"):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def export(encoder: Path, cache: Path) -> Path:
    """The folder of exports, with what was missing made. A step cut off is made anew."""
    folder = cache / fingerprint(encoder)
    folder.mkdir(parents=True, exist_ok=True)
    steps: dict[str, Callable[[Path, Path, Path], None]] = {
        TASKS: make_tasks,
        TASK_WEIGHTS: stack_task_weights,
        ENCODER_ONNX: export_encoder,
        TASK_ONNX: export_task,
        CTRANSLATE2: export_ctranslate2,
    }
    for name, step in steps.items():
        if (folder / name).exists():
            continue
        print(f"      exporting {name}", file=sys.stderr, flush=True)
        part = folder / f"part.{name}"
        if part.is_dir():
            shutil.rmtree(part)
        step(encoder, folder, part)
        if part.exists():
            part.replace(folder / name)
    return folder


def make_tasks(encoder: Path, _: Path, part: Path) -> None:
    import torch
    from adapters import AutoAdapterModel, SeqBnConfig

    model = AutoAdapterModel.from_pretrained(encoder)
    generator = torch.Generator().manual_seed(SEED)
    for name in workloads.task_names():
        model.add_adapter(name, config=SeqBnConfig(reduction_factor=REDUCTION_FACTOR))
        model.add_classification_head(name, num_labels=CLASSES)
    # Larger than the library's own start, so that a wrong adapter or depth shows in the outputs.
    for key, parameter in model.named_parameters():
        if ".adapters." in key or key.startswith("heads."):
            torch.nn.init.normal_(parameter, std=0.05, generator=generator)
    for name in workloads.task_names():
        (part / name).mkdir(parents=True)
        model.save_adapter(str(part / name), name, with_head=True)


def stack_task_weights(encoder: Path, folder: Path, part: Path) -> None:
    import numpy as np
    from adapters import AutoAdapterModel

    model = AutoAdapterModel.from_pretrained(encoder)
    for task in task_folders(folder):
        model.load_adapter(str(task), load_as=task.name)
    arrays = {}
    for task in workloads.task_names():
        modules = [layer.output.adapters[task] for layer in model.bert.encoder.layer]
        head = model.heads[task]
        tensors = {
            "down_weights": [module.adapter_down[0].weight.T for module in modules],
            "down_biases": [module.adapter_down[0].bias for module in modules],
            "up_weights": [module.adapter_up.weight.T for module in modules],
            "up_biases": [module.adapter_up.bias for module in modules],
            "head_weight": head[1].weight.T, "head_bias": head[1].bias,
            "class_weight": head[4].weight.T, "class_bias": head[4].bias,
        }
        for name, value in tensors.items():
            rows = value if isinstance(value, list) else [value]
            stacked = np.stack([row.detach().numpy() for row in rows])
            arrays[f"{task}/{name}"] = stacked if isinstance(value, list) else stacked[0]
    with part.open("wb") as file:
        np.savez(file, **arrays)


def export_encoder(encoder: Path, _: Path, part: Path) -> None:
    import encoder_modules

    encoder_modules.export_encoder(encoder, part)


def export_task(encoder: Path, folder: Path, part: Path) -> None:
    import encoder_modules

    weights = read_task_weights(folder)[workloads.task_names()[0]]
    encoder_modules.export_task(encoder, weights, part)


def export_ctranslate2(encoder: Path, _: Path, part: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    try:
        TransformersConverter(str(encoder)).convert(str(part))
    except Exception as error:  # noqa: BLE001  the peer is then left out, with this reason
        print(f"warning: CTranslate2 cannot convert this encoder: {error}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args()
    print(export(arguments.encoder, arguments.cache))
    return 0


if __name__ == "__main__":
    sys.exit(main())
