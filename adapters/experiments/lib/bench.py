"""fathom-bench as runs of the cache: its JSON is the result."""

import json
from pathlib import Path

from lib.fathom import FathomBench, NotInThisBuild
from lib.runs import Run


def bench_run(program: FathomBench, workload: str, encoder: Path, **options) -> Run:
    """Options are fathom-bench's by name: tokens=32 is --tokens 32."""
    if not program.has_workload(workload):
        raise NotInThisBuild(f"this build of fathom-bench has no workload {workload}")
    named = {key: value for key, value in options.items() if value}
    flags = [part for key, value in named.items() for part in (f"--{key}", str(value))]

    def command(folder: Path) -> list[str]:
        return [str(program.file), workload, "--encoder", str(encoder), *flags, "--json",
                str(folder / "bench.json")]

    return Run(f"bench-{workload}",
               {"program": "fathom-bench", "build": program.digest, "workload": workload,
                "encoder": encoder.name, **named},
               command, lambda folder: {"cases": json.loads((folder / "bench.json").read_text())})
