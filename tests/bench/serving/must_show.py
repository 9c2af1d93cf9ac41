#!/usr/bin/env python3
"""What a server must show, measured with the programs of a build: a row of Markdown for each case.

    must_show.py CASE… [--binaries DIR] [--encoder DIR] [--tasks DIR] [--server-flag=FLAG …] [--quick]

CASE: throughput, lone, overload, brownout, budget, reload, sigterm, start, or all. On a machine with
nothing else to do: client and server share its cores. Exit status 1 if a row is not met.
"""

import argparse
import sys
from pathlib import Path

import changes
import pressure
import speed
from programs import ROOT, ProgramError, Programs
from row import HEADER


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="CASE", choices=[*CASES, "all"])
    parser.add_argument("--binaries", type=Path, default=ROOT / "build/release/bin")
    parser.add_argument("--encoder", type=Path, default=ROOT / ".deps/encoders/minilm")
    parser.add_argument("--tasks", type=Path, default=ROOT / "adapters/starter")
    parser.add_argument("--server-flag", action="append", default=[],
                        help="for every server, such as --server-flag=--threads=2")
    parser.add_argument("--quick", action="store_true",
                        help="a fifth of the time: shows that a case runs, not what it measures")
    parser.add_argument("--queue-ms-flag", default="--max-queue-ms",
                        help="the server's flag for the predicted time that may wait")
    return parser.parse_args()


CASES = {
    "throughput": lambda programs, arguments: speed.throughput(programs),
    "lone": lambda programs, arguments: speed.lone(programs),
    "overload": lambda programs, arguments: pressure.overload(programs, arguments.queue_ms_flag),
    "brownout": lambda programs, arguments: pressure.brownout(programs, arguments.queue_ms_flag),
    "budget": lambda programs, arguments: pressure.budget(programs),
    "reload": lambda programs, arguments: changes.reload(programs),
    "sigterm": lambda programs, arguments: changes.sigterm(programs),
    "start": lambda programs, arguments: speed.start(programs),
}


def main() -> int:
    arguments = parse_arguments()
    programs = Programs(arguments.binaries, arguments.encoder, arguments.tasks,
                        arguments.server_flag, arguments.quick)
    names = list(CASES) if "all" in arguments.cases else arguments.cases
    all_met = True
    print(HEADER, flush=True)
    for name in names:
        try:
            row = CASES[name](programs, arguments)
        except ProgramError as error:
            print(f"{name}: {error}", file=sys.stderr)
            all_met = False
            continue
        print(row.markdown(), flush=True)
        all_met &= row.met
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
