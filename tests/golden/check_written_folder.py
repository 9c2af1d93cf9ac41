"""Opens a folder that Fathom wrote in the Python `adapters` library.

usage: check_written_folder.py FOLDER ENCODER_FOLDER

Loads FOLDER (adapter, and head if it has one) into the encoder twice, from the .bin and from the
.safetensors files, fails if the library misses a key or has one too many, and prints the logits of
a fixed input. Needs adapters 1.3.0, transformers 4.57.6 and torch.
"""

import json
import os
import sys

import torch
from adapters import BertAdapterModel


def load(folder, encoder_folder, use_safetensors):
    model = BertAdapterModel.from_pretrained(encoder_folder)
    info = {}
    has_head = os.path.exists(os.path.join(folder, "head_config.json"))
    name = model.load_adapter(
        folder,
        with_head=has_head,
        loading_info=info,
        use_safetensors=use_safetensors,
    )
    for key in ("missing_keys", "unexpected_keys"):
        if info.get(key):
            sys.exit(f"{folder}: {key}: {info[key]}")
    model.set_active_adapters(name)
    model.active_head = name if has_head else None
    model.eval()
    return model, name, has_head


def logits(model, has_head):
    ids = torch.arange(1, 8).unsqueeze(0) % model.config.vocab_size
    with torch.no_grad():
        output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
    return output.logits if has_head else output.last_hidden_state[:, 0]


def check_adapter_acts(model, name, has_head):
    with_adapter = logits(model, has_head)
    layers = model.config.num_hidden_layers
    model.set_active_adapters(name, skip_layers=list(range(layers)))
    if torch.equal(with_adapter, logits(model, has_head)):
        sys.exit(f"{name}: the adapter changes nothing")
    model.set_active_adapters(name)
    return with_adapter


def check_weights(model, folder, name):
    """The model must now hold exactly the tensors of the file."""
    saved = torch.load(os.path.join(folder, "pytorch_adapter.bin"), weights_only=True)
    own = {k: v for k, v in model.state_dict().items() if f".adapters.{name}." in k}
    if set(saved) != set(own):
        sys.exit(f"{folder}: keys differ: {set(saved) ^ set(own)}")
    for key, value in saved.items():
        if not torch.equal(value.to(own[key].dtype), own[key]):
            sys.exit(f"{folder}: {key} differs from the file")


def main():
    folder, encoder_folder = sys.argv[1:3]
    results = []
    for use_safetensors in (False, True):
        model, name, has_head = load(folder, encoder_folder, use_safetensors)
        check_weights(model, folder, name)
        results.append(check_adapter_acts(model, name, has_head))
    if not torch.equal(*results):
        sys.exit(f"{folder}: .bin and .safetensors give different outputs")
    print(json.dumps({"name": name, "has_head": has_head, "logits": results[0].tolist()}))


if __name__ == "__main__":
    main()
