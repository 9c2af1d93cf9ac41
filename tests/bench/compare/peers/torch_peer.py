"""The encoder in eager torch, as `transformers` runs it."""

from typing import Any

import torch
from transformers import BertModel

from peers.peer import Batch, Peer, Prepared, Setup, Unsupported, make_batches, scatter


class TorchPeer(Peer):
    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(setup.threads)
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[setup.precision]
        self.model = BertModel.from_pretrained(
            setup.encoder, add_pooling_layer=False, attn_implementation="sdpa").to(dtype).eval()

    def inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        if batch.task:
            raise Unsupported("it has no adapters; `adapters` is the peer that does")
        inputs = {"input_ids": torch.tensor(batch.ids)}
        return inputs | {"attention_mask": torch.tensor(batch.mask)} if batch.padded else inputs

    def prepare(self, job: dict[str, Any]) -> Prepared:
        batches = make_batches(job)
        inputs = [self.inputs(batch) for batch in batches]

        @torch.inference_mode()
        def run() -> list[torch.Tensor]:
            return [self.model(**one).last_hidden_state[:, 0] for one in inputs]

        return Prepared(run=run,
                        logits=lambda results: scatter(job, batches,
                                                       [r.float().tolist() for r in results]))
