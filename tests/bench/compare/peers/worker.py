"""Runs one peer in a process of its own: a JSON line in is a job, a JSON line out its answer.

    python -m peers.worker PEER --encoder DIR --exports DIR --threads N --precision fp32|bf16

The clock is around the peer's inference call alone: inputs are made before it, and its results are
read after it. Between lines the process sleeps.
"""

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from peers.peer import Peer, Setup, Unsupported

PEERS = {
    "adapters": "AdaptersPeer",
    "ctranslate2": "CTranslate2Peer",
    "onnxruntime": "OnnxRuntimePeer",
    "openvino": "OpenVinoPeer",
    "torch": "TorchPeer",
}


def run_job(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    prepared = peer.prepare(job)
    times = []
    result = None
    for run in range(-job.get("untimed", 0), job.get("repeat", 1)):
        start = time.perf_counter()
        result = prepared.run()
        took = (time.perf_counter() - start) * 1e3
        if run >= 0:
            times.append(took)
    return {"ms": times, "logits": prepared.logits(result)}


def reason(error: Exception) -> dict[str, str]:
    """A peer's failure is a line of the report."""
    words = str(error) if isinstance(error, Unsupported) else f"{type(error).__name__}: {error}"
    return {"error": words}


def answer(peer: Peer, line: str) -> dict[str, Any]:
    try:
        return run_job(peer, json.loads(line))
    except Exception as error:  # noqa: BLE001  whatever the peer raises
        return reason(error)


def make_peer(name: str, setup: Setup) -> Peer:
    module = importlib.import_module(f"peers.{name}_peer")
    return getattr(module, PEERS[name])(setup)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--exports", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16"), required=True)
    return parser.parse_args()


def main() -> int:
    # The answers go to the first stdout; what a library prints goes to stderr.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    arguments = parse_arguments()
    setup = Setup(arguments.encoder, arguments.exports, arguments.threads, arguments.precision)
    try:
        peer = make_peer(arguments.peer, setup)
    except Exception as error:  # noqa: BLE001  as above
        print(json.dumps(reason(error)), file=answers, flush=True)
        return 1
    print(json.dumps({"precision": arguments.precision}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(peer, line)), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
