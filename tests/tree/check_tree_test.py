#!/usr/bin/env python3
"""Plants one violation of each kind in a small tree and expects check_tree.py to find just it."""

import tempfile
import unittest
from pathlib import Path

import check_tree

CLEAN = {
    "kernels/kernels.h": "#include <cstdint>\n",
    "runtime/CMakeLists.txt": "fathom_library(fathom_plan\n  pass/planner.cc)\n",
    "runtime/engine.h": '#include "runtime/pass/plan.h"\n',
    "runtime/pass/plan.h": "#include <vector>\n",
    "runtime/pass/planner.cc": '#include "runtime/pass/plan.h"\n',
    "runtime/pass/executor.h": "#include <ATen/core/Tensor.h>\n",
    "runtime/pass/ops/attention.cc": '#include "kernels/kernels.h"\n',
    "adapters/trainer.cc": '#include "runtime/pass/executor.h"\n',
    "server/schedule/queue.cc": '#include "runtime/engine.h"\n',
    "server/grpc/service.cc": "#include <grpcpp/grpcpp.h>\n" '#include "fathom/v1/a.grpc.pb.h"\n',
    "server/client/main.cc": '#include "fathom/v1/a.grpc.pb.h"\n',
}

# (what is planted, file, content, a part of the message)
PLANTED = [
    ("kernels include the runtime", "kernels/a.cc", '#include "runtime/engine.h"', "must not"),
    ("kernels include Abseil", "kernels/a.cc", '#include "absl/types/span.h"', "raw pointers"),
    ("kernels include Torch", "kernels/a.cc", "#include <ATen/ATen.h>", "raw pointers"),
    ("a kernel called beside the bridge", "runtime/task/a.cc", '#include "kernels/kernels.h"',
     "must not"),
    ("the runtime includes the trainer", "runtime/a.cc", '#include "adapters/a.h"', "must not"),
    ("the runtime includes gRPC", "runtime/a.cc", "#include <grpcpp/grpcpp.h>", "no wire"),
    ("the trainer includes the server", "adapters/a.cc", '#include "server/a.h"', "must not"),
    ("the trainer includes the wire", "adapters/a.cc", '#include "fathom/v1/a.pb.h"', "no wire"),
    ("the server includes a Torch side header", "server/a.cc",
     '#include "runtime/pass/executor.h"', "plain structs"),
    ("the server includes Torch", "server/a.cc", "#include <c10/core/Device.h>", "the wall"),
    ("the server reaches Torch through a header", "runtime/pass/plan.h",
     '#include "runtime/pass/executor.h"', "plan.h -> runtime/pass/executor.h -> ATen"),
    ("the plan includes Torch", "runtime/pass/planner.cc", "#include <ATen/ATen.h>", "the wall"),
    ("the client includes the server", "server/client/a.cc", '#include "server/grpc/a.h"',
     "must not"),
    ("the client includes the runtime", "server/client/a.cc", '#include "runtime/engine.h"',
     "must not"),
    ("the scheduler includes gRPC", "server/schedule/a.cc", "#include <grpcpp/alarm.h>",
     "without gRPC"),
    ("all of Torch at once", "adapters/a.cc", "#include <torch/torch.h>", "20 s"),
    ("a long file", "runtime/a.cc", "\n" * 401, "401 lines"),
    ("a long script", "deploy/a.sh", "\n" * 401, "401 lines"),
    ("a path of one machine", "README.md", "see " + "/wo" + "rk/main/x", "one machine"),
    ("a temporary folder", "tests/a.cc", 'Open("' + "/t" + 'mp/x")', "one machine"),
    ("a registry", "deploy/a.sh", "curl https://files.python" + "hosted.org/x", "registry"),
]


def messages(files):
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return [f"{name}: {message}" for name, _, message in check_tree.violations(root)]


class CheckTree(unittest.TestCase):
    def test_finds_nothing_in_a_clean_tree(self):
        self.assertEqual(messages(CLEAN), [])

    def test_finds_each_planted_violation(self):
        for title, name, content, part in PLANTED:
            with self.subTest(title):
                found = messages(CLEAN | {name: content})
                self.assertTrue(any(part in message for message in found), found)

    def test_accepts_paths_that_only_look_like_one_machine(self):
        for text in ("s/work/play/", "build/tmp/x", "${root}/tmp/x", "/usr/bin/x"):
            self.assertEqual(messages(CLEAN | {"README.md": text}), [])


if __name__ == "__main__":
    unittest.main()
