"""Opens the folder of a fusion that Fathom wrote in the Python `adapters` library.

usage: check_written_fusion.py FOLDER ENCODER_FOLDER [LIBRARY_FOLDER]

Loads FOLDER with load_adapter_setup twice, from the .bin and from the .safetensors files, compares
every tensor, and prints the logits of a fixed input. With LIBRARY_FOLDER, a folder of the same fusion
that the library wrote, the logits must be equal to 1e-4. fusion_test writes such folders again when
FATHOM_WRITTEN_FUSIONS names a folder for them. Needs adapters 1.3.0, transformers 4.57.6 and torch.
"""

import json
import logging
import os
import sys

import torch
import transformers
from adapters import BertAdapterModel

TOLERANCE = 1e-4


def load(folder, encoder_folder, use_safetensors):
    model = BertAdapterModel.from_pretrained(encoder_folder, dtype=torch.float32)
    setup, head = model.load_adapter_setup(folder, set_active=True, use_safetensors=use_safetensors)
    assert model.active_head == head
    return model.eval(), setup, head


def check_weights(model, folder, setup):
    """The model must hold every tensor of the files."""
    own = model.state_dict()
    files = [(name, "pytorch_adapter.bin") for name in setup.children]
    files += [(setup.name, "pytorch_model_adapter_fusion.bin"), (setup.name, "pytorch_model_head.bin")]
    for name, file in files:
        for key, value in torch.load(os.path.join(folder, name, file), weights_only=True).items():
            if not torch.equal(value.to(own[key].dtype), own[key]):
                sys.exit(f"{folder}: {key} differs from {name}/{file}")


@torch.no_grad()
def logits(model):
    ids = torch.arange(1, 8).unsqueeze(0) % model.config.vocab_size
    return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    folder, encoder_folder, *library_folders = sys.argv[1:]
    results = []
    for use_safetensors in (False, True):
        model, setup, head = load(folder, encoder_folder, use_safetensors)
        check_weights(model, folder, setup)
        results.append(logits(model))
    if not torch.equal(*results):
        sys.exit(f"{folder}: .bin and .safetensors give different outputs")
    print(json.dumps({"name": setup.name, "head": head, "logits": results[0].tolist()}))
    for library_folder in library_folders:
        use_safetensors = not os.path.exists(os.path.join(library_folder, "a", "pytorch_adapter.bin"))
        other = logits(load(library_folder, encoder_folder, use_safetensors)[0])
        difference = (other - results[0]).abs().max().item()
        print(f"differs from {library_folder} by {difference:.1e}")
        if not difference <= TOLERANCE:
            sys.exit(1)


if __name__ == "__main__":
    main()
