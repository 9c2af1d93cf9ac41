"""ONNX Runtime on the exported encoder, with all its graph optimisations."""

from typing import Any

import numpy as np
import onnxruntime

import exports
from peers.peer import Batch, Peer, Prepared, Setup, Unsupported, make_batches, scatter


class OnnxRuntimePeer(Peer):
    def __init__(self, setup: Setup) -> None:
        if setup.precision != "fp32":
            raise Unsupported("its CPU provider has no bf16 GEMM")
        self.setup = setup
        self.sessions: dict[str, onnxruntime.InferenceSession] = {}
        self.weights = exports.read_task_weights(setup.exports)

    def session(self, file: str) -> onnxruntime.InferenceSession:
        if file not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.setup.threads
            # Threads that still spin after a run would take the cores from whoever is timed next.
            options.add_session_config_entry("session.force_spinning_stop", "1")
            self.sessions[file] = onnxruntime.InferenceSession(
                str(self.setup.exports / file), options, providers=["CPUExecutionProvider"])
        return self.sessions[file]

    def feed(self, batch: Batch) -> dict[str, Any]:
        inputs = {"ids": np.array(batch.ids, np.int64), "mask": np.array(batch.mask, np.int64)}
        return inputs | self.weights[batch.task] if batch.task else inputs

    def prepare(self, job: dict[str, Any]) -> Prepared:
        batches = make_batches(job)
        calls = [(self.session(exports.TASK_ONNX if b.task else exports.ENCODER_ONNX), self.feed(b))
                 for b in batches]
        return Prepared(run=lambda: [session.run(None, feed)[0] for session, feed in calls],
                        logits=lambda results: scatter(job, batches, results))
