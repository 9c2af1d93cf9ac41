#!/usr/bin/env python3
"""Checks the shape of the source tree: which folder may include which, how long a file may be, and
that nothing in it names one machine. Prints FILE:LINE: MESSAGE for each violation; exit status 1 if
there is any.

    check_tree.py ROOT
"""

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

MAX_LINES = 400
CODE = {".cc", ".h", ".cu", ".cuh"}
COUNTED = CODE | {".py", ".sh", ".rs", ".proto", ".cmake"}
FOLDERS = ("kernels", "proto", "runtime", "adapters", "server", "tests")

# Folder -> the folders it may include. The longest folder that holds the file decides.
ARROWS = {
    "kernels": {"kernels"},
    "proto": {"proto"},
    "runtime": {"runtime"},
    "runtime/pass/ops": {"runtime", "kernels"},  # the only bridge to the kernels
    "adapters": {"adapters", "runtime"},
    "server": {"server", "proto", "runtime"},
    "server/client": {"server/client", "proto"},
}

# What the server may see of the runtime.
SERVER_MAY_SEE = re.compile(
    r"runtime/(engine|pass/plan|task/profile|task/site|text/text|text/utf8)\.h|runtime/(depth|cache)/.*")

# Folder -> (other people's headers it must not include, why).
FORBIDDEN = {
    "kernels": (re.compile(r"(torch|ATen|c10|absl|grpc|grpcpp)/|.*\.pb\.h"),
                "kernels take raw pointers and depend on nothing"),
    "runtime": (re.compile(r"(grpc|grpcpp)/|.*\.pb\.h"), "the runtime knows no wire"),
    "adapters": (re.compile(r"(grpc|grpcpp)/|.*\.pb\.h"), "the trainer knows no wire"),
    "server/schedule": (re.compile(r"(grpc|grpcpp)/|.*\.grpc\.pb\.h"),
                        "the scheduler is tested without gRPC"),
}

TORCH = re.compile(r"(torch|ATen|c10|caffe2)/")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
MACHINE_PATH = re.compile(r"(?<![\w.}/-])/(work|tmp|home|root)/\w")
REGISTRY = re.compile(r"\b(pypi\.org|pythonhosted\.org|(?<!github\.com/rust-lang/)crates\.io/|"
                      r"npmjs\.org|repo1?\.maven\.\w+|deb\.debian\.org)")


def list_files(root):
    """What git tracks or would track; in a tree without git, everything but hidden and built."""
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "--cached", "--others",
               "--exclude-standard"]
    if (root / ".git").exists():
        listed = subprocess.run(command, check=True, capture_output=True, text=True)
        return sorted(f for f in listed.stdout.splitlines() if (root / f).is_file())
    paths = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
    return sorted(str(p) for p in paths if p.parts[0] not in (".deps", ".git", "build"))


def read_lines(path):
    """The lines of a text file; none of a binary one."""
    data = path.read_bytes()
    return [] if b"\0" in data else data.decode("utf-8", "replace").splitlines()


def includes(lines):
    """(line number, header) of each #include."""
    matches = ((number, INCLUDE.match(line)) for number, line in enumerate(lines, 1))
    return [(number, match[1]) for number, match in matches if match]


def longest_folder(path, table):
    """The key of table that is the deepest folder around path; None if there is none."""
    parents = (str(p) for p in PurePosixPath(path).parents)
    return next((p for p in parents if p in table), None)


def project_folder_of(header):
    """The folder of this project that header is from: "server/client" before "server"; else None."""
    if header.endswith(".pb.h"):
        return "proto"
    if header.startswith("server/client/"):
        return "server/client"
    top = header.split("/")[0]
    return top if top in FOLDERS and "/" in header else None


def plan_sources(root):
    """The sources of the target fathom_plan, as its CMakeLists.txt lists them."""
    listing = root / "runtime/CMakeLists.txt"
    text = listing.read_text() if listing.exists() else ""
    match = re.search(r"fathom_library\(fathom_plan\s+([^)]*)\)", text)
    return ["runtime/" + name for name in match[1].split()] if match else []


class Tree:
    def __init__(self, root):
        self.root = root
        self.lines = {name: read_lines(root / name) for name in list_files(root)}
        self.includes = {name: includes(lines) for name, lines in self.lines.items()
                         if PurePosixPath(name).suffix in CODE}

    def torch_chain(self, name, seen):
        """The includes that lead from a file to a Torch header, as a list; None if none do."""
        seen.add(name)
        for _, header in self.includes.get(name, []):
            if TORCH.match(header):
                return [header]
            if header in self.includes and header not in seen:
                chain = self.torch_chain(header, seen)
                if chain:
                    return [header] + chain
        return None


def check_arrows(tree):
    for name, found in tree.includes.items():
        folder = longest_folder(name, ARROWS)
        for number, header in found:
            target = project_folder_of(header)
            if folder and target and target not in ARROWS[folder]:
                yield name, number, f"{folder}/ must not include {header} ({target}/)"
            if folder == "server" and target == "runtime" and not SERVER_MAY_SEE.fullmatch(header):
                yield name, number, f"server/ sees runtime/engine.h and plain structs, not {header}"


def check_forbidden_headers(tree):
    for name, found in tree.includes.items():
        folder = longest_folder(name, FORBIDDEN)
        for number, header in found:
            if folder and FORBIDDEN[folder][0].match(header):
                yield name, number, f"{header} in {folder}/: {FORBIDDEN[folder][1]}"
            if header == "torch/torch.h":
                yield name, number, "torch/torch.h costs 20 s a file; include single headers"


def check_torch_wall(tree):
    walled = [name for name in tree.includes if name.startswith(("server/", "proto/"))]
    for name in walled + plan_sources(tree.root):
        chain = tree.torch_chain(name, set())
        if chain:
            yield name, 1, "no Torch on this side of the wall, but: " + " -> ".join(chain)


def check_length(tree):
    for name, lines in tree.lines.items():
        counted = PurePosixPath(name).suffix in COUNTED or name.endswith("CMakeLists.txt")
        if counted and len(lines) > MAX_LINES:
            yield name, len(lines), f"{len(lines)} lines; a file has at most {MAX_LINES}"


def check_places(tree):
    for name, lines in tree.lines.items():
        for number, line in enumerate(lines, 1):
            if MACHINE_PATH.search(line) and "Dockerfile" not in name:
                yield name, number, "a path of one machine"
            if REGISTRY.search(line) and not name.endswith("Cargo.lock"):
                yield name, number, "a registry's host name; the tool's own configuration names it"


CHECKS = (check_arrows, check_forbidden_headers, check_torch_wall, check_length, check_places)


def violations(root):
    tree = Tree(Path(root))
    return [v for check in CHECKS for v in check(tree)]


def main():
    found = violations(sys.argv[1])
    for name, number, message in found:
        print(f"{name}:{number}: {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
