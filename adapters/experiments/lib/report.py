"""A result: Markdown, JSON and plots in one folder."""

import time
from collections.abc import Sequence
from pathlib import Path

from lib import machine, tables
from lib.runs import write_json


def told(label) -> str:
    """A label as one reads it: a text, or the parts of one."""
    if isinstance(label, str):
        return label
    return ", ".join(str(part) for part in label if part not in ("", None))


class Report:
    """Sections are written in the order in which they are added; `data` is the JSON."""

    def __init__(self, name: str, title: str, output: Path, command: str):
        self.name = name
        self.output = output
        output.mkdir(parents=True, exist_ok=True)
        self.machine = machine.describe()
        self.began = time.monotonic()
        self.title = title
        self.command = command
        self.parts: list[str] = []
        self.facts: list[str] = []
        self.skipped: list[str] = []
        self.data: dict = {"experiment": name, "machine": self.machine}

    def fact(self, text: str) -> None:
        """What stands above the tables: splits, epochs, encoder …"""
        if text and text not in self.facts:
            self.facts.append(text)

    def skip(self, text: str) -> None:
        """What could not be made, and why. Printed too."""
        print(f"skipped: {text}", flush=True)
        self.skipped.append(text)

    def heading(self, text: str) -> None:
        self.parts.append(f"## {text}\n")

    def text(self, text: str) -> None:
        if text:
            self.parts.append(text + "\n")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.parts.append(tables.markdown(header, rows))

    def plot(self, name: str, panels: list) -> None:
        if not panels:
            return
        from lib import plots  # matplotlib is slow to import, and tables need none
        plots.save(panels, self.output / f"{name}.svg")
        self.parts.append(f"![{name}]({name}.svg)\n")

    def runs(self, results: dict) -> None:
        """Wall time and memory of each training by its label, and where it ran."""
        if not results:
            return
        self.heading("The trainings")
        self.table(["run", "program", "wall time", "of it steps", "peak memory", "kept step",
                    "cores busy before", "attempts"],
                   [[told(label), r["settings"]["program"], tables.duration(r["wall_seconds"]),
                     tables.duration(r.get("train_seconds")), f"{r['peak_mib']} MiB",
                     str((r.get("selected") or {}).get("step", "–")),
                     f"{machine.load_before(r['machine']):.1f}", str(r["attempts"])]
                    for label, r in results.items()])
        self.fact(f"Wall time of all trainings: "
                  f"{tables.duration(sum(r['wall_seconds'] for r in results.values()))} "
                  "(those from the cache counted).")
        self.data["runs"] = {told(label): result for label, result in results.items()}

    def write(self) -> None:
        facts = [*self.facts, f"Machine: {machine.sentence(self.machine)}.",
                 f"Made by `{self.command}`."]
        lines = [f"# {self.title}\n", *(f"- {fact}" for fact in facts), ""]
        if self.skipped:
            lines += [*(f"- **Not made**: {text}" for text in self.skipped), ""]
        (self.output / f"{self.name}.md").write_text("\n".join(lines + self.parts),
                                                     encoding="utf-8")
        self.data |= {"facts": facts, "not_made": self.skipped}
        write_json(self.output / f"{self.name}.json", self.data)
        print(f"{self.output / self.name}.md, .json and plots "
              f"({tables.duration(time.monotonic() - self.began)})", flush=True)
