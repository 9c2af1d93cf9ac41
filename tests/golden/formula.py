"""BERT with a bottleneck adapter or a fusion of them, written out in numpy and float64.

It shares no code with transformers or adapters: make_golden.py holds the library's numbers against
it before it writes them down.
"""

import math
from dataclasses import dataclass

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])

ACTIVATIONS = {
    "relu": lambda v: np.maximum(v, 0),
    "gelu": lambda v: 0.5 * v * (1 + _erf(v / math.sqrt(2))),
    "gelu_new": lambda v: 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))),
    "swish": lambda v: v / (1 + np.exp(-v)),
    "tanh": np.tanh,
    None: lambda v: v,
}


def linear(weights, name, value):
    return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer_norm(weights, name, value, eps):
    centred = value - value.mean(-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
    return centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(scores):
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def attention(weights, name, value, heads):
    def split(part):
        return linear(weights, f"{name}.self.{part}", value).reshape(len(value), heads, -1)

    query, key, content = split("query"), split("key"), split("value")
    scores = np.einsum("qhd,khd->hqk", query, key) / math.sqrt(query.shape[-1])
    mixed = np.einsum("hqk,khd->qhd", softmax(scores), content).reshape(len(value), -1)
    return linear(weights, f"{name}.output.dense", mixed)


def bottleneck(adapter, place, value):
    config, modules, name = adapter
    prefix = f"{place}.adapters.{name}"
    down = linear(modules, f"{prefix}.adapter_down.0", value)
    activation = ACTIVATIONS[config["non_linearity"]]
    return linear(modules, f"{prefix}.adapter_up", activation(down)) * config["scaling"]


def stands_at(adapter, place):
    _, modules, name = adapter
    return f"{place}.adapters.{name}.adapter_up.weight" in modules


@dataclass
class Fusion:
    """Adapters (config, weights, name) and what fuses them."""

    members: list
    weights: dict
    name: str
    score_scale: float = 1.0  # another one is a mistake

    def output(self, place, z):
        outputs = [bottleneck(member, place, z) for member in self.members if stands_at(member, place)]
        layer = f"{place}.adapter_fusion_layer.{self.name}"
        query = linear(self.weights, f"{layer}.query", z)
        scores = [(query * linear(self.weights, f"{layer}.key", u)).sum(-1) for u in outputs]
        probabilities = softmax(np.stack(scores, -1) * self.score_scale)
        value = self.weights.get(f"{layer}.value.weight")
        values = outputs if value is None else [u @ value.T for u in outputs]
        return sum(probabilities[:, j : j + 1] * values[j] for j in range(len(values)))


def add_and_norm(weights, place, f, x, eps, adapter):
    """The end of a sub-block: LN(f + x), with the adapter's module of this place if it has one.

    `adapter` is (config, weights, name), a Fusion or None.
    """

    def norm(value):
        return layer_norm(weights, f"{place}.LayerNorm", value, eps)

    fused = isinstance(adapter, Fusion)
    members = adapter.members if fused else [adapter] if adapter else []
    if not any(stands_at(member, place) for member in members):
        return norm(f + x)
    config = members[-1][0]
    z = x if config["is_parallel"] else norm(f + x) if config["original_ln_before"] else f
    residual = f if config["residual_before_ln"] or config["is_parallel"] else z
    output = adapter.output(place, z) if fused else bottleneck(adapter, place, z)
    return norm(output + residual + x)


def encode(config, weights, ids, segment_ids, adapter=None, skip_layers=0):
    """The last hidden state [tokens, H] of one text. Layers below skip_layers have no adapter."""
    eps = config["layer_norm_eps"]
    state = layer_norm(
        weights,
        "embeddings.LayerNorm",
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][segment_ids],
        eps,
    )
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        active = adapter if index >= skip_layers else None
        mixed = attention(weights, f"{layer}.attention", state, config["num_attention_heads"])
        state = add_and_norm(weights, f"{layer}.attention.output", mixed, state, eps, active)
        inner = ACTIVATIONS[config["hidden_act"]](linear(weights, f"{layer}.intermediate.dense", state))
        dense = linear(weights, f"{layer}.output.dense", inner)
        state = add_and_norm(weights, f"{layer}.output", dense, state, eps, active)
    return state


def head_logits(weights, head, state):
    """`head` is {"layers": [names in order], "weights", "activation", "use_pooler"}."""
    value = state[0]
    if head["use_pooler"]:
        value = np.tanh(linear(weights, "pooler.dense", value))
    for name in head["layers"][:-1]:
        value = ACTIVATIONS[head["activation"]](linear(head["weights"], name, value))
    return linear(head["weights"], head["layers"][-1], value)
