"""The `adapters` library: adapters over eager torch, in a Parallel block or one task at a time."""

from collections.abc import Callable
from typing import Any

import torch
from adapters import AutoAdapterModel
from adapters.composition import Parallel

import exports
from peers.peer import Batch, Peer, Prepared, Setup, Unsupported, make_batches, scatter


class AdaptersPeer(Peer):
    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(setup.threads)
        self.model = AutoAdapterModel.from_pretrained(setup.encoder)
        for folder in exports.task_folders(setup.exports):
            self.model.load_adapter(str(folder), load_as=folder.name)
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[setup.precision]
        self.model.to(dtype).eval()

    def activate(self, setup: Any, skip_layers: int) -> None:
        self.model.set_active_adapters(setup, skip_layers=list(range(skip_layers)))

    def prepare(self, job: dict[str, Any]) -> Prepared:
        return self.prepare_parallel(job) if job.get("parallel") else self.prepare_batches(job)

    def prepare_parallel(self, job: dict[str, Any]) -> Prepared:
        if len(job["texts"]) != 1:
            raise Unsupported("a Parallel block is compared on one text")
        text = job["texts"][0]
        depths = {task["skip_layers"] for task in text["tasks"]}
        if len(depths) != 1:
            raise Unsupported("a Parallel block has one depth for all its adapters")
        ids = torch.tensor([text["ids"]])
        self.activate(Parallel(*[task["name"] for task in text["tasks"]]), depths.pop())

        @torch.inference_mode()
        def run() -> torch.Tensor:
            return self.model(input_ids=ids).logits

        return Prepared(run=run, logits=lambda rows: [rows.float().tolist()])  # a row a head

    def prepare_batches(self, job: dict[str, Any]) -> Prepared:
        batches = make_batches(job)
        calls = [self.batch_call(batch) for batch in batches]

        @torch.inference_mode()
        def run() -> list[torch.Tensor]:
            return [call() for call in calls]

        return Prepared(run=run,
                        logits=lambda results: scatter(job, batches,
                                                       [r.float().tolist() for r in results]))

    def batch_call(self, batch: Batch) -> Callable[[], torch.Tensor]:
        if not batch.task:
            raise Unsupported("it is compared with a task only; `torch` is the bare encoder")
        inputs = {"input_ids": torch.tensor(batch.ids)}
        if batch.padded:
            inputs["attention_mask"] = torch.tensor(batch.mask)

        def call() -> torch.Tensor:
            self.activate(batch.task, batch.skip_layers)
            return self.model(**inputs).logits

        return call
