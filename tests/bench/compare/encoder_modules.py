"""The encoder as modules that torch can export to ONNX: bare, and with the weights of a task's
adapters and head as inputs."""

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import BertModel

OPSET = 17


class Bare(torch.nn.Module):
    """ids, mask [B, S] -> [CLS] rows [B, H]."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(folder, add_pooling_layer=False,
                                              attn_implementation="eager").eval()

    def additive(self, mask: torch.Tensor) -> torch.Tensor:
        return (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        state = self.bert.embeddings(input_ids=ids)
        additive = self.additive(mask)
        for layer in self.bert.encoder.layer:
            state = layer(state, additive)[0]
        return state[:, 0]


class WithTask(Bare):
    """The same with Pfeiffer adapters at n = 0 and a head -> logits [B, C]."""

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, down_weights: torch.Tensor,
                down_biases: torch.Tensor, up_weights: torch.Tensor, up_biases: torch.Tensor,
                head_weight: torch.Tensor, head_bias: torch.Tensor, class_weight: torch.Tensor,
                class_bias: torch.Tensor) -> torch.Tensor:
        state = self.bert.embeddings(input_ids=ids)
        additive = self.additive(mask)
        for i, layer in enumerate(self.bert.encoder.layer):
            x = layer.attention(state, additive)[0]
            total = layer.output.dense(layer.intermediate(x)) + x
            z = layer.output.LayerNorm(total)
            hidden = torch.relu(z @ down_weights[i] + down_biases[i])
            state = layer.output.LayerNorm(hidden @ up_weights[i] + up_biases[i] + total)
        return torch.tanh(state[:, 0] @ head_weight + head_bias) @ class_weight + class_bias


def write_onnx(module: torch.nn.Module, inputs: dict[str, torch.Tensor],
               axes: dict[str, dict[int, str]], file: Path) -> None:
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The older exporter: its graph is the one whose attention ONNX Runtime recognises.
        torch.onnx.export(module, tuple(inputs.values()), str(file), input_names=list(inputs),
                          output_names=["output"], dynamic_axes=axes, opset_version=OPSET,
                          dynamo=False)


def example() -> tuple[dict[str, torch.Tensor], dict[str, dict[int, str]]]:
    ids = torch.arange(1000, 1048).reshape(2, 24)
    axes = {0: "batch", 1: "tokens"}
    return {"ids": ids, "mask": torch.ones_like(ids)}, {"ids": axes, "mask": axes}


def export_encoder(folder: Path, file: Path) -> None:
    inputs, axes = example()
    write_onnx(Bare(folder), inputs, axes, file)


def export_task(folder: Path, weights: dict[str, Any], file: Path) -> None:
    inputs, axes = example()
    inputs |= {name: torch.from_numpy(value) for name, value in weights.items()}
    axes |= {"class_weight": {1: "classes"}, "class_bias": {0: "classes"}}
    write_onnx(WithTask(folder), inputs, axes, file)
