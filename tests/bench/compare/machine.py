"""What is known of the machine that runs the comparison (Linux)."""

from pathlib import Path

BUSY = 0.7  # load average from which a warning stands in the report
FLAG_PREFIXES = ("avx", "amx", "fma", "f16c")


def cpu_info(text: str | None = None) -> tuple[str, list[str]]:
    """(model, vector and matrix instruction sets) from /proc/cpuinfo or a text like it."""
    lines = (text if text is not None else Path("/proc/cpuinfo").read_text()).splitlines()
    values = dict(reversed([tuple(part.strip() for part in line.split(":", 1))
                            for line in lines if ":" in line]))
    flags = [flag for flag in values.get("flags", "").split() if flag.startswith(FLAG_PREFIXES)]
    return values.get("model name", "unknown CPU"), flags


def load_notes(load_average: float) -> list[str]:
    """A pass of several threads waits for the slowest: beside other programs it says little."""
    if load_average < BUSY:
        return []
    return [f"**Other programs were running (load average {load_average:.1f} before): neither the "
            "times nor the ratios can be trusted.**"]


def has_bf16(flags: list[str]) -> bool:
    return "avx512_bf16" in flags or "amx_bf16" in flags
