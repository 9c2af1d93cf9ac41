"""Makes tests/golden/library_folders/: tiny adapters saved by the Python `adapters` library, each
with its .bin and its .safetensors, for the reader's tests. Random weights, 2 layers of width 8.

usage: make_library_folders.py [ENCODER_FOLDER]

With ENCODER_FOLDER, the encoder is saved there too, for check_written_folder.py. Needs adapters
1.3.0, transformers 4.57.6 and torch.
"""

import copy
import os
import sys

import torch
import adapters
from adapters import BertAdapterModel
from transformers import BertConfig, BertForSequenceClassification

CONFIG = BertConfig(
    num_hidden_layers=2,
    hidden_size=8,
    intermediate_size=16,
    num_attention_heads=2,
    vocab_size=32,
    max_position_embeddings=16,
)
OUTPUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "library_folders")
ADAPTERS = {
    "pfeiffer": adapters.SeqBnConfig(reduction_factor=2, non_linearity="gelu"),
    "houlsby": adapters.DoubleSeqBnConfig(reduction_factor={"0": 4, "default": 2}),
    "parallel": adapters.ParBnConfig(reduction_factor=3, leave_out=[0]),
}


def randomize(model):
    """Fresh adapters have zeros that would hide a mistake."""
    for name, parameter in model.named_parameters():
        if ".adapters." in name or name.startswith(("heads.", "classifier.")):
            torch.nn.init.normal_(parameter)


def save_both(model, folder, name, with_head=True):
    for use_safetensors in (False, True):
        model.save_adapter(folder, name, with_head=with_head, use_safetensors=use_safetensors)


def make_flexible(name, config):
    model = BertAdapterModel(copy.deepcopy(CONFIG))
    model.add_adapter(name, config=config)
    if name == "pfeiffer":
        model.add_classification_head(name, num_labels=3, id2label={0: "no", 1: "maybe", 2: "yes"})
        # Saved along with the head of "pfeiffer", because the library selects by substring.
        model.add_classification_head("pfeiffer-2", num_labels=2)
    elif name == "houlsby":
        model.add_classification_head(
            name, num_labels=1, layers=2, activation_function=None, use_pooler=True
        )
    randomize(model)
    save_both(model, os.path.join(OUTPUT, name), name)


def make_static():
    model = BertForSequenceClassification(copy.deepcopy(CONFIG))
    adapters.init(model)
    model.add_adapter("static", config="seq_bn")
    randomize(model)
    save_both(model, os.path.join(OUTPUT, "static"), "static")


def make_bare():
    model = adapters.AutoAdapterModel.from_config(copy.deepcopy(CONFIG)).base_model
    model.add_adapter("bare", config="seq_bn")
    randomize(model)
    for use_safetensors in (False, True):
        model.save_adapter(os.path.join(OUTPUT, "bare"), "bare", use_safetensors=use_safetensors)


def make_state_dict():
    """An OrderedDict with _metadata and Parameters, as torch.save(model.state_dict()) makes them."""
    layer = torch.nn.Linear(3, 2)
    torch.save(layer.state_dict(), os.path.join(OUTPUT, "state_dict.bin"))
    tied = torch.arange(6, dtype=torch.float16).reshape(2, 3)
    torch.save(
        {"parameter": layer.weight, "view": tied.t(), "tied": tied, "row": tied[1]},
        os.path.join(OUTPUT, "views.bin"),
    )


def main():
    torch.manual_seed(1)
    os.makedirs(OUTPUT, exist_ok=True)
    for name, config in ADAPTERS.items():
        make_flexible(name, config)
    make_static()
    make_bare()
    make_state_dict()
    if len(sys.argv) > 1:
        BertAdapterModel(copy.deepcopy(CONFIG)).save_pretrained(sys.argv[1])


if __name__ == "__main__":
    main()
