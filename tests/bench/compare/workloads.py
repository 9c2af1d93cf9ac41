"""What is timed: which texts, tasks and depths Fathom runs, and the same job for each peer.

Pure functions; texts are random token ids, the same for all.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

TASKS = 8
FIRST_WORD_ID = 1000  # below it a BERT vocabulary has special tokens and single characters
LENGTHS_FILE = Path(__file__).parent / "sst2_dev_lengths.txt"

Json = dict[str, object]


@dataclass(frozen=True)
class Encoder:
    """Sizes of the encoder that the workloads depend on."""

    layers: int
    vocabulary: int
    max_tokens: int
    cls_id: int = 101
    sep_id: int = 102


@dataclass(frozen=True)
class Job:
    """One pass over some texts, as all workers take it."""

    texts: list[Json]
    untimed: int = 1
    repeat: int = 3
    keep_taps: bool = False  # for Fathom
    parallel: bool = False  # for adapters: all tasks in one Parallel block
    batch: int = 0  # for peers: texts of a batch of one task; 0: all

    def to_json(self) -> Json:
        return dict(vars(self))


@dataclass(frozen=True)
class Case:
    """One row of a workload's table."""

    parameters: Json
    fathom: Job
    peers: dict[str, list[Job]]  # by peer: jobs, of which the fastest counts
    has_limit: bool = True
    # The jobs whose outputs must agree; none: the timed ones.
    fathom_check: Job | None = None
    peer_check: Job | None = None


@dataclass(frozen=True)
class Workload:
    name: str
    cases: list[Case]
    peers_do: dict[str, str] = field(default_factory=dict)  # for the reader of the table


def random_ids(encoder: Encoder, tokens: int, draw: random.Random) -> list[int]:
    """`tokens` ids, [CLS] and [SEP] counted."""
    words = [draw.randrange(FIRST_WORD_ID, encoder.vocabulary) for _ in range(tokens - 2)]
    return [encoder.cls_id, *words, encoder.sep_id]


def text(ids: list[int], tasks: Sequence[tuple[str, int]]) -> Json:
    """A text of a job. A task is (name, n); an empty name is the raw encoder."""
    return {"ids": ids, "tasks": [{"name": name, "skip_layers": n} for name, n in tasks]}


def task_names() -> list[str]:
    return [f"t{i}" for i in range(TASKS)]


def depths(layers: int) -> list[int]:
    """No layer skipped, a little less than half of them, and all but the last."""
    return [0, layers // 2 - 1, layers - 1]


def fanout(encoder: Encoder, seed: int = 1, tokens: int = 32) -> Workload:
    ids = random_ids(encoder, tokens, random.Random(seed))
    cases = []
    for n in depths(encoder.layers):
        job = Job([text(ids, [(name, n) for name in task_names()])])
        cases.append(Case({"tasks": TASKS, "tokens": tokens, "skip_layers": n}, job,
                          {"adapters": [replace(job, parallel=True)]}))
    return Workload("fanout", cases,
                    {"adapters": "one Parallel block of all tasks, AdapterDrop by skip_layers"})


def repeat(encoder: Encoder, seed: int = 2, tokens: int = 32) -> Workload:
    ids = random_ids(encoder, tokens, random.Random(seed))
    top = encoder.layers - 1
    at_top = Job([text(ids, [(name, top) for name in task_names()])])
    at_zero = Job([text(ids, [(name, 0) for name in task_names()])], parallel=True)
    cached = replace(at_top, untimed=3, repeat=20, keep_taps=True)
    case = Case({"tasks": TASKS, "tokens": tokens, "skip_layers": top}, cached,
                {"adapters": [at_zero]}, has_limit=False, fathom_check=cached,
                peer_check=replace(at_top, parallel=True))
    return Workload("repeat", [case], {
        "adapters": f"the same text through a Parallel block at n = 0 (Fathom: n = {top}, the "
                    "text's tap in the cache); the outputs are compared with it at Fathom's n"})


BARE_PEERS = ("onnxruntime", "openvino", "torch", "ctranslate2")


def lone(encoder: Encoder, seed: int = 3) -> Workload:
    """The raw encoder does the peers' work; with a task Fathom does more than they."""
    draw = random.Random(seed)
    cases = []
    for tokens in (16, 32, 128):
        if tokens > encoder.max_tokens:
            continue
        ids = random_ids(encoder, tokens, draw)
        bare = Job([text(ids, [("", 0)])])
        peers = {peer: [bare] for peer in BARE_PEERS}
        cases.append(Case({"tokens": tokens, "tasks": 0}, bare, peers))
        with_task = replace(bare, texts=[text(ids, [("t0", 0)])])
        cases.append(Case({"tokens": tokens, "tasks": 1, "skip_layers": 0}, with_task, peers,
                          fathom_check=bare, peer_check=bare))
    return Workload("lone", cases, {
        "onnxruntime, openvino": "the encoder without adapter, exported to ONNX; asked for [CLS]",
        "torch": "the encoder without adapter, eager, scaled_dot_product_attention",
        "ctranslate2": "its Encoder, without adapter"})


def mixed(encoder: Encoder, lengths: Sequence[int], seed: int = 4, texts: int = 64) -> Workload:
    """Fathom runs all in one pass, every text with its own n; the peers run n = 0."""
    draw = random.Random(seed)
    chosen = [min(draw.choice(lengths), encoder.max_tokens) for _ in range(texts)]
    rows = [(random_ids(encoder, tokens, draw), draw.choice(task_names()),
             draw.randrange(encoder.layers)) for tokens in chosen]
    own_depths = Job([text(ids, [(name, n)]) for ids, name, n in rows], repeat=2)
    at_zero = Job([text(ids, [(name, 0)]) for ids, name, _ in rows], repeat=1)
    splits = [at_zero, replace(at_zero, batch=4)]
    case = Case({"texts": texts, "tokens_in_all": sum(chosen), "tasks": TASKS,
                 "skip_layers": "random"}, own_depths,
                {peer: splits for peer in ("adapters", "onnxruntime", "openvino")},
                fathom_check=at_zero, peer_check=at_zero)
    return Workload("mixed", [case], {
        "all": "n = 0 (Fathom: n at random by text; the outputs are compared at n = 0), texts "
               "sorted by task and length, padded in batches of one task; the faster of all texts "
               "of a task in one batch and 4 in a batch",
        "adapters": "set_active_adapters before each batch",
        "onnxruntime, openvino": "the encoder with adapter and head exported once to ONNX, a "
                                 "task's weights as inputs"})


def read_lengths(file: Path = LENGTHS_FILE) -> list[int]:
    return [int(word) for line in file.read_text().splitlines() if not line.startswith("#")
            for word in line.split()]
