"""From times to ratios, tables and JSON. Pure functions."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """One case: medians in milliseconds."""

    workload: str
    parameters: dict[str, Any]
    fathom_ms: float
    limit_ms: float | None
    peers: dict[str, float]
    left_out: dict[str, str] = field(default_factory=dict)  # peer: why it has no time
    differences: dict[str, float] = field(default_factory=dict)  # largest, of the outputs
    row_layers: dict[str, float] = field(default_factory=dict)
    sequences: int = 1  # (text, task) pairs answered

    @property
    def precision(self) -> str:
        return self.parameters["precision"]

    @property
    def skip_layers(self) -> Any:
        return self.parameters.get("skip_layers")

    def per_second(self, ms: float) -> float:
        return self.sequences / ms * 1e3


@dataclass(frozen=True)
class Ratio:
    """How many times less time Fathom takes than what it is compared with."""

    workload: str
    precision: str
    name: str
    ratio: float


def describe(parameters: dict[str, Any]) -> str:
    """"32 tokens, 8 tasks, n = 5": what tells a case from the others of its table."""
    words = []
    for key in ("texts", "tokens", "tasks"):
        if key in parameters:
            count = parameters[key]
            words.append(f"{count} {key[:-1] if count == 1 else key}")
    if parameters.get("tasks") == 0:
        words[-1] = "bare encoder"
    if "skip_layers" in parameters:
        n = parameters["skip_layers"]
        words.append("n at random" if n == "random" else f"n = {n}")
    return ", ".join(words)


def groups(results: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """By precision and workload, in their first order."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        found.setdefault((result.precision, result.workload), []).append(result)
    return found


def ratios(results: list[Result]) -> list[Ratio]:
    found = []
    for (precision, workload), group in groups(results).items():
        for result in group:
            found += [Ratio(workload, precision, f"{describe(result.parameters)}: {peer}",
                            ms / result.fathom_ms) for peer, ms in result.peers.items()]
        if workload == "fanout":
            found += [Ratio(workload, precision, name, ratio)
                      for name, ratio in depth_ratios(group)]
    return found


def depth_ratios(fanout: list[Result]) -> list[tuple[str, float]]:
    """Fathom's depths against its own first one, and its last one against the peers' first."""
    first, last = fanout[0], fanout[-1]
    found = [(f"n = {r.skip_layers}: Fathom at n = {first.skip_layers}",
              first.fathom_ms / r.fathom_ms) for r in fanout[1:]]
    found += [(f"n = {last.skip_layers}: {peer} at n = {first.skip_layers}", ms / last.fathom_ms)
              for peer, ms in first.peers.items() if last is not first]
    return found


def to_json(run: dict[str, Any], results: list[Result]) -> list[dict[str, Any]]:
    """An object a case, each with the run (machine, versions) that it is of."""
    rows = []
    for result in results:
        row = asdict(result)
        row["ratios"] = {peer: ms / result.fathom_ms for peer, ms in result.peers.items()}
        row["fathom_per_second"] = result.per_second(result.fathom_ms)
        row["peers_per_second"] = {p: result.per_second(ms) for p, ms in result.peers.items()}
        row["run"] = run
        rows.append(row)
    return rows


def table_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def timing_table(group: list[Result]) -> str:
    """A row a case; beside a peer's time, how many times Fathom's it is."""
    peers = list(dict.fromkeys(peer for r in group for peer in [*r.peers, *r.left_out]))
    head = ["case", "Fathom ms", "limit ms", *(f"{peer} ms" for peer in peers)]
    many = group[0].workload == "mixed"
    if many:
        head += ["sequences/s: Fathom", *peers]
    text = table_line(head) + "|" + "---|" * len(head) + "\n"
    for r in group:
        limit = "" if r.limit_ms is None else f"{r.limit_ms:.2f}"
        cells = [describe(r.parameters), f"{r.fathom_ms:.2f}", limit]
        cells += [f"{r.peers[p]:.2f} ({r.peers[p] / r.fathom_ms:.2f} ×)" if p in r.peers else "–"
                  for p in peers]
        if many:
            cells.append(f"{r.per_second(r.fathom_ms):.1f}")
            cells += [f"{r.per_second(r.peers[p]):.1f}" if p in r.peers else "–" for p in peers]
        text += table_line(cells)
    return text


def left_out_lines(group: list[Result]) -> str:
    reasons = dict.fromkeys((peer, reason) for r in group for peer, reason in r.left_out.items())
    return "".join(f"- no time of {peer}: {reason}\n" for peer, reason in reasons)


def difference_line(group: list[Result]) -> str:
    largest: dict[str, float] = {}
    for result in group:
        for peer, value in result.differences.items():
            largest[peer] = max(value, largest.get(peer, 0.0))
    if not largest:
        return ""
    words = ", ".join(f"{peer} {value:.1e}" for peer, value in largest.items())
    return f"- largest difference from Fathom's outputs: {words}\n"


def cache_line(group: list[Result]) -> str:
    """Where a text is repeated: what the cache saved, or that it saved nothing."""
    if group[0].workload != "repeat":
        return ""
    layers = group[0].row_layers
    return (f"- row-layers of Fathom: {layers.get('row_layers_run', 0):.0f} run, "
            f"{layers.get('row_layers_cached', 0):.0f} from the cache\n")


def markdown(run: dict[str, Any], results: list[Result], peers_do: dict[str, dict[str, str]],
             notes: list[str]) -> str:
    text = "# Fathom beside its peers\n\n"
    text += f"{run['cpu']}, flags {run['flags']}\n\n"
    text += (f"Encoder {run['encoder']}, {run['threads']} threads, {run['rounds']} rounds, load "
             f"average before: {run['load_average_before']:.1f}. Medians; all programs in turn in "
             "one run. In brackets: times Fathom's. Limit: the pass's arithmetic at this machine's "
             "best GEMM rate.\n\n")
    text += "Versions: " + ", ".join(f"{p} {v}" for p, v in run["versions"].items()) + "\n"
    text += "".join(f"\n{note}\n" for note in notes)
    for (precision, workload), group in groups(results).items():
        text += f"\n## {workload}, {precision}\n\n" + timing_table(group) + "\n"
        text += "".join(f"- {peer}: {what}\n" for peer, what in peers_do[workload].items())
        text += left_out_lines(group) + difference_line(group)
        text += cache_line(group)
    text += "\n## Ratios\n\n| workload | precision | case and what it is compared with | times |\n"
    text += "|---|---|---|---|\n"
    for ratio in ratios(results):
        text += table_line([ratio.workload, ratio.precision, ratio.name, f"{ratio.ratio:.2f}"])
    return text
