#!/usr/bin/env python3
"""Asks a fathom-server about texts, with stubs that generate.sh made of the .proto files.

    predict.py [--address HOST:PORT] [--task NAME …] [--skip-layers N | --budget-ms MS] TEXT…
"""

import argparse
import hashlib
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "generated"))

import grpc  # noqa: E402
from fathom.v1 import depth_pb2, inference_service_pb2, inference_service_pb2_grpc  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402

TRIES = 4


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--address", default="127.0.0.1:8500")
    parser.add_argument("--task", action="append", help="may be given again; else all tasks")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--skip-layers", type=int, help="exactly this n")
    depth.add_argument("--budget-ms", type=int, help="the server picks the smallest n that fits")
    parser.add_argument("--timeout", type=float, default=10, help="seconds a call may take")
    return parser.parse_args()


def loaded_tasks(stub) -> list[str]:
    """The names of all tasks that can be served, over all pages."""
    names, request = [], inference_service_pb2.ListTasksRequest()
    while True:
        page = stub.ListTasks(request)
        names += [task.name for task in page.tasks
                  if task.default_version and not task.HasField("load_error")]
        if not page.next_page_token:
            return names
        request.page_token = page.next_page_token


def make_request(arguments: argparse.Namespace, tasks: list[str]):
    request = inference_service_pb2.PredictRequest()
    for text in arguments.texts:
        request.inputs.add(text=text)
    for task in tasks:
        request.tasks.add(name=task)
    if arguments.skip_layers is not None:
        request.depth.skip_layers = arguments.skip_layers
    if arguments.budget_ms is not None:
        request.depth.latency_budget.FromMilliseconds(arguments.budget_ms)
    return request


def details_of(error: grpc.RpcError, kind):
    """The detail of this type that the server attached to an error; its default if there is none."""
    detail, status = kind(), status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status.ParseFromString(value)
    for packed in status.details:
        packed.Unpack(detail)
    return detail


def predict(stub, request, timeout: float):
    """One call; one that a full or ending server refuses is tried again when the server says."""
    # A proxy sends equal texts to the same server by this key; any hash of the text will do.
    affinity = hashlib.sha256(request.inputs[0].text.encode()).hexdigest()[:16]
    metadata = [("x-affinity-key", affinity), ("x-request-id", uuid.uuid4().hex)]
    for attempt in range(1, TRIES + 1):
        try:
            return stub.Predict(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            may_pass = error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED,
                                        grpc.StatusCode.UNAVAILABLE)
            if not may_pass or attempt == TRIES:
                raise
            delay = details_of(error, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds()
            time.sleep(max(delay, 100) / 1000)
    raise AssertionError("not reached")


def outcome(result) -> str:
    kind = result.WhichOneof("outcome")
    if kind == "classification":
        return f"{result.classification.label} ({result.classification.probability:.3f})"
    if kind == "regression":
        return f"{result.regression.value:.3f}"
    if kind == "error":
        return f"error: {result.error.message}"
    return str(getattr(result, kind)).replace("\n", " ")


def show(texts: list[str], response) -> None:
    for text, answer in zip(texts, response.results):
        print(text)
        for result in answer.tasks:
            reason = depth_pb2.DepthReason.Name(result.depth.reason)
            print(f"  {result.name}: {outcome(result)}, n = {result.depth.skip_layers} by "
                  f"{reason.removeprefix('DEPTH_REASON_')}")


def main() -> int:
    arguments = parse_arguments()
    with grpc.insecure_channel(arguments.address) as channel:
        stub = inference_service_pb2_grpc.InferenceServiceStub(channel)
        try:
            tasks = arguments.task or loaded_tasks(stub)
            show(arguments.texts, predict(stub, make_request(arguments, tasks), arguments.timeout))
        except grpc.RpcError as error:
            info = details_of(error, error_details_pb2.ErrorInfo)
            print(f"{error.code().name}: {error.details()} [{info.reason}]", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
