"""The encoders and tasks that make_golden.py makes, and the words its tokenizers know."""

from dataclasses import dataclass, field

from adapters import DoubleSeqBnConfig, ParBnConfig, SeqBnConfig
from transformers import BertConfig


@dataclass
class Task:
    """An adapter and its head, and which of the library's ways of saving makes the folder."""

    name: str
    adapter: object
    labels: list = field(default_factory=list)  # by class index; empty: regression
    layers: int = 2
    activation: str | None = "tanh"
    use_pooler: bool = False
    safetensors: bool = False
    half: bool = False  # saved from a model in half precision
    static_head: bool = False  # saved from BertForSequenceClassification
    bare_encoder: bool = False  # adapter saved from a BertModel: names without "bert."
    neighbour: str | None = None  # a second adapter and head in the model when this one is saved


@dataclass
class Encoder:
    name: str
    config: BertConfig
    tasks: list
    embedding_std: float
    half: bool  # also: two shards, and the names of a pre-training checkpoint ("bert.", "cls.")


ENCODERS = [
    Encoder(
        "tiny-a",
        BertConfig(
            vocab_size=100,
            hidden_size=32,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=64,
            hidden_act="gelu",
            layer_norm_eps=1e-12,
        ),
        [
            Task("pfeiffer", SeqBnConfig(reduction_factor=4), ["no", "yes", "maybe"]),
            Task("houlsby", DoubleSeqBnConfig(reduction_factor=4), ["negative", "positive"], layers=1),
            Task("pfeiffer-left-out",
                 SeqBnConfig(reduction_factor=4, non_linearity="gelu", leave_out=[1])),
            Task("houlsby-left-out", DoubleSeqBnConfig(reduction_factor=8, leave_out=[0, 3]),
                 ["z", "y"], layers=3, activation="relu"),
            Task("parallel", ParBnConfig(reduction_factor=2), ["down", "up"], use_pooler=True,
                 safetensors=True),
            Task("half-precision", SeqBnConfig(reduction_factor=4), ["a", "b", "c", "d"], half=True),
            Task("static-head", SeqBnConfig(reduction_factor=4), ["same", "other"], layers=1,
                 use_pooler=True, static_head=True),
        ],
        embedding_std=0.15,
        half=False,
    ),
    Encoder(
        "tiny-b",
        BertConfig(
            vocab_size=100,
            hidden_size=24,
            num_hidden_layers=3,
            num_attention_heads=3,
            intermediate_size=40,
            max_position_embeddings=48,
            hidden_act="gelu_new",
            layer_norm_eps=1e-5,
        ),
        [
            Task("pfeiffer",
                 SeqBnConfig(reduction_factor={"1": 8, "default": 3}, non_linearity="gelu_new"),
                 ["no", "yes", "maybe"], safetensors=True),
            Task("houlsby", DoubleSeqBnConfig(reduction_factor=6), ["negative", "positive"],
                 activation=None),
            Task("parallel", ParBnConfig(reduction_factor=2), layers=1),
            Task("bare", SeqBnConfig(reduction_factor=4), ["left", "right"], bare_encoder=True),
            # The library picks a head's tensors by substring: this file holds both heads.
            Task("pair", SeqBnConfig(reduction_factor=4), ["in", "out"], neighbour="pair-2"),
        ],
        embedding_std=0.02,  # as in real checkpoints: small enough for layer_norm_eps to show
        half=True,
    ),
]

WORDS = ("the is was and not good bad movie film cat dog tea like love hate but so very this that "
         "it he she we you why how").split()
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
VOCABULARY = (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + LETTERS
              + [f"##{letter}" for letter in LETTERS] + list(".,!?'-0123456789") + WORDS)
