"""OpenVINO on the exported encoder, compiled for latency."""

from typing import Any

import numpy as np
import openvino

import exports
from peers.peer import Batch, Peer, Prepared, Setup, make_batches, scatter


class OpenVinoPeer(Peer):
    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.core = openvino.Core()
        self.requests: dict[str, openvino.InferRequest] = {}
        self.weights = exports.read_task_weights(setup.exports)

    def request(self, file: str) -> openvino.InferRequest:
        if file not in self.requests:
            # Without the hint OpenVINO takes bf16 wherever the CPU has it.
            model = self.core.compile_model(self.setup.exports / file, "CPU", {
                "INFERENCE_NUM_THREADS": self.setup.threads,
                "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[self.setup.precision],
                "PERFORMANCE_HINT": "LATENCY"})
            self.requests[file] = model.create_infer_request()
        return self.requests[file]

    def feed(self, batch: Batch) -> dict[str, Any]:
        inputs = {"ids": np.array(batch.ids, np.int64), "mask": np.array(batch.mask, np.int64)}
        return inputs | self.weights[batch.task] if batch.task else inputs

    def prepare(self, job: dict[str, Any]) -> Prepared:
        batches = make_batches(job)
        calls = [(self.request(exports.TASK_ONNX if b.task else exports.ENCODER_ONNX), self.feed(b))
                 for b in batches]

        def run() -> list[Any]:
            return [request.infer(feed, share_inputs=True)[0] for request, feed in calls]

        return Prepared(run=run, logits=lambda results: scatter(job, batches, results))
