"""One line of the table: what was measured beside what it must be at least."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    what: str
    at_least: str
    measured: str
    met: bool

    def markdown(self) -> str:
        return f"| {self.what} | {self.at_least} | {self.measured} | {'yes' if self.met else 'NO'} |"


HEADER = "| what | at least | measured | met |\n|---|---|---|---|"
