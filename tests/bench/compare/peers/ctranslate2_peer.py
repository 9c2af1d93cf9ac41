"""CTranslate2's Encoder."""

from typing import Any

import ctranslate2
import numpy as np

import exports
from peers.peer import Batch, Peer, Prepared, Setup, Unsupported, make_batches, scatter


class CTranslate2Peer(Peer):
    def __init__(self, setup: Setup) -> None:
        compute_type = {"fp32": "float32", "bf16": "bfloat16"}[setup.precision]
        if compute_type not in ctranslate2.get_supported_compute_types("cpu"):
            raise Unsupported(f"it has no {compute_type} on this CPU")
        self.encoder = ctranslate2.Encoder(
            str(setup.exports / exports.CTRANSLATE2), device="cpu", compute_type=compute_type,
            inter_threads=1, intra_threads=setup.threads)

    def inputs(self, batch: Batch) -> tuple[Any, Any]:
        if batch.task:
            raise Unsupported("it has no adapters")
        lengths = [sum(row) for row in batch.mask]
        return tuple(ctranslate2.StorageView.from_array(np.array(x, np.int32))
                     for x in (batch.ids, lengths))

    def prepare(self, job: dict[str, Any]) -> Prepared:
        batches = make_batches(job)
        inputs = [self.inputs(batch) for batch in batches]
        return Prepared(
            run=lambda: [self.encoder.forward_batch(*one).last_hidden_state for one in inputs],
            logits=lambda results: scatter(job, batches, [np.array(r)[:, 0] for r in results]))
